"""Head-pose error in degrees: the geodesic angle between two rotations, and yaw, pitch and roll by themselves."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dgbench.core.card import JudgeNetwork, MetricCard
from dgbench.core.face import Failure, Pose
from dgbench.metrics.contract import PairMetric, PairView, cards_of

ROLES = frozenset({"detector", "pose"})
NAMES = ("pose", "pose_yaw", "pose_pitch", "pose_roll")
_TITLES = {"pose": "Pose error", "pose_yaw": "Yaw error", "pose_pitch": "Pitch error", "pose_roll": "Roll error"}


def card(name: str, networks: Sequence[JudgeNetwork]) -> MetricCard:
    """Return the card of one of :data:`NAMES` by the given judges."""
    what = (
        "Angle of the rotation between the head poses of generated and reference, R = Rz(roll) Ry(yaw) Rx(pitch)"
        if name == "pose"
        else f"Absolute difference of the {name.removeprefix('pose_')} of generated and reference, wrapped to 0..180"
    )
    return MetricCard(
        name=name,
        version=2 if name == "pose" else 1,
        title=_TITLES[name],
        unit="degrees",
        definition=f"{what}; both poses by the same judge; mean over pairs.",
        direction="lower",
        level="pair",
        floor=180.0,
        failure_rule=(
            "a pair without a generated image, or in whose generated image no face is found, scores 180 degrees, the "
            "largest angle there is"
        ),
        judges=cards_of(networks, ROLES),
        parameters={"compared_with": "reference"},
    )


def geodesic(first: Pose, second: Pose) -> float:
    """Return the angle in degrees, 0..180, of the rotation that takes one pose to the other."""
    between = first.rotation() @ second.rotation().T
    # atan2 of both parts is exact near 0 and near 180 degrees, where the arc cosine of the trace alone is not.
    axis = np.array([between[2, 1] - between[1, 2], between[0, 2] - between[2, 0], between[1, 0] - between[0, 1]])
    return math.degrees(math.atan2(float(np.linalg.norm(axis)), float(np.trace(between)) - 1.0))


def angle_error(first: float, second: float) -> float:
    """Return the absolute difference of two angles in degrees, wrapped to 0..180."""
    return abs((first - second + 180.0) % 360.0 - 180.0)


class PoseError(PairMetric):
    """One of the four pose errors."""

    valid_range = (0.0, 180.0)
    seen = frozenset({"generated", "reference"})
    roles = ROLES
    parts = ("pose_yaw", "pose_pitch", "pose_roll")
    companions = parts

    @classmethod
    def card_by(cls, name: str, networks: Sequence[JudgeNetwork]) -> MetricCard:
        """Return the card by the given judges."""
        return card(name, networks)

    def score(self, view: PairView) -> float | Failure:
        """Return the error of the pair in degrees."""
        if view.seen_generated is None or view.seen_reference is None:
            which = "generated" if view.seen_generated is None else "reference"
            return Failure("missing", f"the {which} image is not here")
        if not view.seen_generated.detected:
            return Failure("no-face", "no face found in the generated image")
        generated, reference = view.seen_generated.pose, view.seen_reference.pose
        if generated is None or reference is None:
            which = "generated" if generated is None else "reference"
            return Failure("no-face", f"no head pose found in the {which} image")
        if not np.isfinite([*generated, *reference]).all():
            return Failure("not-finite", "a head pose is not finite")
        if self.card.name == "pose":
            return geodesic(generated, reference)
        part = self.card.name.removeprefix("pose_")
        return angle_error(getattr(generated, part), getattr(reference, part))
