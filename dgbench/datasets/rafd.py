"""The Radboud Faces Database (Langner et al. 2010): 67 people, five cameras, eight expressions, three gazes.

Names follow ``Rafd{camera}_{id}_{group}_{gender}_{expression}_{gaze}.jpg`` and say everything. Copies that were
renamed around that name (a prefix, another suffix, another folder, another case) are matched by searching for it in
the stem; copies whose names were lost are refused, because nothing in them can be trusted.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from dgbench.core.errors import UsageError
from dgbench.datasets.dataset import Dataset
from dgbench.datasets.listing import HIDDEN, NOT_AN_IMAGE, is_image, list_tree, stem
from dgbench.datasets.manifest import Manifest, make_frames
from dgbench.io.images import shown_size

CAMERAS = ("000", "045", "090", "135", "180")
EXPRESSIONS = ("angry", "contemptuous", "disgusted", "fearful", "happy", "neutral", "sad", "surprised")
GAZES = ("frontal", "left", "right")

#: (group, sex as f/m) → ids: counted from the published names; the totals agree with the set's own overview page.
PEOPLE: dict[tuple[str, str], tuple[str, ...]] = {
    ("Caucasian", "f"): tuple("01 02 04 08 12 14 16 18 19 22 26 27 31 32 37 56 57 58 61".split()),
    ("Caucasian", "m"): tuple("03 05 07 09 10 15 20 21 23 24 25 28 30 33 36 38 46 47 49 71".split()),
    ("Kid", "f"): tuple("11 41 43 44 64 65".split()),
    ("Kid", "m"): tuple("39 40 42 63".split()),
    ("Moroccan", "m"): tuple("29 35 45 48 50 51 52 53 54 55 59 60 67 68 69 70 72 73".split()),
}
WHO: dict[str, tuple[str, str]] = {person: key for key, ids in PEOPLE.items() for person in ids}
N_PEOPLE = 67
N_IMAGES = N_PEOPLE * len(CAMERAS) * len(EXPRESSIONS) * len(GAZES)
#: Width and height of a photograph as it was delivered.
SIZE = (681, 1024)

_NAME = re.compile(
    r"Rafd(?P<camera>\d{3})_(?P<person>\d{2})_(?P<group>[A-Za-z]+)_(?P<gender>female|male)"
    r"_(?P<expression>[a-z]+)_(?P<gaze>frontal|left|right)(?![A-Za-z])",
    re.IGNORECASE | re.ASCII,
)
_SEXES = {"female": "f", "male": "m"}
#: Of copies of one photograph the first of these is used.
_VARIANTS = ("original", "crop", "renamed")
_SECOND_COPY = "second copy of a photograph (published names before others, whole photographs before crops)"


def rafd_key(person: str, camera: str, expression: str, gaze: str) -> str:
    """Return the manifest key of one photograph: ``rafd/01/090/angry/frontal``."""
    return f"rafd/{person}/{camera}/{expression}/{gaze}"


def rafd_key_of(path: str) -> str | None:
    """Return the key of the photograph that a path of any machine names, or ``None`` where it names none."""
    row = _row(path)
    return None if isinstance(row, str) else str(row["key"])


def rafd_name(person: str, camera: str, expression: str, gaze: str) -> str:
    """Return the published file name of one photograph.

    Raises:
        KeyError: no such person.
    """
    group, sex = WHO[person]
    gender = "female" if sex == "f" else "male"
    return f"Rafd{camera}_{person}_{group}_{gender}_{expression}_{gaze}.jpg"


def yaw_of_camera(camera: str) -> float:
    """Return the nominal yaw: 090 is frontal; in 045 the nose points to image-right (+45), in 135 to image-left."""
    return 90.0 - float(camera)


def whole_set() -> pd.DataFrame:
    """Return the frames of a complete copy, known from the grammar of names alone."""
    return make_frames(
        [
            {
                "key": rafd_key(person, camera, expression, gaze),
                "dataset": "rafd",
                "subject": person,
                "expression": expression,
                "camera": camera,
                "yaw_nominal": yaw_of_camera(camera),
                "path": rafd_name(person, camera, expression, gaze),
                "container": "image",
            }
            for person in WHO
            for camera in CAMERAS
            for expression in EXPRESSIONS
            for gaze in GAZES
        ]
    )


def read_rafd(root: Path) -> Manifest:
    """Read a copy of the set, whole or partial, original or renamed around the original names.

    ``original`` is an image with the published name. Sizes are looked at only where a photograph is here more than
    once, since opening every file is slow: there, a published name on a picture of another size is a ``crop``.

    Raises:
        MissingError: ``root`` does not exist.
        UsageError: ``root`` cannot be read, or no image in it carries an original name.
    """
    listing = list_tree(root)
    images = [path for path in listing.files if is_image(path)]
    others = [path for path in listing.files if not is_image(path)]
    copies: dict[str, list[dict[str, object]]] = {}
    skipped: dict[str, list[str]] = {}
    if listing.hidden:
        skipped[HIDDEN] = listing.hidden
    if others:
        skipped[NOT_AN_IMAGE] = others
    for path in images:
        row = _row(path)
        if isinstance(row, str):
            skipped.setdefault(row, []).append(path)
        else:
            copies.setdefault(str(row["key"]), []).append(row)
    if not copies:
        raise UsageError(
            f"{root}: {len(images)} images and none carries a RaFD name such as "
            f"{rafd_name('01', '090', 'angry', 'frontal')}; a copy whose names were changed says neither person nor "
            "expression, use the set as it was delivered"
        )
    rows = []
    for same in copies.values():
        best, *rest = same if len(same) == 1 else _best_first(root, same)
        rows.append(best)
        for second in rest:
            skipped.setdefault(_SECOND_COPY, []).append(str(second["path"]))
    return Manifest(
        dataset="rafd",
        root=root,
        frames=make_frames(rows),
        expected={"people": N_PEOPLE, "cameras": len(CAMERAS), "images": N_IMAGES},
        found={
            "people": len({row["subject"] for row in rows}),
            "cameras": len({row["camera"] for row in rows}),
            "images": len(rows),
        },
        skipped=skipped,
    )


def _row(path: str) -> dict[str, object] | str:
    """Return the manifest row of an image, or the reason why it is skipped."""
    match = _NAME.search(stem(path))
    if match is None:
        return "image without a RaFD name"
    person, camera, expression, gaze = (match[part].lower() for part in ("person", "camera", "expression", "gaze"))
    if camera not in CAMERAS:
        return f"camera {camera} is not one of {' '.join(CAMERAS)}"
    if expression not in EXPRESSIONS:
        return f"expression '{expression}' is not one of the set's eight"
    if person not in WHO:
        return f"person {person} is not in the published set"
    if WHO[person] != (match["group"].capitalize(), _SEXES[match["gender"].lower()]):
        return "group or gender in the name contradicts the published set"
    published = path.rsplit("/", 1)[-1] == rafd_name(person, camera, expression, gaze)
    group, sex = WHO[person]
    return {
        "key": rafd_key(person, camera, expression, gaze),
        "dataset": "rafd",
        "variant": "original" if published else "renamed",
        "subject": person,
        "subject_group": group,
        "sex": sex,
        "expression": expression,
        "expression_raw": expression,
        "gaze": gaze,
        "camera": camera,
        "yaw_nominal": yaw_of_camera(camera),
        "pose_source": "camera",
        "elevated": False,
        "path": path,
        "container": "image",
    }


def _best_first(root: Path, copies: list[dict[str, object]]) -> list[dict[str, object]]:
    """Sort the copies of one photograph: by name, then by size, then the one under the fewest folders, then by path."""
    sizes = {str(row["path"]): shown_size(root / str(row["path"])) for row in copies}
    for row in copies:
        if row["variant"] == "original" and sizes[str(row["path"])] not in (None, SIZE[::-1]):
            row["variant"] = "crop"

    def rank(row: dict[str, object]) -> tuple[int, bool, int, str]:
        path = str(row["path"])
        return _VARIANTS.index(str(row["variant"])), sizes[path] != SIZE[::-1], path.count("/"), path

    return sorted(copies, key=rank)


RAFD = Dataset(
    "rafd", read_rafd, how_to_get="the Radboud Faces Database, on request for academic research", photograph=SIZE
)
