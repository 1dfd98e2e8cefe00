"""CMU Multi-PIE (Gross et al. 2010): 337 people, up to four sessions, 15 cameras, 20 shots of light.

Delivered as ``session0N/multiview/SUBJECT/RECORDING/CAMERA/SUBJECT_SESSION_RECORDING_CAMERA_SHOT.png`` under any
folders, and ``session0N/highres/…``; passed on as flat crops whose names go on after the original one. The
expression follows from (session, recording), the yaw from the camera, and both come from the tables below.
"""

from __future__ import annotations

import re
from pathlib import Path

from dgbench.core.errors import UsageError
from dgbench.datasets.columnar import frames_from_columns
from dgbench.datasets.dataset import Dataset
from dgbench.datasets.listing import HIDDEN, NOT_AN_IMAGE, is_image, list_tree, stem
from dgbench.datasets.manifest import Manifest

#: (session, recording) → expression: never recording alone; session 4 has two neutrals (toolbox bob.db.multipie and
#: the Bob face leaderboard agree).
EXPRESSIONS: dict[tuple[int, int], str] = {
    (1, 1): "neutral",
    (1, 2): "smile",
    (2, 1): "neutral",
    (2, 2): "surprise",
    (2, 3): "squint",
    (3, 1): "neutral",
    (3, 2): "smile",
    (3, 3): "disgust",
    (4, 1): "neutral",
    (4, 2): "neutral",
    (4, 3): "scream",
}
#: Camera → yaw in degrees, + = nose to image-right (the subject's right side is seen). Label order is not angle order.
YAWS: dict[str, float] = {
    "24_0": 90.0,
    "01_0": 75.0,
    "20_0": 60.0,
    "19_0": 45.0,
    "04_1": 30.0,
    "05_0": 15.0,
    "05_1": 0.0,
    "14_0": -15.0,
    "13_0": -30.0,
    "08_0": -45.0,
    "09_0": -60.0,
    "12_0": -75.0,
    "11_0": -90.0,
}
#: The two cameras above head height: sources disagree on their yaw, so it is not given.
ELEVATED = ("08_1", "19_1")
SHOTS = range(20)
NO_FLASH = (0, 19)
FIRST, LAST, N_PEOPLE = 1, 346, 337

_NAME = re.compile(r"(?<!\d)(\d{3})_(\d{2})_(\d{2})_(\d{3})_(\d{2})(?!\d)", re.ASCII)
_SESSION = re.compile(r"(?:^|/)session0?([1-4])(?:/|$)", re.IGNORECASE)
_CAMERA_FOLDER = re.compile(r"(?:^|/)(\d{2}_\d)(?:/|$)")
_TOKENS = re.compile(r"\d+")


def multipie_key(subject: str, session: int, recording: int, camera: str, shot: int) -> str:
    """Return the manifest key of one image: ``mpie/001/s1/r01/05_1/07``."""
    return f"mpie/{subject}/s{session}/r{recording:02d}/{camera}/{shot:02d}"


def multipie_key_of(path: str) -> str | None:
    """Return the key of the image that a path of any machine names, or ``None`` where it names none."""
    row = _highres_row(path) if "/highres/" in f"/{path.lower()}" else _row(path)
    return None if isinstance(row, str) else str(row[0])


def read_multipie(root: Path) -> Manifest:
    """Read a copy, whole or partial: the delivered tree, any part of it, or crops that kept the names.

    Elevated cameras and all shots are rows here; a protocol leaves out what it does not use.

    Raises:
        MissingError: ``root`` does not exist.
        UsageError: ``root`` cannot be read, or holds no image with a Multi-PIE name.
    """
    listing = list_tree(root)
    images = [path for path in listing.files if is_image(path)]
    others = [path for path in listing.files if not is_image(path)]
    skipped: dict[str, list[str]] = {}
    if listing.hidden:
        skipped[HIDDEN] = listing.hidden
    if others:
        skipped[NOT_AN_IMAGE] = others
    rows: dict[str, tuple] = {}
    for path in sorted(images, key=lambda path: (not _is_delivered(path), path)):
        row = _highres_row(path) if "/highres/" in f"/{path.lower()}" else _row(path)
        if isinstance(row, str):
            skipped.setdefault(row, []).append(path)
        elif row[0] in rows:
            skipped.setdefault("second copy of an image (as delivered before crops, then in name order)", []).append(
                path
            )
        else:
            rows[row[0]] = row
    if not rows:
        raise UsageError(
            f"{root}: {len(images)} images and none carries a Multi-PIE name such as 001_01_01_051_07.png; "
            "give the folder that holds session01 to session04, or crops that kept the names"
        )
    columns = dict(zip(_FIELDS, zip(*rows.values(), strict=True), strict=True))
    frames = frames_from_columns({**columns, **_CONSTANT}, length=len(rows))
    return Manifest(
        dataset="multipie",
        root=root,
        frames=frames,
        expected={"people": N_PEOPLE, "sessions": 4, "cameras": len(YAWS) + len(ELEVATED), "shots": len(SHOTS)},
        found={
            "people": frames["subject"].nunique(),
            "sessions": int(frames["session"].nunique()),
            "cameras": frames["camera"].nunique(),
            "shots": int(frames["illumination"].nunique()),
            "images": len(frames),
        },
        skipped=skipped,
    )


_FIELDS = (
    "key variant subject session recording clip expression expression_raw camera yaw_nominal pose_source elevated "
    "illumination flash path"
).split()
_CONSTANT = {"dataset": "multipie", "container": "image"}


def _is_delivered(path: str) -> bool:
    return "/multiview/" in f"/{path.lower()}" and _NAME.fullmatch(stem(path)) is not None


def _row(path: str) -> tuple | str:
    """Return the values of :data:`_FIELDS` for an image, or the reason why it is skipped."""
    match = _NAME.search(stem(path))
    if match is None:
        return "image without a Multi-PIE name"
    subject, session, recording, label, shot = match[1], int(match[2]), int(match[3]), match[4], int(match[5])
    camera = f"{label[:2]}_{label[2]}"
    if not FIRST <= int(subject) <= LAST:
        return f"person number outside {FIRST:03d} to {LAST}"
    if (session, recording) not in EXPRESSIONS:
        return f"session {session} has no recording {recording:02d}"
    if camera not in YAWS and camera not in ELEVATED:
        return f"camera {camera} is not one of the set's fifteen"
    if shot not in SHOTS:
        return f"shot {shot:02d} is not one of the set's twenty"
    folder = path.rpartition("/")[0]
    said = _SESSION.search(folder)
    if said and int(said[1]) != session:
        return "folder and name disagree about the session"
    said = _CAMERA_FOLDER.search(folder)
    if said and said[1] != camera:
        return "folder and name disagree about the camera"
    elevated = camera in ELEVATED
    return (
        multipie_key(subject, session, recording, camera, shot),
        "multiview" if _is_delivered(path) else "crop",
        subject,
        session,
        recording,
        f"s{session}r{recording:02d}",
        EXPRESSIONS[session, recording],
        f"s{session}r{recording:02d}",
        camera,
        None if elevated else YAWS[camera],
        None if elevated else "camera",
        elevated,
        shot,
        shot not in NO_FLASH,
        path,
    )


def _highres_row(path: str) -> tuple | str:
    """Read a high-resolution photograph. Its name was never confirmed, so two readings are tried.

    ``001_01_02…`` may be (subject, session, recording) or (subject, recording, …): the recording is kept only where
    both readings, or the only possible one, say the same.
    """
    tokens = _TOKENS.findall(stem(path))
    said = _SESSION.search(path)
    if said is None or not tokens or not FIRST <= int(tokens[0]) <= LAST or len(tokens[0]) != 3:
        return "high-resolution image whose name says no person or whose folder says no session"
    session = int(said[1])
    readings = set()
    if len(tokens) > 2 and int(tokens[1]) == session and (session, int(tokens[2])) in EXPRESSIONS:
        readings.add(int(tokens[2]))
    if len(tokens) > 1 and (session, int(tokens[1])) in EXPRESSIONS:
        readings.add(int(tokens[1]))
    recording = readings.pop() if len(readings) == 1 else None
    return (
        f"mpie/{tokens[0]}/s{session}/highres/{stem(path)}",
        "highres",
        tokens[0],
        session,
        recording,
        None if recording is None else f"s{session}r{recording:02d}",
        None if recording is None else EXPRESSIONS[session, recording],
        None if recording is None else f"s{session}r{recording:02d}",
        None,
        None,
        None,
        False,
        None,
        None,
        path,
    )


MULTIPIE = Dataset(
    "multipie", read_multipie, how_to_get="CMU Multi-PIE, under a signed agreement", photograph=(640, 480)
)
