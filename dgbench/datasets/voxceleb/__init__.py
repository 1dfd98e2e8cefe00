"""VoxCeleb1 (Nagrani et al. 2017) and VoxCeleb2 (Chung et al. 2018): readers for every variant seen on disk."""

from __future__ import annotations

from dgbench.datasets.voxceleb.reader import read_voxceleb1, read_voxceleb2

__all__ = ["read_voxceleb1", "read_voxceleb2"]
