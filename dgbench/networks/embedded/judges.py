"""The embedded networks in their roles: detector and landmarks from one network, identity, features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from dgbench.core.card import JudgeNetwork
from dgbench.core.face import Image, Landmarks
from dgbench.networks.align import arcface_crop, five_points
from dgbench.networks.detector import Detection, Detector
from dgbench.networks.embedded.feature_net import DIMENSION as FEATURES
from dgbench.networks.embedded.feature_net import VIEW as FEATURE_VIEW
from dgbench.networks.embedded.feature_net import FeatureNet
from dgbench.networks.embedded.identity_nets import TEMPLATE, IdentityMeasure, IdentityTrain, align_batch
from dgbench.networks.embedded.landmark_net import VIEW, LandmarkNet
from dgbench.networks.exported import ExportedNetwork
from dgbench.networks.features import FeatureNetwork
from dgbench.networks.identity import Alignment, IdentityNetwork
from dgbench.networks.landmarks import LandmarkNetwork


def shrink(image: Image, *, factor: float) -> tuple[torch.Tensor, NDArray[np.float64]]:
    """Return the image as (1, 3, h, w) in 0..1, shrunk by area if ``factor`` > 1, and the (x, y) scale applied."""
    import cv2

    height, width = image.shape[:2]
    if factor > 1.0:
        size = (max(1, round(width / factor)), max(1, round(height / factor)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    scale = np.array([image.shape[1] / width, image.shape[0] / height])
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255.0, scale


def square_view(image: Image, centre: NDArray[np.floating], side: float, *, size: int) -> torch.Tensor:
    """Return the square of ``side`` pixels about ``centre`` as (1, 3, size, size) in 0..1, black outside."""
    import cv2

    small, scale = shrink(image, factor=side / size)
    pixels = small[0].permute(1, 2, 0).numpy()
    zoom = size / (side * scale)
    # Pixel corners are at 0 here, pixel centres in cv2.
    offset = size / 2 - zoom * centre * scale + 0.5 * (zoom - 1)
    matrix = np.array([[zoom[0], 0.0, offset[0]], [0.0, zoom[1], offset[1]]])
    view = cv2.warpAffine(pixels, matrix, (size, size), flags=cv2.INTER_LINEAR, borderValue=(0, 0, 0))
    return torch.from_numpy(np.ascontiguousarray(view)).permute(2, 0, 1)[None]


class EmbeddedDetector(Detector):
    """The landmark network as a detector, twice: on the whole frame, then on the square about what it found.

    The square is 1.5 × the longer side of the first pass's points. A face counts where both passes say so; the
    score is the lower of the two. It knows one face per image, upright, filling a good part of the frame.
    """

    ENLARGE = 1.5

    def __init__(self, network: LandmarkNet, sha256: str, *, threshold: float = 0.5) -> None:
        self._net = ExportedNetwork(network, (1, 3, VIEW, VIEW))
        self.threshold = threshold
        self.network = JudgeNetwork(role="detector", name=f"synthface-landmarks@{threshold:g}", sha256=sha256)

    def detect_all(self, image: Image) -> list[Detection]:
        """See :meth:`Detector.detect_all`."""
        height, width = image.shape[:2]
        centre, side = np.array([width / 2, height / 2]), float(max(height, width))
        score, points, _ = self._look(image, centre, side)
        if score < self.threshold:
            return []
        low, high = points[:, :2].min(0), points[:, :2].max(0)
        side = self.ENLARGE * float((high - low).max())
        if side < 8.0:
            return []
        second, points, visibility = self._look(image, (low + high) / 2, side)
        score = min(score, second)
        if score < self.threshold:
            return []
        box = np.concatenate([points[:, :2].min(0), points[:, :2].max(0)]).astype(np.float32)
        landmarks = Landmarks(points.astype(np.float32), visibility, "synthface-landmarks")
        return [Detection(score, box, five_points(points), landmarks)]

    def _look(
        self, image: Image, centre: NDArray[np.floating], side: float
    ) -> tuple[float, NDArray[np.float64], NDArray[np.float32]]:
        found, visible, face = self._net.run(square_view(image, centre, side, size=VIEW).numpy())
        points = found[0].astype(np.float64) * side
        points[:, :2] += centre - side / 2
        visibility: NDArray[np.float32] = torch.sigmoid(torch.from_numpy(visible[0])).numpy()
        return float(torch.sigmoid(torch.from_numpy(face)[0])), points, visibility


class EmbeddedLandmarks(LandmarkNetwork):
    """The points that :class:`EmbeddedDetector` has already found."""

    def __init__(self, sha256: str) -> None:
        self.network = JudgeNetwork(role="landmarks", name="synthface-landmarks", sha256=sha256)

    def find(self, image: Image, face: Detection) -> Landmarks:
        """See :meth:`LandmarkNetwork.find`."""
        if face.landmarks is None:
            raise ValueError("the embedded landmarks come with the embedded detector's faces only")
        return face.landmarks


class EmbeddedIdentity(IdentityNetwork):
    """``identity-measure-2`` on ArcFace's crop at 80 px, or ``identity-train`` on its own, wider one at 64 px.

    The embedding is the sum of the crop's and its mirror image's: a head turned to the left then resembles the
    same head turned to the right, as it should.
    """

    def __init__(self, network: IdentityMeasure | IdentityTrain, name: str, sha256: str) -> None:
        self.side = network.CROP
        self._wide = isinstance(network, IdentityTrain)
        self._net = ExportedNetwork(network, (1, 3, self.side, self.side))
        self.network = JudgeNetwork(role="identity", name=f"synthface-{name}+mirror", sha256=sha256)

    def align(
        self, image: Image, detected: NDArray[np.floating] | None, fallback: NDArray[np.floating] | None
    ) -> tuple[Image, Alignment]:
        """See :meth:`IdentityNetwork.align`; the fixed box is where the template lies in a frame that it fills."""
        tries: tuple[tuple[NDArray[np.floating] | None, Alignment], ...] = (
            (detected, "detector"),
            (fallback, "fallback-points"),
        )
        for points, name in tries:
            if points is not None:
                five = five_points(points).astype(np.float64)
                spread = float(np.sqrt(((five - five.mean(0)) ** 2).sum()))
                if np.isfinite(spread) and spread > 1e-3:
                    return self._crop(image, five, spread), name
        height, width = image.shape[:2]
        side = min(height, width)
        view = square_view(image, np.array([width / 2, height / 2]), float(side), size=self.side)
        return _to_bytes(view), "fixed-box"

    def _crop(self, image: Image, five: NDArray[np.float64], spread: float) -> Image:
        if not self._wide:
            return arcface_crop(image, five, side=self.side)
        template_spread = float((TEMPLATE - TEMPLATE.mean(0)).square().sum().sqrt())
        small, scale = shrink(image, factor=spread / template_spread / 1.5)
        points = torch.from_numpy(five * scale).float()[None]
        with torch.inference_mode():
            return _to_bytes(align_batch(small, points))

    def raw(self, aligned: Image) -> NDArray[np.float32]:
        """See :meth:`IdentityNetwork.raw`."""
        crop = aligned.transpose(2, 0, 1)[None].astype(np.float32) / np.float32(255)
        vector: NDArray[np.float32] = (self._net.run(crop)[0] + self._net.run(crop[..., ::-1])[0])[0]
        return vector


class EmbeddedFeatures(FeatureNetwork):
    """``fd[synthface]``: the feature network on whole frames at 64 px."""

    dimension = FEATURES
    name = "fd[synthface]"

    def __init__(self, network: FeatureNet, sha256: str) -> None:
        self._net = ExportedNetwork(network, (1, 3, FEATURE_VIEW, FEATURE_VIEW))
        self.network = JudgeNetwork(role="features", name="synthface-features", sha256=sha256)

    def features(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """See :meth:`FeatureNetwork.features`."""
        result = np.zeros((len(images), self.dimension), dtype=np.float32)
        for index, image in enumerate(images):
            height, width = image.shape[:2]
            middle, side = np.array([width / 2, height / 2]), float(max(height, width))
            (row,) = self._net.run(square_view(image, middle, side, size=FEATURE_VIEW).numpy())
            result[index] = row[0]
        return result


def _to_bytes(crop: torch.Tensor) -> Image:
    pixels: Image = (crop[0].permute(1, 2, 0).clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    return pixels
