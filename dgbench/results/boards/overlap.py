"""Does what a method was trained on overlap with what it is tested on? As far as the record declares it."""

from __future__ import annotations

import re
from typing import Literal

Overlap = Literal["none declared", "other data", "same data set", "same family", "test split"]

#: Second words of a protocol id that name a rendered mirror of a real set; the mirror's world is one data set.
_RENDERED = "synthface"
_TEST = re.compile(r"(^|[\s:/_-])test($|[\s:/_-])")


def overlap(protocol_id: str, training_data: tuple[str, ...]) -> Overlap:
    """Flag declared training data against the data set that a protocol tests on.

    A protocol id begins with its data set (``rafd-cross`` → ``rafd``), and an entry of ``training_data`` names a
    data set or a training protocol (``voxceleb2``, ``rafd-train@1``). ``same family`` is VoxCeleb1 against
    VoxCeleb2; ``test split`` is an entry that says the test split itself was seen. A flag is no verdict: people
    of train and test are disjoint by the protocols' own rules, the look of the data is not.
    """
    if not training_data:
        return "none declared"
    tested = _dataset(protocol_id)
    flags: set[Overlap] = {"other data"}
    for entry in training_data:
        trained = _dataset(entry)
        if trained == tested:
            flags.add("test split" if _TEST.search(entry.lower()) else "same data set")
        elif trained.rstrip("0123456789") == tested.rstrip("0123456789"):
            flags.add("same family")
    order: tuple[Overlap, ...] = ("test split", "same data set", "same family")
    return next((flag for flag in order if flag in flags), "other data")


def _dataset(name: str) -> str:
    words = re.split(r"[^a-z0-9]+", name.lower().strip())
    return _RENDERED if _RENDERED in words else next((word for word in words if word), "")
