"""The Face Research Lab London Set (DeBruine & Jones 2017, CC BY 4.0): frontal neutral and smiling photographs.

Files are ``NNN_VV.jpg`` (or another image suffix) in any folder: person NNN, view VV. Views 03 (neutral, frontal) and
08 (smiling, frontal) are known; the names of the set's other views are not, so those files are listed as skipped and
never guessed at.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from dgbench.core.errors import UsageError
from dgbench.datasets.dataset import Dataset
from dgbench.datasets.listing import HIDDEN, NOT_AN_IMAGE, is_image, list_tree, stem
from dgbench.datasets.manifest import Manifest, make_frames

_NAME = re.compile(r"(\d{3})_(\d{2})")
_VIEWS = {"03": ("neutral", "neutral_front"), "08": ("happy", "smiling_front")}

#: The 102 people of the published set.
PEOPLE: tuple[str, ...] = tuple(
    (
        "001 002 003 004 005 006 007 008 009 010 011 012 013 014 016 017 018 019 020 021 022 024 025 026 027 029 "
        "030 031 032 033 034 036 037 038 039 041 042 043 044 045 061 062 063 064 066 067 068 069 070 081 082 083 "
        "086 087 090 091 092 094 096 097 099 100 101 102 103 104 105 107 108 112 113 114 115 117 118 119 120 121 "
        "122 123 124 125 126 127 128 129 130 131 132 134 135 136 137 138 139 140 141 142 143 144 172 173"
    ).split()
)


def frll_key(person: str, view: str) -> str:
    """Return the manifest key of one photograph: ``frll/001/03``."""
    return f"frll/{person}/{view}"


def frll_key_of(path: str) -> str | None:
    """Return the key of the photograph that a path of any machine names, or ``None`` where it names none."""
    row = _row_of(path)
    return None if isinstance(row, str) else str(row["key"])


def read_frll(root: Path) -> Manifest:
    """Read a copy of the set, whole or partial, under any folder names.

    Raises:
        MissingError: ``root`` does not exist.
        UsageError: ``root`` cannot be read, or no file in it is named as the set names its photographs.
    """
    listing = list_tree(root)
    rows: dict[str, dict[str, object]] = {}
    skipped: dict[str, list[str]] = {}
    if listing.hidden:
        skipped[HIDDEN] = listing.hidden
    for path in listing.files:
        row = _row_of(path)
        if isinstance(row, str):
            skipped.setdefault(row, []).append(path)
        elif str(row["key"]) in rows:
            skipped.setdefault("second copy of a photograph (the first in name order is used)", []).append(path)
        else:
            rows[str(row["key"])] = row
    if not rows:
        raise UsageError(
            f"{root}: no photograph of the London set found (files named NNN_03.jpg or NNN_08.jpg); "
            "is this the folder of another data set?"
        )
    people = {str(row["subject"]) for row in rows.values()}
    return Manifest(
        dataset="frll",
        root=root,
        frames=make_frames(list(rows.values())),
        expected={"people": len(PEOPLE), "images": len(PEOPLE) * len(_VIEWS)},
        found={"people": len(people), "images": len(rows)},
        skipped=skipped,
    )


def whole_set() -> pd.DataFrame:
    """Return the frames of a complete copy, known from the id grammar alone: what the released pairs are built of."""
    return make_frames([_row(person, view, f"{person}_{view}.jpg") for person in PEOPLE for view in _VIEWS])


def _row_of(path: str) -> dict[str, object] | str:
    """Return the manifest row of a file, or the reason why it is skipped."""
    if not is_image(path):
        return NOT_AN_IMAGE
    match = _NAME.fullmatch(stem(path))
    if match is None:
        return "image whose name is not NNN_VV"
    if match[2] not in _VIEWS:
        return f"view {match[2]} is not one that dgbench knows"
    if match[1] not in PEOPLE:
        return "person who is not in the published set"
    return _row(match[1], match[2], path)


def _row(person: str, view: str, relative: str) -> dict[str, object]:
    expression, raw = _VIEWS[view]
    return {
        "key": frll_key(person, view),
        "dataset": "frll",
        "variant": "original",
        "subject": person,
        "expression": expression,
        "expression_raw": raw,
        "camera": view,
        "yaw_nominal": 0.0,
        "pose_source": "camera",
        "elevated": False,
        "path": relative,
        "container": "image",
    }


FRLL = Dataset(
    "frll",
    read_frll,
    how_to_get="figshare, doi 10.6084/m9.figshare.5047666 (CC BY 4.0)",
    photograph=(1350, 1350),
)
