"""The declared crops: from five points (or none) to the matrix that brings an image into a protocol's frame."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from dgbench.core.face import Image, Landmarks
from dgbench.core.protocol import Frame
from dgbench.networks.align import apply, similarity

Matrix = NDArray[np.float64]

#: The five-point template of the DG release on 256 px: ArcFace's 96-wide template doubled and shifted.
DG_256: Matrix = np.array(
    [[92.561, 103.393], [163.036, 103.003], [128.023, 143.473], [99.071, 184.731], [157.432, 184.408]]
)

_CORNERS: Matrix = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
#: Changes with what is computed here: preparations begun under another version are not gone on with.
VERSION = 2
#: eye-mouth crop: the eye-to-mouth distance as a share of the frame, and where their midpoint goes. The distance
#: between eyes shrinks with yaw, that from eyes to mouth does not, so faces keep one scale at every pose.
EYE_MOUTH_SHARE = 0.27
EYE_MOUTH_CENTRE = (0.5, 0.54)


def crop_matrix(frame: Frame, points: NDArray | None, *, shape: tuple[int, int]) -> Matrix:
    """Return the 2x3 matrix from image pixels to the frame's pixels.

    Args:
        frame: size and kind of the crop.
        points: (5, 2) image-left eye, image-right eye, nose, image-left and -right mouth corner, in pixels;
            ``None`` only for ``as-stored``.
        shape: height and width of the image.

    Raises:
        ValueError: points are missing or degenerate, or an image to be kept as stored is not square.
    """
    if frame.crop == "as-stored":
        return _as_stored(frame.size, shape)
    if frame.crop == "fomm-tube":
        raise ValueError("a fomm-tube crop is decided per clip by `dgbench data prepare`, not per image")
    if points is None:
        raise ValueError(f"crop '{frame.crop}' needs five points")
    if frame.crop == "arcface-template":
        return similarity(points, DG_256 * (frame.size / 256))
    return _eye_mouth(frame.size, np.asarray(points, dtype=np.float64))


def apply_crop(image: Image, matrix: NDArray, size: int, *, whole: bool = False) -> Image:
    """Warp an image into the frame: bilinear, black outside, averaged where the image is shrunk (no aliasing).

    Args:
        image: uint8 HWC RGB.
        matrix: (2, 3) image pixels → frame.
        size: side of the frame in pixels.
        whole: whether the frame is the whole image (kept as stored): then its outermost pixels, whose centres lie
            half a pixel inside, are continued to the frame's border, and nothing black is mixed into them.
    """
    scale = math.sqrt(abs(np.linalg.det(matrix[:, :2])))
    factor = max(1, math.ceil(1 / max(scale, 1e-6) - 1e-6)) if scale < 1 else 1
    factor = min(factor, 16)
    # Sampling on a grid finer by a whole factor and averaging boxes equals an area filter of that width.
    fine = np.array(matrix, dtype=np.float64) * factor
    fine[:, 2] += (factor - 1) / 2
    border = cv2.BORDER_REPLICATE if whole else cv2.BORDER_CONSTANT
    side = size * factor
    warped = cv2.warpAffine(image, fine, (side, side), flags=cv2.INTER_LINEAR, borderMode=border)
    if factor > 1:
        warped = cv2.resize(warped, (size, size), interpolation=cv2.INTER_AREA)
    return warped


def valid_mask(matrix: NDArray, shape: tuple[int, int], size: int) -> NDArray[np.bool_]:
    """Return bool (size, size): the pixels of a crop that show nothing but the photograph.

    The crop's own steps are taken with a white picture: a pixel is valid where no black from outside entered it.

    Args:
        matrix: (2, 3) image pixels → frame, as :func:`apply_crop` takes it.
        shape: height and width of the photograph.
        size: side of the frame in pixels.
    """
    height, width = shape
    corners = apply(np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2], _CORNERS * (size - 1))
    margin = 1 + 1 / math.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if (corners.min(axis=0) >= margin).all() and (corners.max(axis=0) <= np.array([width, height]) - 1 - margin).all():
        return np.ones((size, size), np.bool_)  # most crops: no picture of that size is needed to tell
    white = apply_crop(np.full((height, width, 3), 255, np.uint8), matrix, size)
    inside: NDArray[np.bool_] = white[:, :, 0] == 255
    return inside


def crop_landmarks(landmarks: Landmarks, matrix: NDArray) -> Landmarks:
    """Bring landmarks into the frame; z is scaled like x and y."""
    scale = math.sqrt(abs(np.linalg.det(matrix[:, :2])))
    moved = np.empty_like(landmarks.points)
    moved[:, :2] = apply(matrix, landmarks.points[:, :2])
    moved[:, 2] = landmarks.points[:, 2] * scale
    return Landmarks(points=moved, visibility=landmarks.visibility, origin=landmarks.origin)


def _as_stored(size: int, shape: tuple[int, int]) -> Matrix:
    height, width = shape
    if height != width:
        raise ValueError(f"kept as stored, an image must be square, this one is {width}x{height}")
    factor = size / width
    shift = (factor - 1) / 2  # pixel centres, not corners, are what coordinates name
    return np.array([[factor, 0.0, shift], [0.0, factor, shift]])


def _eye_mouth(size: int, points: Matrix) -> Matrix:
    eyes, mouth = points[:2].mean(axis=0), points[3:5].mean(axis=0)
    distance = float(np.hypot(*(mouth - eyes)))
    if not np.isfinite(distance) or distance < 1:
        raise ValueError("eyes and mouth coincide; the points are of no face")
    factor = EYE_MOUTH_SHARE * size / distance
    centre = (eyes + mouth) / 2
    wanted = np.array(EYE_MOUTH_CENTRE) * size
    return np.hstack([np.eye(2) * factor, (wanted - factor * centre)[:, None]])
