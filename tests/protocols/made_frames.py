"""Manifests of whole data sets by name alone, no pixels: what the samplers see."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from dgbench.datasets.manifest import make_frames
from dgbench.datasets.multipie import EXPRESSIONS, YAWS, multipie_key
from dgbench.datasets.rafd import CAMERAS, GAZES, WHO, rafd_key, yaw_of_camera
from dgbench.datasets.rafd import EXPRESSIONS as RAFD_EXPRESSIONS
from dgbench.datasets.voxceleb.index import index_paths
from dgbench.datasets.voxceleb.people import VoxSet
from dgbench.datasets.voxceleb.reader import manifest_of
from dgbench.io.video import ClipTable


def rafd_frames() -> pd.DataFrame:
    return make_frames(
        [
            {"key": rafd_key(who, c, e, g), "subject": who, "yaw_nominal": yaw_of_camera(c)}
            for who in WHO
            for c in CAMERAS
            for e in RAFD_EXPRESSIONS
            for g in GAZES
        ]
    )


def multipie_frames(
    people: Iterable[int], *, sessions: Iterable[int] = (1, 2, 3, 4), shots: Iterable[int] = (0, 7, 19)
) -> pd.DataFrame:
    """Everyone is in two of the sessions, alternating; with the elevated cameras."""
    rows = []
    shots = tuple(shots)
    for person in people:
        mine = [s for s in sessions if (s + person) % 2 == 0]
        for session, recording in EXPRESSIONS:
            if session not in mine:
                continue
            for camera in (*YAWS, "08_1", "19_1"):
                for shot in shots:
                    rows.append(
                        {
                            "key": multipie_key(f"{person:03d}", session, recording, camera, shot),
                            "subject": f"{person:03d}",
                            "session": session,
                            "recording": recording,
                            "camera": camera,
                            "yaw_nominal": YAWS.get(camera),
                            "elevated": camera not in YAWS,
                            "illumination": shot,
                        }
                    )
    return make_frames(rows)


def vox_frames(vox: VoxSet, clips: dict[str, list[int]], *, step: int = 5) -> pd.DataFrame:
    """Clips by person: the length in frames of each; two clips a video."""
    paths, lengths = [], {}
    for person, counts in clips.items():
        for number, count in enumerate(counts):
            video = f"-{person[2:]}_{number // 2:04d}"
            paths.append(f"{vox.split(person)}/mp4/{person}/{video}/{number:05d}.mp4")
            lengths[f"{vox.prefix}/{person}/{video}/{number:05d}"] = count
    index = index_paths(sorted(paths), vox)
    assert not index.skipped
    tables = {key: ClipTable(224, 224, np.arange(lengths[key])) for key in index.clips}
    return manifest_of(Path("/nowhere"), index, vox, people={}, tables=tables, step=step).frames
