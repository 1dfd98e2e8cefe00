"""Expression recipes: RaFD's eight and Multi-PIE's six as weights over the head's shapes, varied by person."""

from __future__ import annotations

import numpy as np

from dgbench.core.digests import seed_of
from dgbench.core.errors import UsageError, did_you_mean
from dgbench.synthface.person.person import Person

#: Shape name without its side → (weight on the person's left, weight on the right). Which facial actions make which
#: expression follows the prototypes of FACS (Ekman & Friesen, 1978; for RaFD: Langner et al., 2010).
_Recipe = dict[str, float | tuple[float, float]]
_SIDED = {
    "browDown",
    "browInnerUp",
    "browOuterUp",
    "cheekPuff",
    "cheekSquint",
    "eyeBlink",
    "eyeSquint",
    "eyeWide",
    "mouthDimple",
    "mouthFrown",
    "mouthLowerDown",
    "mouthPress",
    "mouthSmile",
    "mouthStretch",
    "mouthUpperUp",
    "noseSneer",
}
_ANGRY: _Recipe = {
    "browDown": 0.95,
    "eyeWide": 0.25,
    "eyeSquint": 0.4,
    "noseSneer": 0.3,
    "mouthPress": 0.75,
    "mouthFrown": 0.35,
    "mouthRollLower": 0.25,
    "mouthRollUpper": 0.2,
    "jawForward": 0.15,
}
_DISGUSTED: _Recipe = {
    "noseSneer": 0.95,
    "browDown": 0.6,
    "cheekSquint": 0.6,
    "eyeSquint": 0.5,
    "mouthUpperUp": 0.6,
    "mouthFrown": 0.35,
    "mouthLowerDown": 0.2,
    "mouthShrugLower": 0.35,
}
_HAPPY: _Recipe = {
    "mouthSmile": 0.85,
    "cheekSquint": 0.6,
    "eyeSquint": 0.3,
    "mouthUpperUp": 0.32,
    "mouthLowerDown": 0.22,
    "mouthDimple": 0.25,
    "jawOpen": 0.06,
}
_SURPRISED: _Recipe = {
    "browInnerUp": 0.9,
    "browOuterUp": 0.9,
    "eyeWide": 0.85,
    "jawOpen": 0.42,
    "mouthFunnel": 0.25,
}
_RECIPES: dict[str, _Recipe] = {
    "neutral": {},
    "angry": _ANGRY,
    "contemptuous": {
        "mouthSmile": (0.55, 0.03),
        "mouthDimple": (0.75, 0.1),
        "mouthUpperUp": (0.2, 0.0),
        "mouthPress": 0.3,
        "cheekSquint": (0.3, 0.0),
        "eyeSquint": 0.15,
        "browOuterUp": (0.25, 0.0),
    },
    "disgusted": _DISGUSTED,
    "fearful": {
        "browInnerUp": 0.95,
        "browOuterUp": 0.35,
        "browDown": 0.25,
        "eyeWide": 0.95,
        "mouthStretch": 0.7,
        "mouthLowerDown": 0.4,
        "jawOpen": 0.2,
        "mouthFrown": 0.2,
    },
    "happy": _HAPPY,
    "sad": {
        "browInnerUp": 0.95,
        "browDown": 0.2,
        "mouthFrown": 0.85,
        "mouthShrugLower": 0.55,
        "eyeSquint": 0.25,
        "eyeBlink": 0.14,
        "mouthPress": 0.2,
    },
    "surprised": _SURPRISED,
    "smile": _HAPPY,
    "surprise": _SURPRISED,
    "squint": {"eyeSquint": 0.95, "eyeBlink": 0.32, "cheekSquint": 0.8, "browDown": 0.65, "noseSneer": 0.25},
    "disgust": _DISGUSTED,
    "scream": {
        "jawOpen": 0.85,
        "mouthStretch": 0.45,
        "mouthLowerDown": 0.6,
        "mouthUpperUp": 0.5,
        "eyeBlink": 0.45,
        "eyeSquint": 0.7,
        "cheekSquint": 0.6,
        "browDown": 0.5,
        "noseSneer": 0.35,
    },
}
RAFD_EXPRESSIONS = ("angry", "contemptuous", "disgusted", "fearful", "happy", "neutral", "sad", "surprised")
MULTIPIE_EXPRESSIONS = ("neutral", "smile", "surprise", "squint", "disgust", "scream")


def expression_of(person: Person, name: str, *, strength: float = 1.0, take: int = 0) -> dict[str, float]:
    """Return how ``person`` makes the expression ``name``: shape name → weight 0..1.

    Each person makes each expression in an own way: stronger or weaker, lopsided, with some actions more than others.

    Args:
        person: whose face.
        name: one of RAFD_EXPRESSIONS or MULTIPIE_EXPRESSIONS.
        strength: 0 (neutral) to 1 (full).
        take: another take of the same expression differs slightly.

    Raises:
        UsageError: unknown name, or strength out of range.
    """
    if name not in _RECIPES:
        raise UsageError(
            f"no expression {name!r}; known: {', '.join(sorted(_RECIPES))}.{did_you_mean(name, [*_RECIPES])}"
        )
    if not 0.0 <= strength <= 1.0:
        raise UsageError(f"expression strength is {strength}; give 0 to 1")
    rng = np.random.default_rng(seed_of("synthface-expression", person.seed, person.number, name))
    vigour = strength * rng.uniform(0.8, 1.12)
    lopsided = rng.normal(0.0, 0.05)
    own = {key: float(np.clip(rng.normal(1.0, 0.14), 0.6, 1.4)) for key in _RECIPES[name]}
    again = np.random.default_rng(seed_of("synthface-take", person.seed, person.number, name, take))
    drift = {key: 1.0 + (0.05 * again.standard_normal() if take else 0.0) for key in _RECIPES[name]}
    weights: dict[str, float] = {}
    for key, value in _RECIPES[name].items():
        left, right = value if isinstance(value, tuple) else (value, value)
        factor = vigour * own[key] * drift[key]
        if key in _SIDED:
            weights[f"{key}_L"] = float(np.clip(left * factor * (1 + lopsided), 0, 1))
            weights[f"{key}_R"] = float(np.clip(right * factor * (1 - lopsided), 0, 1))
        else:
            weights[key] = float(np.clip(left * factor, 0, 1))
    return weights


def blink(amount: float) -> dict[str, float]:
    """Return the weights of a blink, 0 open to 1 shut."""
    closed = float(np.clip(amount, 0, 1))
    return {"eyeBlink_L": closed, "eyeBlink_R": closed}
