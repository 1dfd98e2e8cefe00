"""VoxCeleb1 (Nagrani et al. 2017) and VoxCeleb2 (Chung et al. 2018): readers for every variant seen on disk."""

from __future__ import annotations

from dgbench.datasets.dataset import Dataset
from dgbench.datasets.voxceleb.reader import read_voxceleb1, read_voxceleb2

VOXCELEB1 = Dataset("voxceleb1", read_voxceleb1, how_to_get="the VoxCeleb project, on request")
VOXCELEB2 = Dataset("voxceleb2", read_voxceleb2, how_to_get="the VoxCeleb project, on request")

__all__ = ["VOXCELEB1", "VOXCELEB2", "read_voxceleb1", "read_voxceleb2"]
