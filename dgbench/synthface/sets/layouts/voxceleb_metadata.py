"""The text files that come with VoxCeleb: track files in both box units, and the people tables in both dialects."""

from __future__ import annotations

from collections.abc import Sequence

#: The video that a clip is imagined to be cut from: width, height and the face box in it, in pixels.
_WIDTH, _HEIGHT = 640, 360
_BOX = (220, 60, 180, 180)


def track(subject: str, video: str, start: int, frames: int, *, fractions: bool) -> bytes:
    """Return a track file: six lines of head, then FRAME X Y W H, each cell with a blank before the tab.

    Boxes are integers in pixels of a frame 360 high (VoxCeleb1), or fractions of width and height (VoxCeleb2).
    """
    x, y, width, height = _BOX
    box = f"{x} \t{y} \t{width} \t{height} "
    if fractions:
        values = (x / _WIDTH, y / _HEIGHT, width / _WIDTH, height / _HEIGHT)
        box = " \t".join(f"{value:.3f}" for value in values) + " "
    head = [
        f"Identity  : \t{subject}",
        f"Reference : \t{video}",
        "Offset    : \t0",
        "FV Conf   : \t20.000\t(1)",
        "ASD Conf  : \t5.000",
        "",
        "FRAME \tX \tY \tW \tH ",
    ]
    rows = [f"{frame:06d} \t{box}" for frame in range(start, start + frames)]
    return ("\n".join((*head, *rows)) + "\n").encode()


def clip_table(clips: Sequence[tuple[str, str, int, int, str]]) -> bytes:
    """Return ``vox-metadata.csv`` from (person, video, start, end, partition) rows."""
    x, y, width, height = _BOX
    box = f"{x}-{y}-{x + width}-{y + height}"
    lines = ["video_id,start,end,bbox,fps,width,height,partition,person_id"]
    lines += [
        f"{video},{start},{end},{box},25.0,{_WIDTH},{_HEIGHT},{partition},{person}"
        for person, video, start, end, partition in clips
    ]
    return ("\n".join(lines) + "\n").encode()


def vox1_people(people: Sequence[tuple[str, str, str]]) -> bytes:
    """Return ``vox1_meta.csv`` from (id, sex, set) rows: tabs, and a name with underscores."""
    lines = ["VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet"]
    lines += [f"{subject}\tRendered_Person_{subject[2:]}\t{sex}\tSynthFace\t{part}" for subject, sex, part in people]
    return ("\n".join(lines) + "\n").encode()


def vox2_people(people: Sequence[tuple[str, str, str]]) -> bytes:
    """Return ``vox2_meta.csv`` from (id, sex, set) rows: commas, and a blank after every cell."""
    lines = ["VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set "]
    lines += [f"{subject} ,n{int(subject[2:]):06d} ,{sex} ,{part} " for subject, sex, part in people]
    return ("\n".join(lines) + "\n").encode()
