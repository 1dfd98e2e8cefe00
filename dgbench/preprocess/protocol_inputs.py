"""What a protocol ships for a raw copy, and whether the copy's pictures are the ones that it belongs to."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from numpy.typing import NDArray

from dgbench.datasets.manifest import Manifest
from dgbench.datasets.registry import DATASETS
from dgbench.preprocess.inputs_check import InputsReport, check_inputs, face_finder
from dgbench.protocols.frozen_points import FILE, read_points
from dgbench.protocols.registry import LoadedProtocol


def shipped_points(loaded: LoadedProtocol) -> dict[str, NDArray]:
    """Return the points that a protocol ships, key → (5, 2) shares of width and height; empty where it ships none.

    Raises:
        UsageError: they are missing, damaged, or not the released ones.
    """
    sha256 = loaded.protocol.landmarks_sha256
    return dict(read_points(loaded.folder / FILE, sha256=sha256)) if sha256 else {}


def inputs_of(
    loaded: LoadedProtocol, manifest: Manifest, keys: Collection[str], *, weights: Path | None
) -> InputsReport:
    """Check whether the pictures of a raw copy that a protocol uses are the published ones."""
    return check_inputs(
        manifest,
        keys,
        size=loaded.protocol.frame.size,
        photograph=DATASETS.get(loaded.protocol.dataset).photograph,
        square=loaded.protocol.frame.crop == "as-stored",
        frozen=shipped_points(loaded),
        observe=face_finder(weights),
    )
