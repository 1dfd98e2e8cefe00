"""The doses: one thing of a rendered picture changed by a known amount, and everything else left as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import cv2
import numpy as np

from dgbench.core.digests import seed_of
from dgbench.core.face import Image
from dgbench.synthface.person.person import Person, person
from dgbench.synthface.render.scene import Flash, Light, Scene

#: People whom no protocol shows and no embedded network was trained on.
FIRST_PERSON = 5_000_000
BASE = Scene(yaw=12.0, pitch=2.0, size=128)
SOURCE = Scene(yaw=-10.0, pitch=-3.0, size=128, expression={"mouthSmile_L": 0.3, "mouthSmile_R": 0.3})
_SMILE = ("mouthSmile_L", "mouthSmile_R", "cheekSquint_L", "cheekSquint_R")


@dataclass(frozen=True)
class Subject:
    """One picture before a dose: who, in which scene; and somebody else to blend towards."""

    person: Person
    other: Person
    scene: Scene = BASE


@dataclass(frozen=True)
class Dose:
    """One thing that changes.

    Attributes:
        name: of the thing.
        unit: of the amounts.
        levels: amounts, smallest first.
        standard: the amount that stands for one clear step, one of ``levels``.
        scene: what changes before rendering, given subject and amount; ``None`` where only pixels change.
        pixels: what changes in the rendered image; ``None`` where only the scene does.
    """

    name: str
    unit: str
    levels: tuple[float, ...]
    standard: float
    scene: Callable[[Subject, float], Subject] | None = None
    pixels: Callable[[Image, float], Image] | None = None


def subjects(count: int) -> list[Subject]:
    """Return ``count`` people, each with the next one to blend towards."""
    people = [person(FIRST_PERSON + number) for number in range(count)]
    return [Subject(one, people[(number + 1) % count]) for number, one in enumerate(people)]


def _turned(name: str) -> Callable[[Subject, float], Subject]:
    def turn(subject: Subject, amount: float) -> Subject:
        angle = getattr(subject.scene, name) + amount
        return replace(subject, scene=replace(subject.scene, **{name: angle}))

    return turn


def _blended(subject: Subject, share: float) -> Subject:
    """Numbers go over in proportion; what has no half (hair, glasses, the skin's seed) changes at one half."""
    first, second = subject.person, subject.other
    mixed = {}
    for field in fields(Person):
        a, b = getattr(first, field.name), getattr(second, field.name)
        if field.name in ("number", "seed"):
            mixed[field.name] = a
        elif isinstance(a, float) and isinstance(b, float):
            mixed[field.name] = (1 - share) * a + share * b
        elif field.name == "shape":
            mixed[field.name] = tuple((1 - share) * x + share * y for x, y in zip(a, b, strict=True))
        else:
            mixed[field.name] = b if share >= 0.5 else a
    return replace(subject, person=replace(first, **mixed))


def _smiling(subject: Subject, amount: float) -> Subject:
    return replace(subject, scene=replace(subject.scene, expression=dict.fromkeys(_SMILE, amount)))


def _looking(subject: Subject, degrees: float) -> Subject:
    return replace(subject, scene=replace(subject.scene, gaze=(degrees, 0.0)))


def _lit(subject: Subject, share: float) -> Subject:
    """The main lamp goes from the front to the side and the room grows dark."""
    lamp = Flash((-0.5 - 2.5 * share, 0.6 * (1 - share), 1.0 - 0.9 * share), 0.66, (1.0, 0.97, 0.93))
    light = Light(ambient=0.45 * (1 - 0.6 * share), flashes=(lamp,))
    return replace(subject, scene=replace(subject.scene, light=light))


def _haired(subject: Subject, amount: float) -> Subject:
    """Another cut on the same head: cropped, then long."""
    cut = "crop" if amount < 1 else "long-wavy"
    cut = cut if subject.person.hair_style != cut else "bob"
    return replace(subject, person=replace(subject.person, hair_style=cut))


def _blurred(image: Image, sigma: float) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def _compressed(image: Image, loss: float) -> Image:
    """``loss`` is 100 minus the JPEG quality."""
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, round(100 - loss)])
    decoded: Image | None = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None  # it was encoded a line above
    return np.ascontiguousarray(decoded[..., ::-1])


def _noisy(image: Image, sigma: float) -> Image:
    noise = np.random.default_rng(seed_of("calibration", int(image.sum()))).normal(0, sigma, image.shape)
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


def _shifted(image: Image, pixels: float) -> Image:
    matrix = np.array([[1, 0, pixels], [0, 1, 0]], np.float64)
    size = (image.shape[1], image.shape[0])
    return np.asarray(cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _zoomed(image: Image, percent: float) -> Image:
    side, scale = image.shape[0], 1 + percent / 100
    middle = (side - 1) / 2
    matrix = np.array([[scale, 0, middle * (1 - scale)], [0, scale, middle * (1 - scale)]])
    return np.asarray(cv2.warpAffine(image, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE), np.uint8)


DOSES: tuple[Dose, ...] = (
    Dose("identity", "share of another person", (0.1, 0.25, 0.5, 0.75, 1.0), 0.5, scene=_blended),
    Dose("yaw", "degrees", (2, 5, 10, 20, 40), 10, scene=_turned("yaw")),
    Dose("pitch", "degrees", (2, 5, 10, 20), 10, scene=_turned("pitch")),
    Dose("roll", "degrees", (2, 5, 10, 20), 10, scene=_turned("roll")),
    Dose("expression", "weight of a smile", (0.1, 0.25, 0.5, 1.0), 0.5, scene=_smiling),
    Dose("gaze", "degrees", (5, 10, 20, 30), 20, scene=_looking),
    Dose("light", "share of the way to a side lamp", (0.1, 0.25, 0.5, 1.0), 0.5, scene=_lit),
    Dose("hair", "another cut", (0.5, 1.0), 1.0, scene=_haired),
    Dose("blur", "sigma in pixels of 128", (0.5, 1.0, 2.0, 4.0), 2.0, pixels=_blurred),
    Dose("jpeg", "100 - quality", (10, 30, 50, 70, 90), 70, pixels=_compressed),
    Dose("noise", "grey levels", (2, 5, 10, 20), 10, pixels=_noisy),
    Dose("shift", "pixels of 128", (0.5, 1, 2, 4, 8), 2, pixels=_shifted),
    Dose("crop", "per cent larger", (1, 2, 5, 10), 5, pixels=_zoomed),
)
