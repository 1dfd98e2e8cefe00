"""Golden vectors: every metric over a few images and observations that are formulas, against the values that ship.

No network takes part, so that a difference means that this machine computes a metric otherwise than the one where the
values were made: another library version, a broken build, a changed file. Networks are checked by their digests.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgbench.core.card import JudgeNetwork
from dgbench.core.errors import MissingError
from dgbench.core.face import FaceObservation, Failure, Image, Landmarks, Pose
from dgbench.core.pair import Pair
from dgbench.metrics.contract import ImageSource
from dgbench.metrics.registry import BUILT_IN, OFFICIAL, make_metric
from dgbench.networks.canonical import MEAN_FACE
from dgbench.scoring.evaluator import evaluate

FILE = "golden.json"
#: Machines differ in the last digits of sums and of eigenvalues; a wrong definition differs by far more.
TOLERANCE = 1e-5
#: Large enough for metrics of several scales.
_SIDE = 192
_COUNT = 6
_SPACE = "fd[formula]"
#: The two that are for the official Inception's features alone.
_INCEPTION = (OFFICIAL, "kid")
_ROLES = ("identity", "features", "detector", "landmarks", "pose")


def golden_values(images: ImageSource | None = None, *, only: Collection[str] = ()) -> dict[str, float]:
    """Compute dgbench's own metrics, but for those that bring a network; name → value over all pairs.

    Args:
        images: what to measure in place of :class:`FormulaImages`.
        only: these metrics alone.
    """
    plain = [name for name in BUILT_IN if name not in _INCEPTION]
    found: dict[str, float] = {}
    for space, names in ((_SPACE, (*sorted(plain), _SPACE, "kd[formula]")), (OFFICIAL, _INCEPTION)):
        judges = _FormulaJudges(space)
        for name in names:
            if only and name not in only:
                continue
            try:
                metric = make_metric(name, judges)
            except MissingError:
                continue  # it brings its own network, which is not here
            sheet = evaluate(
                _pairs(), images or FormulaImages(), judges=judges, metrics=[metric], size=_SIDE, workers=1, draws=20
            )
            value = sheet.metric_values()[0].value
            found[name] = float("nan") if value is None else value
    return found


def shipped_values() -> dict[str, float]:
    """Return the values that ship with dgbench."""
    values: dict[str, float] = json.loads(resources.files("dgbench.doctor").joinpath(FILE).read_text(encoding="utf-8"))
    return values


def differing(found: dict[str, float], shipped: dict[str, float]) -> list[str]:
    """Return, in words, each metric whose value here is not the shipped one."""
    wrong = []
    for name, expected in shipped.items():
        value = found.get(name)
        if value is None or not abs(value - expected) <= TOLERANCE * max(1.0, abs(expected)):
            wrong.append(f"{name} is {value if value is None else format(value, '.8g')}, not {expected:.8g}")
    return wrong


def _pairs() -> list[Pair]:
    return [
        Pair(
            pair_id=f"p{number}",
            relation="cross",
            source=f"s/{number}",
            reference=f"r/{number}",
            target=f"t/{number}",
            source_identity=f"a{number % 3}",
            reference_identity=f"b{number % 2}",
            yaw_reference=float(10 * number),
        )
        for number in range(_COUNT)
    ]


def _pattern(number: int, phase: int) -> Image:
    y, x = np.mgrid[0:_SIDE, 0:_SIDE]
    waves = [
        (x * (3 + number) + 11 * phase) % 256,
        (y * (5 + phase) + 7 * number) % 256,
        (x * y // 4 + 31 * phase) % 256,
    ]
    return np.stack(waves, axis=2).astype(np.uint8)


class FormulaImages:
    """Images by formula; one pair of the six was not generated."""

    def generated(self, pair: Pair) -> Image | Failure:
        """Return the target in fewer colours, moved sideways; a failure for the last pair."""
        number = int(pair.pair_id[1:])
        if number == _COUNT - 1:
            return Failure("error", "not generated, by design")
        return np.roll(self.target(pair) // 8 * 7, number, axis=1)

    def source(self, pair: Pair) -> Image:
        """Return a pattern by the source's number."""
        return _pattern(int(pair.source[2:]), 0)

    def reference(self, pair: Pair) -> Image:
        """Return a pattern by the reference's number."""
        return _pattern(int(pair.reference[2:]), 1)

    def target(self, pair: Pair) -> Image:
        """Return another pattern by the source's number."""
        return _pattern(int(pair.source[2:]), 2)


class _FormulaJudges:
    """Observations that follow from the pixels' means: stand-ins for networks, with everything that metrics read."""

    def __init__(self, space: str) -> None:
        self.features_name = space
        self.networks = tuple(JudgeNetwork(role=role, name="formula", sha256="0" * 64) for role in _ROLES)  # type: ignore[arg-type]

    def observe(
        self,
        images: Sequence[Image],
        *,
        fallback: Sequence[NDArray[Any] | None] | None = None,
        roles: Collection[str] | None = None,
    ) -> list[FaceObservation]:
        return [self._see(image) for image in images]

    def features(self, images: Sequence[Image]) -> NDArray[np.float32]:
        return np.stack([self._blocks(image)[:8] for image in images]).astype(np.float32)

    def _blocks(self, image: Image) -> NDArray[np.float64]:
        means = image.reshape(4, _SIDE // 4, 4, _SIDE // 4, 3).mean(axis=(1, 3)).ravel()
        return np.asarray(means / 255.0, dtype=np.float64)

    def _see(self, image: Image) -> FaceObservation:
        blocks = self._blocks(image)
        code = blocks - blocks.mean()
        points = (MEAN_FACE * (1, -1, 1) * (2.0 + 0.2 * blocks[0])).astype(np.float32)
        points[:, :2] += _SIDE / 2 + np.float32(blocks[1])
        points[48:68, 1] += np.float32(blocks[2])
        return FaceObservation(
            detected=bool(image.any()),
            score=0.9,
            points5=points[[36, 45, 30, 48, 54], :2],
            alignment="detector",
            embedding=(code / max(float(np.linalg.norm(code)), 1e-9)).astype(np.float32),
            landmarks=Landmarks(points=points, visibility=np.ones(68, np.float32), origin="formula"),
            pose=Pose(*(30.0 * blocks[3:6])),
        )
