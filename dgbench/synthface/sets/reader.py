"""Reading SynthFace: the manifest of a tree with its exact poses, and the landmarks that lie beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from dgbench.core.errors import MissingError, UsageError
from dgbench.core.face import Image, Landmarks, Pose
from dgbench.datasets.dataset import Dataset
from dgbench.datasets.manifest import COLUMNS, Manifest
from dgbench.io.images import ImageError, read_image
from dgbench.io.parquet import read_frame
from dgbench.synthface.head.truth import EXTRAS, UnitTruth, read_truth
from dgbench.synthface.sets.mini import MiniStore


def read_synthface(root: Path) -> Manifest:
    """Read a finished tree of any layout, or a folder of the mini set.

    Files that are gone are left out and listed; their content is not checked (``SHA256SUMS`` beside the manifest
    is for that).

    Raises:
        MissingError: no such folder. UsageError: no SynthFace tree, an unfinished one, or a damaged manifest.
    """
    if not root.is_dir():
        raise MissingError(f"{root}: no such folder; write a tree with `dgbench data synth`")
    if (root / "images.npy").is_file():
        return MiniStore(root).manifest()
    about, frames = _about(root), _frames(root)
    present = frames["path"].map({path: (root / path).is_file() for path in frames["path"].unique()}).astype(bool)
    gone = sorted(frames.loc[~present, "path"].unique())
    found = frames[present].reset_index(drop=True)
    return Manifest(
        dataset="synthface",
        root=root,
        frames=found,
        expected={"people": int(about["people"]), "images": int(about["images"])},
        found={"people": int(found["subject"].nunique()), "images": len(found)},
        skipped={"file that the tree should have and has not": gone} if gone else {},
    )


class SynthTree:
    """A tree's exact truth by manifest key: landmarks with visibility, and pose.

    Args:
        root: the folder of a finished tree.

    Raises:
        MissingError: no such folder. UsageError: no finished tree, or damaged truth.
    """

    def __init__(self, root: Path) -> None:
        self._manifest = read_synthface(root)
        self._root = root
        self._paths = dict(zip(self._manifest.frames["key"], self._manifest.frames["path"], strict=True))
        self._units: dict[str, tuple[UnitTruth, int]] = {}
        for path in sorted((root / EXTRAS / "truth").glob("*.npz")):
            truth = read_truth(path)
            self._units.update({key: (truth, row) for row, key in enumerate(truth.keys)})

    def __contains__(self, key: object) -> bool:
        return key in self._paths

    def manifest(self) -> Manifest:
        """Return the tree's manifest."""
        return self._manifest

    def image(self, key: str) -> Image:
        """Return a still image as stored, uint8 HWC RGB (frames of clips are read by :mod:`dgbench.io.video`).

        Raises:
            ImageError: missing or damaged.
        """
        if key not in self._paths:
            raise ImageError(f"{key}: not in {self._root}", kind="missing")
        return read_image(self._root / self._paths[key])

    def landmarks(self, key: str) -> Landmarks:
        """Return the exact landmarks in the pixels of the stored image.

        Raises:
            ImageError: no such key.
        """
        truth, row = self._truth(key)
        return truth.landmarks(row)

    def pose(self, key: str) -> Pose:
        """Return the exact pose.

        Raises:
            ImageError: no such key.
        """
        truth, row = self._truth(key)
        return truth.pose(row)

    def _truth(self, key: str) -> tuple[UnitTruth, int]:
        if key not in self._units:
            raise ImageError(f"{key}: not in {self._root}", kind="missing")
        return self._units[key]


def _about(root: Path) -> dict[str, Any]:
    path = root / EXTRAS / "about.json"
    if not path.is_file():
        begun = (root / EXTRAS / "plan.json").is_file()
        what = "an unfinished SynthFace tree; run the same `dgbench data synth` again" if begun else "no SynthFace tree"
        raise UsageError(f"{root}: {what}")
    try:
        about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {"people": int(about["people"]), "images": int(about["images"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: damaged; run the same `dgbench data synth` again") from error


def _frames(root: Path) -> pd.DataFrame:
    path = root / EXTRAS / "manifest.parquet"
    try:
        frames = read_frame(path)
        return frames.astype(COLUMNS)[list(COLUMNS)]
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(f"{path}: damaged manifest; run the same `dgbench data synth` again") from error


def read_mini(root: Path) -> Manifest:
    """Refuse: the images of synthface-mini ship in the package.

    Raises:
        UsageError: always.
    """
    raise UsageError(f"{root}: synthface-mini ships in the package and has no copy to be read")


SYNTHFACE = Dataset(
    "synthface",
    read_synthface,
    how_to_get="`dgbench data synth`",
    opens="dgbench.synthface.sets.live:open_synthface",
)
SYNTHFACE_MINI = Dataset(
    "synthface-mini",
    read_mini,
    how_to_get="the dgbench package itself",
    opens="dgbench.synthface.sets.mini:open_mini",
)
