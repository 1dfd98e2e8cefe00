"""Finding the face of one image by the declared fallbacks, and writing its crop with its landmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dgbench.core.face import FaceObservation, Image, Landmarks, Pose
from dgbench.core.protocol import Frame
from dgbench.networks.ibug import MIRROR
from dgbench.networks.judges import Judges
from dgbench.preprocess.crop import VERSION as CROP_VERSION
from dgbench.preprocess.crop import apply_crop, crop_landmarks, crop_matrix
from dgbench.preprocess.prepare_rows import PENDING, Prepared
from dgbench.preprocess.store import write_image
from dgbench.preprocess.visibility import VERSION as VISIBILITY_VERSION
from dgbench.preprocess.visibility import with_visibility

_ROLES = ("detector", "landmarks", "pose")
_MIRROR_FIVE = [1, 0, 2, 4, 3]
#: Tube crop: a frame belongs to it while its box overlaps the first one's this much, and the union grows so much per
#: side (values of AliaksandrSiarohin/video-preprocessing).
TUBE_IOU = 0.25
TUBE_GROWTH = 0.1
#: Landmarks end at the brows and a detector's box does not: so much of their height is added above.
FOREHEAD = 0.35


class FaceFinder:
    """Looks for the face of an image: frozen points, the detector, the detector on the mirrored image.

    Args:
        judges: networks with the roles detector, landmarks and pose.
        frame: the frame that the images are cropped into.
        frozen: key → (5, 2) points as shares of the image's sides.
    """

    def __init__(self, judges: Judges, frame: Frame, *, frozen: Mapping[str, NDArray]) -> None:
        self.frame = frame
        self._judges = judges
        self._frozen = frozen if "frozen" in frame.landmarks else {}
        self._detector = next(network.name for network in judges.networks if network.role == "detector")
        networks = [network.model_dump(mode="json") for network in judges.networks]
        points = {key: np.asarray(value).tolist() for key, value in sorted(self._frozen.items())}
        #: What decides the result besides the image: changes with networks, frame, frozen points and our own steps.
        self.identity = {
            "networks": networks,
            "frame": frame.model_dump(mode="json"),
            "frozen": points,
            "visibility": VISIBILITY_VERSION,
            "crop": CROP_VERSION,
        }

    def look(self, key: str, image: Image) -> tuple[Prepared, Landmarks | None]:
        """Return what is known of the face, with landmarks in pixels of the image; pending where none was found."""
        height, width = image.shape[:2]
        row = Prepared(key, shape=(height, width))
        seen, origin = self._judges.observe([image], roles=_ROLES)[0], self._detector
        if not seen.detected:
            flipped = self._judges.observe([np.ascontiguousarray(image[:, ::-1])], roles=_ROLES)[0]
            seen, origin = _mirror(flipped, width), "mirrored"
        landmarks = None if seen.landmarks is None else with_visibility(seen.landmarks, seen.pose)
        points = None if seen.points5 is None else np.asarray(seen.points5, dtype=np.float64)
        if key in self._frozen:
            points, origin = np.asarray(self._frozen[key], dtype=np.float64) * (width, height), "frozen"
        if points is None:
            return replace(row, failure=PENDING), None
        return replace(row, origin=origin, points5=points, pose=seen.pose), landmarks

    def keep(self, row: Prepared, landmarks: Landmarks | None) -> Prepared:
        """Return the row holding its landmarks in image pixels, for crops that are decided later."""
        return replace(row, landmarks=landmarks)

    def crop_by_median(self, row: Prepared, image: Image, points: NDArray, *, out: Path) -> Prepared:
        """Crop by the camera's median points (shares of the sides), then look for landmarks in the crop itself."""
        placed = points * (image.shape[1], image.shape[0])
        row = replace(row, failure="", origin="camera-median", points5=None)
        if self.frame.crop == "fomm-tube":
            return row.failed("no-face", "no face was found, and a tube is that of the clip's own faces")
        try:
            matrix = crop_matrix(self.frame, placed, shape=(image.shape[0], image.shape[1]))
        except ValueError as error:
            return row.failed("unreadable", str(error))
        cropped = apply_crop(image, matrix, self.frame.size, whole=self.frame.crop == "as-stored")
        seen = self._judges.observe([cropped], roles=_ROLES)[0]
        file, sha256 = write_image(out, row.key, cropped)
        landmarks = None if seen.landmarks is None else with_visibility(seen.landmarks, seen.pose)
        return replace(row, file=file, sha256=sha256, matrix=matrix, landmarks=landmarks, pose=seen.pose)


def crop_row(
    row: Prepared,
    image: Image,
    landmarks: Landmarks | None,
    frame: Frame,
    *,
    out: Path,
    matrix: NDArray | None = None,
) -> Prepared:
    """Crop an image into the frame and write it; kept as stored, it needs no face."""
    if frame.crop == "as-stored":
        row = replace(row, failure="", origin="as-stored")
    elif row.failure or (frame.crop == "fomm-tube" and matrix is None):
        return row if row.failure else row.failed("no-face", "the face left the tube of the clip's first face")
    try:
        if matrix is None:
            matrix = crop_matrix(frame, row.points5, shape=row.shape)
    except ValueError as error:
        return row.failed("wrong-size" if frame.crop == "as-stored" else "unreadable", str(error))
    file, sha256 = write_image(out, row.key, apply_crop(image, matrix, frame.size, whole=frame.crop == "as-stored"))
    moved = None if landmarks is None else crop_landmarks(landmarks, matrix)
    return replace(row, file=file, sha256=sha256, matrix=np.asarray(matrix), landmarks=moved)


def tube_matrices(rows: Sequence[Prepared], frame: Frame) -> list[NDArray | None]:
    """Return one matrix for all frames of a clip whose face stays where the first was, ``None`` for the others.

    The box of a face is that of its landmarks with a forehead (of its five points, doubled, where those are all);
    the tube is the union of the boxes that overlap the first, grown by a tenth per side and squared about its centre.
    """
    boxes = [_box(row) for row in rows]
    first = next((box for box in boxes if box is not None), None)
    if first is None:
        return [None] * len(rows)
    member = [box is not None and _iou(box, first) >= TUBE_IOU for box in boxes]
    inside = np.stack([box for box, belongs in zip(boxes, member, strict=True) if belongs and box is not None])
    low, high = inside[:, :2].min(axis=0), inside[:, 2:].max(axis=0)
    side = float((high - low).max()) * (1 + 2 * TUBE_GROWTH)
    scale = frame.size / side
    shift = frame.size / 2 - 0.5 - scale * (low + high) / 2
    matrix = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
    return [matrix if belongs else None for belongs in member]


def _box(row: Prepared) -> NDArray | None:
    if row.landmarks is not None:
        points = row.landmarks.points[:, :2].astype(np.float64)
        low, high = points.min(axis=0), points.max(axis=0)
        low[1] -= FOREHEAD * (high[1] - low[1])
        return np.concatenate([low, high])
    if row.points5 is None:
        return None
    low, high = row.points5.min(axis=0), row.points5.max(axis=0)
    half = np.maximum(high - low, 1.0)
    centre = (low + high) / 2
    return np.concatenate([centre - half, centre + half])


def _iou(first: NDArray, second: NDArray) -> float:
    low, high = np.maximum(first[:2], second[:2]), np.minimum(first[2:], second[2:])
    shared = float(np.prod(np.maximum(high - low, 0)))
    areas = float(np.prod(first[2:] - first[:2]) + np.prod(second[2:] - second[:2]))
    return shared / max(areas - shared, 1e-9)


def _mirror(seen: FaceObservation, width: int) -> FaceObservation:
    """Return what was seen in a mirrored image in the coordinates of the image itself."""
    points, landmarks, pose = seen.points5, seen.landmarks, seen.pose
    if points is not None:
        points = np.stack([width - 1 - points[:, 0], points[:, 1]], axis=1)[_MIRROR_FIVE]
    if landmarks is not None:
        moved = landmarks.points[list(MIRROR)].copy()
        moved[:, 0] = width - 1 - moved[:, 0]
        landmarks = Landmarks(moved, landmarks.visibility[list(MIRROR)], landmarks.origin)
    if pose is not None:
        pose = Pose(-pose.yaw, pose.pitch, -pose.roll)
    return replace(seen, points5=points, landmarks=landmarks, pose=pose)
