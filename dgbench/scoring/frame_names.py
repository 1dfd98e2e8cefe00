"""The frames of a clip folder by what their names say: numbers compared as numbers, whatever their padding."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path

from dgbench.core.errors import UsageError
from dgbench.datasets.listing import IMAGE_SUFFIXES

_PARTS = re.compile(r"([0-9]+)")
#: At most so many missing numbers are named in a message.
_NAMED = 5
Label = tuple[str | int, ...]


def frame_files(folder: Path) -> dict[Label, Path]:
    """Return the images of a folder by their names' parts, in order: text in lower case, numbers as numbers.

    ``0003.png``, ``3.jpg`` and ``03.PNG`` have one label. Hidden files are no frames.

    Raises:
        UsageError: two images have one label.
    """
    inside = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()]
    found: dict[Label, Path] = {}
    for path in sorted(inside, key=lambda path: path.name.encode()):
        if path.name.startswith("."):
            continue
        twin = found.setdefault(label_of(path.stem), path)
        if twin is not path:
            raise UsageError(f"{folder}: '{twin.name}' and '{path.name}' are one frame; keep one of them")
    return dict(sorted(found.items(), key=lambda item: _order(item[0])))


def label_of(stem: str) -> Label:
    """Return a name's parts, text and numbers in turn."""
    parts = _PARTS.split(unicodedata.normalize("NFC", stem).casefold())
    return tuple(int(part) if i % 2 else part for i, part in enumerate(parts))


def require_every_frame(clip: str, labels: Mapping[Label, Path]) -> None:
    """Refuse a real clip that lacks frames: what is measured over time needs each.

    Raises:
        UsageError: the numbers have gaps that are no regular step.
    """
    numbers = sorted(number for number in map(number_of, labels) if number is not None)
    if len(numbers) < len(labels) or len(numbers) < 3 or len({label[:-2] for label in labels}) > 1:
        return
    step = math.gcd(*(number - numbers[0] for number in numbers)) or 1
    have = set(numbers)
    lost = (numbers[-1] - numbers[0]) // step + 1 - len(have)
    if lost > 0:
        names = (number for number in range(numbers[0], numbers[-1], step) if number not in have)
        named = [str(number) for number, _ in zip(names, range(_NAMED), strict=False)]
        raise UsageError(
            f"clip {clip}: the real clip lacks {lost} frames ({', '.join(named)}{' …' if lost > _NAMED else ''}); "
            "complete it, or cut both sides to frames in a row"
        )


def match_frames(clip: str, made: Mapping[Label, Path], real: Mapping[Label, Path]) -> dict[Label, Path]:
    """Return the generated image of each real label that has one.

    Names are matched whole where both sides name frames alike, else by the last number in each name, and else, where
    names are not numbered, not at all.

    Raises:
        UsageError: a generated frame is none of the real clip's, or the names of the two sides cannot be matched.
    """
    ways: list[Callable[[Label], Hashable]] = [lambda label: label, number_of]
    for way in ways:
        ours, theirs = {way(label): label for label in made}, {way(label): label for label in real}
        whole = len(ours) == len(made) and len(theirs) == len(real) and None not in ours and None not in theirs
        if not whole or not ours.keys() & theirs.keys():
            continue
        if extra := [label for name, label in ours.items() if name not in theirs]:
            raise UsageError(
                f"clip {clip}: {len(made)} frames were generated and {len(real)} are real; '{made[extra[0]].name}' is "
                f"none of the real clip's, which are '{_first(real)}' to '{_last(real)}'; give the same frames and "
                "number them alike"
            )
        return {theirs[name]: made[label] for name, label in ours.items()}
    raise UsageError(
        f"clip {clip}: generated frames are named '{_first(made)}' to '{_last(made)}', real ones '{_first(real)}' to "
        f"'{_last(real)}'; name them alike"
    )


def number_of(label: Label) -> int | None:
    """Return the last number of a name, or ``None``."""
    numbers = [part for part in label if isinstance(part, int)]
    return numbers[-1] if numbers else None


def _order(label: Label) -> tuple[tuple[int, str | int], ...]:
    return tuple((0, part) if isinstance(part, int) else (1, part) for part in label)


def _first(frames: Mapping[Label, Path]) -> str:
    return next(iter(frames.values())).name


def _last(frames: Mapping[Label, Path]) -> str:
    return list(frames.values())[-1].name
