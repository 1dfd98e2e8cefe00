"""The part mask: which thing each pixel of a render shows."""

from __future__ import annotations

from enum import IntEnum


class Part(IntEnum):
    """Values of ``Rendered.parts``."""

    BACKGROUND = 0
    SKIN = 1
    LIPS = 2
    BROWS = 3
    EYES = 4
    MOUTH = 5
    HAIR = 6
    BEARD = 7
    GLASSES = 8
    CLOTHES = 9
