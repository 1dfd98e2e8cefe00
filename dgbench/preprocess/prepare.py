"""Preparation: detect, five points, 68 landmarks, the declared crop, and a store; in parallel and resumable.

Work is cut into parts of whole files. A finished part is one file beside the store's images; a killed preparation
goes on from the parts it has and ends in the same bytes, and a store that is whole is left as it is. Faces that the
detector does not find are looked for mirrored, then cropped by the median points of their camera; which was used is
recorded per image, and an image that cannot be prepared is a row with its reason.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dgbench.core.digests import digest
from dgbench.core.face import Failure, Image
from dgbench.core.protocol import Frame
from dgbench.datasets.manifest import Manifest
from dgbench.io.locks import folder_lock
from dgbench.io.space import picture_bytes, require_space
from dgbench.io.video import decoder_name
from dgbench.networks.judges import Judges
from dgbench.preprocess.media import MediaFile, files_of, read_rows
from dgbench.preprocess.prepare_faces import FaceFinder, crop_row, tube_matrices
from dgbench.preprocess.prepare_folder import PARTS, begin, clean, finished_rows, require_own_folder
from dgbench.preprocess.prepare_rows import PENDING, Prepared, load_part, save_part
from dgbench.preprocess.store import StoredImage, finish_store

_PART_IMAGES = 8
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class PrepareSummary:
    """What a preparation did: images asked for and written, failures by kind, and what decided the crops.

    ``reasons`` has the first message of each kind of failure.
    """

    asked: int
    written: int
    failed: dict[str, int]
    origins: dict[str, int]
    without_landmarks: int
    reasons: dict[str, str] = field(default_factory=dict)


def prepare_store(
    manifest: Manifest,
    keys: Collection[str],
    frame: Frame,
    judges: Judges,
    *,
    out: Path,
    frozen: Mapping[str, NDArray] | None = None,
    workers: int = 0,
    progress: Progress | None = None,
    inputs: str = "",
) -> PrepareSummary:
    """Prepare the images of ``keys`` into the store ``out``; run again to go on after a stop.

    Args:
        manifest: the copy of the data set; it is kept in the store.
        keys: which rows.
        frame: size and kind of the crop.
        judges: must have the roles detector, landmarks and pose.
        out: the store.
        frozen: key → (5, 2) points as shares of the sides, which go before the detector where the frame says so.
        workers: threads; 0 means one per core. Results do not depend on it.
        progress: called with (images done, images in all).
        inputs: what is known of the copy's pictures, kept in the store.

    Raises:
        UsageError: a key is not in the manifest, or the folder cannot be written or holds something else.
        WorkFailedError: another process is preparing into this folder, or the disk has no room for the images.
    """
    finder = FaceFinder(judges, frame, frozen=frozen or {})
    plan = digest([manifest.dataset, sorted(set(keys)), finder.identity, decoder_name()])
    require_own_folder(out)  # before the lock, which writes
    with folder_lock(out, purpose="data prepare"):
        begin(out, plan)
        stored = finished_rows(out)
        if stored is None:
            rows = _do_parts(manifest, keys, finder, out=out, crop=True, workers=workers, progress=progress)
            stored = [row.stored() for row in _fall_back(manifest, rows, finder, out=out)]
            notes = {f"judge {network.role}": f"{network.name} {network.sha256}" for network in judges.networks}
            notes["decoder"] = decoder_name()
            notes |= {"inputs": inputs} if inputs else {}
            finish_store(out, stored, manifest=manifest, frame=frame, plan=plan, notes=notes)
        clean(out)
    return _summary(stored)


def _summary(rows: Sequence[StoredImage]) -> PrepareSummary:
    failures = [row.failure.split(":")[0] for row in rows if row.failure]
    written = [row for row in rows if not row.failure]
    return PrepareSummary(
        asked=len(failures) + len(written),
        written=len(written),
        failed=dict(sorted(Counter(failures).items())),
        origins=dict(sorted(Counter(row.landmarks_origin for row in written).items())),
        without_landmarks=sum(row.landmarks is None for row in written),
        reasons={row.failure.split(":")[0]: f"{row.key}: {row.failure}" for row in reversed(rows) if row.failure},
    )


def estimate_poses(
    manifest: Manifest,
    keys: Collection[str],
    frame: Frame,
    judges: Judges,
    *,
    work: Path,
    workers: int = 0,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Return the table of head poses (key, yaw, pitch, roll, pose_source) of ``keys``; writes no image.

    Resumable through part files in ``work``, a new folder or that of an earlier try. An image without a face, or that
    cannot be read, has NaN.
    """
    finder = FaceFinder(judges, frame, frozen={})
    require_own_folder(work)
    with folder_lock(work, purpose="pose estimation"):
        rows = _do_parts(manifest, keys, finder, out=work, crop=False, workers=workers, progress=progress)
    name = next((network.name for network in judges.networks if network.role == "pose"), "none")
    poses = np.array([row.pose or (np.nan, np.nan, np.nan) for row in rows], dtype=np.float64).reshape(-1, 3)
    return pd.DataFrame(
        {
            "key": [row.key for row in rows],
            "yaw": poses[:, 0],
            "pitch": poses[:, 1],
            "roll": poses[:, 2],
            "pose_source": name,
        }
    )


def _do_parts(
    manifest: Manifest,
    keys: Collection[str],
    finder: FaceFinder,
    *,
    out: Path,
    crop: bool,
    workers: int,
    progress: Progress | None,
) -> list[Prepared]:
    """Return a row per key, sorted by key: from part files where they are, else by doing the work."""
    parts = {
        out / PARTS / f"{_part_name(manifest.root, part, finder, crop=crop)}.npz": part
        for part in _parts(files_of(manifest, keys))
    }
    total = sum(_images_of(part) for part in parts.values())
    if crop:
        todo = sum(_images_of(part) for path, part in parts.items() if not path.is_file())
        require_space(out, todo * picture_bytes(finder.frame.size), what=f"{todo} prepared images")
    done: list[Prepared] = []

    def work(path: Path, part: list[MediaFile]) -> list[Prepared]:
        rows = load_part(path)
        if rows is None or not all((out / row.file).is_file() for row in rows if row.file):
            rows = [row for file in part for row in _file_rows(manifest.root, file, finder, out=out, crop=crop)]
            save_part(path, rows)
        return rows

    with ThreadPoolExecutor(max_workers=workers or os.cpu_count() or 1) as pool:
        pending = [pool.submit(work, path, part) for path, part in parts.items()]
        try:
            for future in as_completed(pending):
                done += future.result()
                if progress:
                    progress(len(done), total)
        except BaseException:
            for future in pending:
                future.cancel()
            raise
    return sorted(done, key=lambda row: row.key)


def _file_rows(root: Path, file: MediaFile, finder: FaceFinder, *, out: Path, crop: bool) -> list[Prepared]:
    """Do all rows of one file; a tube crop needs them together, every other kind one at a time."""
    rows: list[Prepared] = []
    tube: list[tuple[Prepared, Image]] = []
    for key, image in read_rows(root, file):
        if isinstance(image, Failure):
            rows.append(Prepared(key).failed(image.kind, image.message))
            continue
        row, landmarks = finder.look(key, image)
        if not crop:
            rows.append(row)
        elif finder.frame.crop == "fomm-tube":
            tube.append((finder.keep(row, landmarks), image))
        else:
            rows.append(crop_row(row, image, landmarks, finder.frame, out=out))
    for (row, image), matrix in zip(tube, tube_matrices([row for row, _ in tube], finder.frame), strict=True):
        rows.append(crop_row(row, image, row.landmarks, finder.frame, out=out, matrix=matrix))
    return rows


def _fall_back(manifest: Manifest, rows: Sequence[Prepared], finder: FaceFinder, *, out: Path) -> list[Prepared]:
    """Crop what is pending by the median points of its camera, where other images of that camera had a face."""
    if not any(row.failure == PENDING for row in rows):
        return list(rows)
    camera = dict(zip(manifest.frames["key"], manifest.frames["camera"], strict=True))
    shares: dict[str, list[NDArray]] = {}
    for row in rows:
        if row.points5 is not None and camera.get(row.key) is not None:
            shares.setdefault(camera[row.key], []).append(row.points5 / (row.shape[1], row.shape[0]))
    median = {name: np.median(np.stack(points), axis=0) for name, points in shares.items()}
    pending = {row.key: row for row in rows if row.failure == PENDING}
    finished: dict[str, Prepared] = {}
    for file in files_of(manifest, pending):
        for key, image in read_rows(manifest.root, file):
            points = median.get(camera.get(key, ""))
            if isinstance(image, Failure):
                finished[key] = pending[key].failed(image.kind, image.message)
            elif points is None:
                finished[key] = pending[key].failed("no-face", "no face was found, nor in any image of its camera")
            else:
                finished[key] = finder.crop_by_median(pending[key], image, points, out=out)
    return [finished.get(row.key, row) for row in rows]


def _parts(files: Sequence[MediaFile]) -> list[list[MediaFile]]:
    """Cut the files into parts of about :data:`_PART_IMAGES` images; a file is never split."""
    parts: list[list[MediaFile]] = []
    count = _PART_IMAGES
    for file in files:
        if count >= _PART_IMAGES:
            parts.append([])
            count = 0
        parts[-1].append(file)
        count += len(file.rows)
    return parts


def _images_of(part: Sequence[MediaFile]) -> int:
    return sum(len(file.rows) for file in part)


def _part_name(root: Path, part: Sequence[MediaFile], finder: FaceFinder, *, crop: bool) -> str:
    """Return a name that changes with anything that changes the part's content."""
    content = []
    for file in part:
        path = root / file.path
        status = path.stat() if path.exists() else None
        mark = [status.st_size, status.st_mtime_ns] if status else []
        content.append([file.path, mark, [list(row) for row in file.rows]])
    return digest([finder.identity, crop, content])[:32]
