"""Methods without learning: the source warped by landmarks, and the source's face put into the reference."""

from __future__ import annotations

from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from dgbench.core.face import Failure, Image, Landmarks
from dgbench.core.record import Motion
from dgbench.methods.contract import Need, Task
from dgbench.methods.sanity.copies import SanityBaseline, given
from dgbench.methods.warps.shapes import posed_shape
from dgbench.methods.warps.triangles import border_points, warp_by_points


class LandmarkWarp(SanityBaseline):
    """The source warped, piecewise affine, from its 68 landmarks to the reference's; the border stays."""

    name = "landmark-warp"
    needs: ClassVar[frozenset[Need]] = frozenset({"source", "source_landmarks", "reference_landmarks"})
    motion: ClassVar[Motion] = "absolute"

    def one(self, task: Task) -> Image | Failure:
        """Return the warped source."""
        source = given(task.source, "source")
        points, wanted = task.source_landmarks, task.reference_landmarks
        if isinstance(source, Failure):
            return source
        if points is None or wanted is None:
            return Failure("missing", "this pair has no landmarks")
        border = border_points(self.size)
        goal = self.goal(points, wanted)
        depth = np.concatenate([goal[:, 2], np.full(len(border), goal[:, 2].max() + 1)]).astype(np.float32)
        return warp_by_points(
            source,
            np.concatenate([points.points[:, :2], border]),
            np.concatenate([goal[:, :2], border]).astype(np.float32),
            depth=depth,
        )

    def goal(self, source: Landmarks, reference: Landmarks) -> NDArray[np.float64]:
        """Return (68, 3): where the source's points go."""
        return reference.points.astype(np.float64)


class LandmarkWarp3d(LandmarkWarp):
    """As landmark-warp, to the source's own 3D shape in the reference's pose, so that proportions are kept."""

    name = "landmark-warp-3d"

    def goal(self, source: Landmarks, reference: Landmarks) -> NDArray[np.float64]:
        """Return (68, 3): the source's shape, posed."""
        return posed_shape(source.points.astype(np.float64), reference.points.astype(np.float64))


class FaceSwapWarp(SanityBaseline):
    """The source's inner face warped onto the reference's landmarks, in the reference's mean colour."""

    name = "face-swap-warp"
    needs: ClassVar[frozenset[Need]] = frozenset({"source", "reference", "source_landmarks", "reference_landmarks"})
    motion: ClassVar[Motion] = "absolute"

    def one(self, task: Task) -> Image | Failure:
        """Return the reference with the source's face in it."""
        source, reference = given(task.source, "source"), given(task.reference, "reference")
        points, wanted = task.source_landmarks, task.reference_landmarks
        if isinstance(source, Failure):
            return source
        if isinstance(reference, Failure):
            return reference
        if points is None or wanted is None:
            return Failure("missing", "this pair has no landmarks")
        goal = wanted.points[:, :2]
        face = warp_by_points(source, points.points[:, :2], goal, depth=wanted.points[:, 2], canvas=reference)
        hull = cv2.convexHull(goal.astype(np.float32))[:, 0]
        mask = np.zeros((self.size, self.size), np.float32)
        cv2.fillConvexPoly(mask, np.rint(hull * 16).astype(np.int32), 1.0, shift=4)
        inside = mask > 0
        if not inside.any():
            return reference.copy()
        shift = reference[inside].mean(axis=0) - face[inside].mean(axis=0)
        reach = max(1.0, self.size / 32)
        soft = cv2.GaussianBlur(cv2.erode(mask, np.ones((2 * int(reach) + 1,) * 2, np.uint8)), (0, 0), reach / 2)[
            ..., None
        ]
        mixed = soft * (face + shift) + (1 - soft) * reference
        return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
