"""The prepared store: cropped images and their landmarks on disk, each with its digest; read and written here.

``STORE/store.json`` names data set and frame; ``manifest.parquet`` is the copy it was made from;
``index.parquet`` has one row per key (file, sha256, crop matrix, where the landmarks came from, failure);
``landmarks.npz`` has points (N, 68, 3) and visibility (N, 68) in index order; images lie under ``images/`` as PNG.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dgbench.core.digests import digest, sha256_bytes
from dgbench.core.errors import UsageError
from dgbench.core.face import Image, Landmarks
from dgbench.core.protocol import Frame
from dgbench.datasets.manifest import Manifest
from dgbench.io.arrays import DAMAGED_ARRAYS
from dgbench.io.atomic import atomic_writer, write_bytes, write_json
from dgbench.io.images import ImageError, decode, encode_png
from dgbench.io.parquet import read_frame
from dgbench.preprocess.crop import valid_mask
from dgbench.preprocess.source import Outside, some_outside

STORE_FILE = "store.json"
_INDEX = ("key", "file", "sha256", "landmarks", "failure", *(f"m{i}" for i in range(6)))
#: Height and width of the photograph: stores of earlier versions lack them.
_SHAPE = ("height", "width")


@dataclass(frozen=True)
class StoredImage:
    """One row of a store. ``failure`` is "" or why there is no image; ``matrix`` is image pixels → frame (2x3).

    ``shape`` is height and width of the photograph, zeros where they are not known.
    """

    key: str
    file: str
    sha256: str
    landmarks_origin: str
    failure: str
    matrix: NDArray[np.float64]
    landmarks: Landmarks | None
    shape: tuple[int, int] = (0, 0)


def is_store(folder: Path) -> bool:
    """Whether a folder is a finished prepared store."""
    return (folder / STORE_FILE).is_file()


def image_file(key: str) -> str:
    """Return the file of a key inside a store: by digest, so that any key is a safe and case-proof name."""
    name = digest(key)[:24]
    return f"images/{name[:2]}/{name}.png"


def write_image(store: Path, key: str, image: Image) -> tuple[str, str]:
    """Write one prepared image; returns its file (relative to the store) and the sha256 of its bytes."""
    data = encode_png(image)
    file = image_file(key)
    write_bytes(store / file, data)
    return file, sha256_bytes(data)


def finish_store(
    store: Path,
    rows: Iterable[StoredImage],
    *,
    manifest: Manifest,
    frame: Frame,
    plan: str,
    notes: dict[str, str],
) -> None:
    """Write index, landmarks, manifest and, last, ``store.json``: the mark of a finished store.

    Rows are sorted by key, so the order in which images were prepared never shows. The manifest is kept because
    protocols that build their pairs build them from it. ``plan`` tells the same preparation from another one.
    """
    ordered = sorted(rows, key=lambda row: row.key.encode())
    points = np.zeros((len(ordered), 68, 3), np.float32)
    visibility = np.full((len(ordered), 68), np.nan, np.float32)
    for i, row in enumerate(ordered):
        if row.landmarks is not None:
            points[i], visibility[i] = row.landmarks.points, row.landmarks.visibility
    table = pd.DataFrame(
        [[r.key, r.file, r.sha256, r.landmarks_origin, r.failure, *r.matrix.ravel(), *r.shape] for r in ordered],
        columns=[*_INDEX, *_SHAPE],
    )
    with atomic_writer(store / "landmarks.npz") as handle:
        np.savez_compressed(handle, points=points, visibility=visibility)
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    write_bytes(store / "index.parquet", buffer.getvalue())
    buffer = io.BytesIO()
    manifest.frames.to_parquet(buffer, index=False)
    write_bytes(store / "manifest.parquet", buffer.getvalue())
    write_json(
        store / STORE_FILE,
        {
            "schema_version": 1,
            "dataset": manifest.dataset,
            "expected": manifest.expected,
            "found": manifest.found,
            "frame": frame.model_dump(mode="json"),
            "images": sum(not row.failure for row in ordered),
            "failures": dict(Counter(row.failure.split(":")[0] for row in ordered if row.failure)),
            "content": digest([[row.key, row.sha256] for row in ordered]),
            "plan": plan,
            "notes": notes,
        },
    )


class PreparedStore:
    """A finished store as an :class:`~dgbench.preprocess.source.ImageSource`.

    Raises:
        UsageError: the folder is no finished store, is damaged, or was prepared for another frame.
    """

    def __init__(self, folder: Path, *, frame: Frame | None = None) -> None:
        try:
            self.about = json.loads((folder / STORE_FILE).read_text(encoding="utf-8"))
            self._table = read_frame(folder / "index.parquet").set_index("key", drop=False)
            with np.load(folder / "landmarks.npz", allow_pickle=False) as stored:
                self._points, self._visibility = np.asarray(stored["points"]), np.asarray(stored["visibility"])
            self.frame = Frame.model_validate(self.about["frame"])
            self._check()
        except FileNotFoundError as error:
            raise UsageError(
                f"{folder}: not a finished prepared store ({Path(error.filename).name} is missing)"
            ) from error
        except DAMAGED_ARRAYS as error:
            raise UsageError(f"{folder}: damaged prepared store ({error}); run `dgbench data prepare` again") from error
        if frame is not None and (frame.size, frame.crop) != (self.frame.size, self.frame.crop):
            raise UsageError(
                f"{folder}: prepared as {self.frame.crop} at {self.frame.size} px, the protocol wants {frame.crop} "
                f"at {frame.size} px; prepare it again"
            )
        self._folder = folder
        self._row = {key: i for i, key in enumerate(self._table["key"])}
        self._used: dict[str, str] = {}

    def _check(self) -> None:
        """Raise ValueError where index, landmarks and description do not fit together."""
        if lacking := sorted(set(_INDEX) - set(self._table.columns)):
            raise ValueError(f"index.parquet lacks {', '.join(lacking)}")
        if not self._table["key"].is_unique or not all(isinstance(key, str) for key in self._table["key"]):
            raise ValueError("index.parquet: a key is no text or is repeated")
        rows = len(self._table)
        for name, array, shape in (
            ("points", self._points, (rows, 68, 3)),
            ("visibility", self._visibility, (rows, 68)),
        ):
            if array.shape != shape or array.dtype.kind != "f":
                raise ValueError(f"landmarks.npz: {name} are {array.dtype} {array.shape}, expected floats {shape}")
        if not isinstance(self.about.get("dataset"), str):
            raise ValueError(f"{STORE_FILE} names no data set")
        if not all(isinstance(self.about.get(name, {}), dict) for name in ("expected", "found")):
            raise ValueError(f"{STORE_FILE}: its counts are no table")

    def manifest(self) -> Manifest:
        """Return the manifest of the copy that the store was prepared from.

        Raises:
            UsageError: it is damaged.
        """
        path = self._folder / "manifest.parquet"
        try:
            frames = read_frame(path)
        except (OSError, ValueError) as error:
            raise UsageError(f"{path}: cannot be read; run `dgbench data prepare` again") from error
        return Manifest(
            dataset=str(self.about["dataset"]),
            root=self._folder,
            frames=frames,
            expected=dict(self.about.get("expected", {})),
            found=dict(self.about.get("found", {})),
        )

    @property
    def inputs(self) -> str:
        """What was known of the copy's pictures: ``original``, ``altered: …``, ``rendered: …``; "" in older stores."""
        notes = self.about.get("notes")
        return str(notes.get("inputs", "")) if isinstance(notes, dict) else ""

    @property
    def size(self) -> int:
        """Side of every image in pixels."""
        return self.frame.size

    def __contains__(self, key: object) -> bool:
        return key in self._row

    def image(self, key: str) -> Image:
        """Return one image, its bytes checked against the index."""
        row = self._table.iloc[self._index(key)]
        if row["failure"]:
            raise ImageError(f"{key}: could not be prepared ({row['failure']})", kind=str(row["failure"]).split(":")[0])
        path = self._folder / str(row["file"])
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ImageError(f"{path}: cannot be read ({error.strerror})", kind="missing") from error
        if sha256_bytes(data) != row["sha256"]:
            raise ImageError(f"{path}: content changed since it was prepared; run `dgbench data prepare` again")
        self._used[key] = str(row["landmarks"])
        return decode(data, where=str(path))

    def problem(self, key: str) -> str:
        """Return why the image could not be prepared, as the index says, or ""."""
        return str(self._table.iloc[self._index(key)]["failure"]) if key in self._row else f"{key}: not in the store"

    def valid(self, key: str) -> NDArray[np.bool_] | None:
        """Return which pixels of an image lie inside its photograph, ``None`` where all do.

        Raises:
            ImageError: it is not in the store. UsageError: the store is of a version that did not keep what tells.
        """
        i = self._index(key)
        if self.frame.crop == "as-stored":
            return None
        if not set(_SHAPE) <= set(self._table.columns):
            raise UsageError(
                f"{self._folder}: prepared by an earlier version, which did not keep where crops leave the photograph; "
                "run `dgbench data prepare` into another folder"
            )
        row = self._table.iloc[i]
        matrix = np.array([row[f"m{n}"] for n in range(6)], dtype=np.float64).reshape(2, 3)
        return some_outside(valid_mask(matrix, (int(row["height"]), int(row["width"])), self.size))

    def outside(self) -> Outside | None:
        """Return how much of the store's crops lies outside the photographs; ``None`` where nothing can."""
        if self.frame.crop == "as-stored" or not set(_SHAPE) <= set(self._table.columns):
            return None
        masks = [self.valid(key) for key in self._table["key"][self._table["failure"] == ""]]
        return Outside.of([0.0 if mask is None else 1 - float(mask.mean()) for mask in masks])

    def landmarks(self, key: str) -> Landmarks | None:
        """Return the landmarks found when the image was prepared, or ``None``."""
        i = self._index(key)
        if not np.isfinite(self._visibility[i]).all():
            return None
        origin = str(self._table.iloc[i]["landmarks"])
        return Landmarks(points=self._points[i], visibility=self._visibility[i], origin=origin)

    def rows(self) -> list[StoredImage]:
        """Return every row of the index with its landmarks."""
        matrices = self._table[[f"m{i}" for i in range(6)]].to_numpy(np.float64).reshape(-1, 2, 3)
        shapes = self._table[list(_SHAPE)] if set(_SHAPE) <= set(self._table.columns) else None
        sides = [(0, 0)] * len(self._table) if shapes is None else list(shapes.itertuples(index=False, name=None))
        texts = self._table[list(_INDEX[:5])].astype(str).itertuples(index=False, name=None)
        return [
            StoredImage(key, file, sha256, origin, failure, matrix, self.landmarks(key), shape)
            for (key, file, sha256, origin, failure), matrix, shape in zip(texts, matrices, sides, strict=True)
        ]

    def provenance(self) -> dict[str, int]:
        """Return how many of the images used were cropped by which landmarks."""
        return dict(sorted(Counter(self._used.values()).items()))

    def _index(self, key: str) -> int:
        if key not in self._row:
            raise ImageError(f"{key}: not in the prepared store {self._folder}", kind="missing")
        return self._row[key]
