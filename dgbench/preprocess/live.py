"""Images straight from a data set's own files: decoded, cropped as the protocol declares, when they are asked for."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dgbench.core.errors import UsageError
from dgbench.core.face import Failure, Image, Landmarks
from dgbench.core.protocol import Frame
from dgbench.datasets.manifest import Manifest
from dgbench.io.images import ImageError, shown_size
from dgbench.preprocess.crop import apply_crop, crop_matrix, valid_mask
from dgbench.preprocess.media import MediaFile, read_rows
from dgbench.preprocess.source import Outside, some_outside

#: Finds the five points of one image in pixels, or ``None`` where it sees no face.
PointFinder = Callable[[Image], NDArray | None]


class LiveSource:
    """An :class:`~dgbench.preprocess.source.ImageSource` over a manifest.

    A frame of a clip is decoded when it is asked for, from the clip's beginning: right, and slow; `dgbench data
    prepare` decodes each clip once.

    Args:
        manifest: the copy of the data set.
        frame: the protocol's frame; its ``landmarks`` say in which order the points for the crop are looked for.
        frozen: key → (5, 2) points as shares of width and height, shipped with the protocol.
        finders: name → finder, made only when first needed (a finder may have to load a network).
        keep: how many prepared images stay in memory.
    """

    def __init__(
        self,
        manifest: Manifest,
        frame: Frame,
        *,
        frozen: Mapping[str, NDArray] | None = None,
        finders: Mapping[str, Callable[[], PointFinder]] | None = None,
        keep: int = 512,
    ) -> None:
        self._root: Path = manifest.root
        frames = manifest.frames[(manifest.frames["container"] == "image") | manifest.frames["frame"].notna()]
        places = zip(frames["path"], frames["container"], frames["frame"].fillna(0).astype("int64"), strict=True)
        self._places: dict[str, tuple[str, str, int]] = dict(zip(frames["key"], places, strict=True))
        self._frame = frame
        self._frozen = frozen or {}
        self._finders = dict(finders or {})
        self._ready: dict[str, PointFinder] = {}
        self._keep = keep
        self._cache: OrderedDict[str, Image] = OrderedDict()
        self._used: dict[str, str] = {}
        self._placed: dict[str, tuple[NDArray, tuple[int, int]]] = {}

    @property
    def size(self) -> int:
        """Side of every image in pixels."""
        return self._frame.size

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def image(self, key: str) -> Image:
        """Return the cropped image.

        Raises:
            ImageError: missing, damaged or refused, or no face was found in it (kind ``no-face``).
        """
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        if key not in self._places:
            raise ImageError(f"{key}: not in this copy of the data", kind="missing")
        relative, container, position = self._places[key]
        path = self._root / relative
        ((_, stored),) = read_rows(self._root, MediaFile(relative, container, ((key, position),)))
        if isinstance(stored, Failure):
            raise ImageError(stored.message, kind=stored.kind)
        points, origin = self._points(key, stored)
        try:
            matrix = crop_matrix(self._frame, points, shape=(stored.shape[0], stored.shape[1]))
        except ValueError as error:
            raise ImageError(f"{path}: {error}", kind="no-face" if points is None else "unreadable") from error
        self._used[key] = origin
        self._placed[key] = (matrix, (stored.shape[0], stored.shape[1]))
        self._cache[key] = apply_crop(stored, matrix, self._frame.size, whole=self._frame.crop == "as-stored")
        if len(self._cache) > self._keep:
            self._cache.popitem(last=False)
        return self._cache[key]

    def problem(self, key: str) -> str:
        """Return why the image cannot be had, or "": a raw file tells only by being decoded and cropped."""
        try:
            self.image(key)
        except ImageError as error:
            return str(error)
        return ""

    def valid(self, key: str) -> NDArray[np.bool_] | None:
        """Return which pixels of an image lie inside its photograph, ``None`` where all do; errors as for `image`."""
        if self._frame.crop == "as-stored":
            return None
        if key not in self._placed:
            self.image(key)
        return some_outside(valid_mask(*self._placed[key], self._frame.size))

    def outside(self) -> Outside | None:
        """Return how much of the crops that shipped points decide lies outside the photographs; looks at headers."""
        if self._frame.crop == "as-stored" or not self._frozen:
            return None
        shares = []
        for key in sorted(self._frozen.keys() & self._places.keys()):
            shape = shown_size(self._root / self._places[key][0])
            if shape is not None:
                points = np.asarray(self._frozen[key]) * (shape[1], shape[0])
                matrix = crop_matrix(self._frame, points, shape=shape)
                shares.append(1 - float(valid_mask(matrix, shape, self._frame.size).mean()))
        return Outside.of(shares)

    def landmarks(self, key: str) -> Landmarks | None:
        """Return ``None``: a live source knows crops, not 68 landmarks (`dgbench data prepare` finds those)."""
        return None

    def provenance(self) -> dict[str, int]:
        """Return how many of the images used were cropped by which landmarks."""
        return dict(sorted(Counter(self._used.values()).items()))

    def _points(self, key: str, image: Image) -> tuple[NDArray | None, str]:
        for name in self._frame.landmarks:
            if name == "frozen":
                if key in self._frozen:
                    height, width = image.shape[:2]
                    return np.asarray(self._frozen[key]) * (width, height), name
                continue
            if name not in self._ready:
                if name not in self._finders:
                    raise UsageError(
                        f"landmarks '{name}' cannot be had here; prepare the data with `dgbench data prepare`"
                    )
                self._ready[name] = self._finders[name]()
            points = self._ready[name](image)
            if points is not None:
                return points, name
        return None, "none"
