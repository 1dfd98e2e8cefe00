"""How a head moves while somebody talks: turns, nods, speech, moods, gaze and blinks, smooth in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]

#: Frames per second at which clips are made.
FPS = 25.0

#: What the mouth does while talking: groups of ICT shapes that open and close together, with their full weight.
#: The first, the jaw, carries the syllables; the others come and go with the sounds.
_VISEMES: tuple[Mapping[str, float], ...] = (
    {"jawOpen": 0.42, "mouthLowerDown_L": 0.3, "mouthLowerDown_R": 0.3},
    {"mouthFunnel": 0.55, "mouthPucker": 0.25},
    {"mouthPucker": 0.55},
    {"mouthStretch_L": 0.35, "mouthStretch_R": 0.35, "mouthUpperUp_L": 0.2, "mouthUpperUp_R": 0.2},
    {"mouthPress_L": 0.4, "mouthPress_R": 0.4, "mouthRollLower": 0.3},
)
#: Slow changes of mood: one of them colours the whole clip, more or less from moment to moment.
_MOODS: tuple[Mapping[str, float], ...] = (
    {"mouthSmile_L": 0.65, "mouthSmile_R": 0.65, "cheekSquint_L": 0.4, "cheekSquint_R": 0.4},
    {"browInnerUp_L": 0.6, "browInnerUp_R": 0.6, "mouthFrown_L": 0.35, "mouthFrown_R": 0.35},
    {"browDown_L": 0.65, "browDown_R": 0.65, "noseSneer_L": 0.15, "noseSneer_R": 0.15},
    {"browOuterUp_L": 0.6, "browOuterUp_R": 0.6, "browInnerUp_L": 0.5, "browInnerUp_R": 0.5, "eyeWide_L": 0.3,
     "eyeWide_R": 0.3},
    {},
)  # fmt: skip
#: Closing takes 2 frames, opening 4: the lids' weight around a blink at 25 frames per second.
_BLINK = np.array([0.45, 1.0, 0.9, 0.55, 0.2])


@dataclass(frozen=True)
class Motion:
    """A clip's course over N frames.

    Attributes:
        yaw, pitch, roll: (N,) degrees.
        gaze: (N, 2) degrees, horizontal and vertical, relative to the head.
        expression: shape name → (N,) weights in 0..1.
    """

    yaw: Curve
    pitch: Curve
    roll: Curve
    gaze: Curve
    expression: dict[str, Curve]

    def __len__(self) -> int:
        return len(self.yaw)

    def weights(self, frame: int) -> dict[str, float]:
        """Return the expression of one frame, shapes at rest left out."""
        here = {name: round(float(curve[frame]), 4) for name, curve in sorted(self.expression.items())}
        return {name: weight for name, weight in here.items() if weight > 0}


def talking_motion(frames: int, *, seed: int, reach: float = 60.0) -> Motion:
    """Return the motion of somebody who talks and looks around.

    The head drifts slowly and turns now and then, up to ``reach`` degrees to a side; the eyes lead a turn, as
    they do in life, and blinks come every few seconds.

    Args:
        frames: length N, at least 1, at 25 frames per second.
        seed: equal seeds give equal motion; a longer clip does not continue a shorter one.
        reach: largest yaw in degrees.
    """
    rng = np.random.default_rng(seed)
    drift = _smooth(rng, frames, seconds=1.6)
    turns = _turns(rng, frames, reach=0.95 * reach)
    yaw = np.clip(turns + 5.0 * drift, -reach, reach)
    pitch = np.clip(4.5 * _smooth(rng, frames, seconds=1.1) + 2.0 * _smooth(rng, frames, seconds=0.35), -22, 22)
    roll = np.clip(0.08 * yaw + 3.5 * _smooth(rng, frames, seconds=1.8), -18, 18)
    ahead = np.concatenate([turns[4:], np.repeat(turns[-1:], min(4, frames))])[:frames]
    gaze = np.stack(
        [
            np.clip(0.8 * (ahead - turns) + 5.0 * _smooth(rng, frames, seconds=0.7), -28, 28),
            np.clip(4.0 * _smooth(rng, frames, seconds=0.8), -15, 15),
        ],
        axis=1,
    )
    return Motion(yaw, pitch, roll, gaze, _speech(rng, frames))


def _smooth(rng: np.random.Generator, frames: int, *, seconds: float) -> Curve:
    """Return band-limited noise: (N,), about N(0, 1), with a period of some ``seconds``."""
    width = max(1.0, seconds * FPS / 2.0)
    radius = int(np.ceil(3 * width))
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / width) ** 2)
    noise = rng.standard_normal(frames + 2 * radius)
    return np.convolve(noise, kernel / np.sqrt(np.sum(kernel**2)), mode="valid")


def _turns(rng: np.random.Generator, frames: int, *, reach: float) -> Curve:
    """Return head turns: (N,) degrees; rests at random yaws joined by moves whose speed rises and falls smoothly."""
    angle = np.empty(frames)
    here, at = float(rng.uniform(-0.6, 0.6) * reach), 0
    while at < frames:
        rest = int(rng.uniform(0.3, 1.4) * FPS)
        angle[at : at + rest] = here
        at += rest
        there = float(rng.uniform(-reach, reach))
        length = int(max(12, abs(there - here) / rng.uniform(40.0, 90.0) * FPS))
        phase = np.linspace(0.0, 1.0, length)
        move = here + (there - here) * phase**3 * (10 - 15 * phase + 6 * phase**2)
        angle[at : at + length] = move[: max(0, frames - at)]
        here, at = there, at + length
    return angle


def _speech(rng: np.random.Generator, frames: int) -> dict[str, Curve]:
    time = np.arange(frames) / FPS
    weights: dict[str, Curve] = {}

    def add(shapes: Mapping[str, float], course: Curve) -> None:
        for name, full in shapes.items():
            weights[name] = weights.get(name, np.zeros(frames)) + full * course

    speaks = np.clip(0.5 + 1.2 * _smooth(rng, frames, seconds=0.9), 0, 1)
    pace = 2 * np.pi * np.cumsum(np.clip(4.2 + 0.9 * _smooth(rng, frames, seconds=0.5), 2, 6)) / FPS
    syllables = 0.5 - 0.5 * np.cos(pace + rng.uniform(0, 2 * np.pi))
    loudness = np.clip(0.75 + 0.3 * _smooth(rng, frames, seconds=0.4), 0.2, 1.3)
    add(_VISEMES[0], speaks * syllables * loudness)
    for shapes in _VISEMES[1:]:
        add(shapes, speaks * np.clip(0.8 * _smooth(rng, frames, seconds=0.3) - 0.3, 0, 1))
    mood = _MOODS[int(rng.integers(len(_MOODS)))]
    add(mood, np.clip(0.45 + 0.35 * _smooth(rng, frames, seconds=2.0), 0, 1))
    brows = np.clip(0.5 * _smooth(rng, frames, seconds=0.6) - 0.3, 0, 1)
    add({"browInnerUp_L": 0.5, "browInnerUp_R": 0.5, "browOuterUp_L": 0.4, "browOuterUp_R": 0.4}, brows)
    lids = np.zeros(frames + len(_BLINK))
    blink = rng.uniform(0.2, 3.0)
    while blink < time[-1] + 0.04:
        start = int(blink * FPS)
        lids[start : start + len(_BLINK)] = np.maximum(lids[start : start + len(_BLINK)], _BLINK)
        blink += max(0.6, rng.gamma(4.0, 0.8))
    add({"eyeBlink_L": 1.0, "eyeBlink_R": 1.0}, lids[:frames])
    return {name: np.clip(curve, 0.0, 1.0) for name, curve in weights.items()}
