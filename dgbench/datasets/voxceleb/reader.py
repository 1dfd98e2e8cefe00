"""VoxCeleb copies → manifest: a row per frame (every fifth where a clip is dense), a row per clip not opened.

Clips of test people are opened so that their frames are known; of training people only the first few by digest
order, since opening a million files is no way to make an index. A clip that was not opened is one row without
``frame``, whose key is the clip's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dgbench.core.errors import UsageError
from dgbench.datasets.columnar import frames_from_columns
from dgbench.datasets.listing import HIDDEN, case_clashes, list_tree
from dgbench.datasets.manifest import Manifest
from dgbench.datasets.voxceleb.index import Clip, Index, digest_order, index_paths, is_clip_file
from dgbench.datasets.voxceleb.metadata import Person, read_listed_clips, read_people
from dgbench.datasets.voxceleb.names import NUMBERED_AT_25, SPARSE, start_at_25
from dgbench.datasets.voxceleb.people import VOX1, VOX2, VoxSet
from dgbench.datasets.voxceleb.poses import join_poses, pose_file, read_poses
from dgbench.datasets.voxceleb.tracks import read_track
from dgbench.io.clip_tables import ClipTables
from dgbench.io.strips import strip_table
from dgbench.io.video import ClipTable, VideoError


@dataclass(frozen=True)
class Opening:
    """Which clips are opened, and which of their frames become rows.

    Attributes:
        step: of a dense clip, every ``step``-th frame from the first is a row.
        test_clips: clip files opened per test person, in digest order.
        train_clips: clip files opened per other person.
        workers: threads that read clip tables.
    """

    step: int = 5
    test_clips: int = 40
    train_clips: int = 8
    workers: int = 4


def read_voxceleb1(root: Path, *, opening: Opening | None = None) -> Manifest:
    """Read a copy of VoxCeleb1 in any variant; see the module for what becomes a row.

    Raises:
        MissingError: ``root`` does not exist.
        UsageError: ``root`` cannot be read, holds nothing of the set, or its metadata is damaged.
    """
    return _read(root, VOX1, opening or Opening())


def read_voxceleb2(root: Path, *, opening: Opening | None = None) -> Manifest:
    """Read a copy of VoxCeleb2 in any variant; errors as for :func:`read_voxceleb1`."""
    return _read(root, VOX2, opening or Opening())


def _read(root: Path, vox: VoxSet, opening: Opening) -> Manifest:
    listing = list_tree(root)
    people = _people(root, listing.files)
    index = index_paths(listing.files, vox, people=people)
    if listing.hidden:
        index.skip(HIDDEN, *listing.hidden)
    if not index.clips:
        raise UsageError(
            f"{root}: nothing of {vox.dataset} among {len(listing.files)} files ({_reasons(index)}); "
            "docs say which layouts are read"
        )
    tables = open_clips(root, index, vox, opening)
    manifest = manifest_of(root, index, vox, people=people, tables=tables, step=opening.step, files=listing.files)
    expected = dict(manifest.expected)
    for path in listing.files:
        if path.rsplit("/", 1)[-1] == "vox-metadata.csv":
            listed = read_listed_clips(root / path)
            ours = [clip for clip in listed.clips if vox.owns(clip.identity) and vox.split(clip.identity) == "test"]
            expected["test clips (vox-metadata.csv)"] = sum(clip.partition == "test" for clip in ours)
            manifest.found["repeated rows of vox-metadata.csv"] = listed.repeated
            manifest.found["test clips (vox-metadata.csv)"] = sum(
                f"{vox.prefix}/{clip.identity}/{clip.video}/{clip.clip}" in index.clips
                for clip in ours
                if clip.partition == "test"
            )
            if listed.odd_lines:
                index.skip(
                    "row of vox-metadata.csv that is not understood", *(f"{path} line {n}" for n in listed.odd_lines)
                )
    frames = manifest.frames
    poses = read_poses(pose_file(root))
    if poses is not None:
        frames = join_poses(frames, poses)
    return Manifest(vox.dataset, root, frames, expected, manifest.found, manifest.skipped)


def open_clips(root: Path, index: Index, vox: VoxSet, opening: Opening) -> dict[str, ClipTable]:
    """Open the clip files that the policy names; a bad one leaves the index and is noted with its reason."""
    per_person: dict[str, list[Clip]] = {}
    for clip in index.clips.values():
        if is_clip_file(clip):
            per_person.setdefault(clip.person, []).append(clip)
    chosen: list[Clip] = []
    for person, clips in sorted(per_person.items()):
        limit = opening.test_clips if vox.split(person) == "test" else opening.train_clips
        chosen += sorted(clips, key=lambda clip: digest_order(clip.key))[:limit]
    strips = [clip for clip in chosen if clip.variant == "vp-strip"]
    videos = [clip for clip in chosen if clip.variant != "vp-strip"]
    found: dict[str, ClipTable | VideoError] = {clip.path: _open_strip(root / clip.path) for clip in strips}
    if videos:
        found |= ClipTables(root).read([clip.path for clip in videos], workers=opening.workers)
    tables = {}
    for clip in chosen:
        table = found[clip.path]
        if isinstance(table, ClipTable):
            tables[clip.key] = table
        else:
            index.skip(f"clip that cannot be read: {str(table).removeprefix(f'{root / clip.path}: ')}", clip.path)
            del index.clips[clip.key]
    return tables


def manifest_of(
    root: Path,
    index: Index,
    vox: VoxSet,
    *,
    people: Mapping[str, Person],
    tables: Mapping[str, ClipTable],
    step: int,
    files: Sequence[str] = (),
) -> Manifest:
    """Turn an index into a manifest; touches the disk only for the tracks of opened clips.

    Args:
        root: the copy's root.
        index: clips by key.
        vox: which set.
        people: metadata by id, or empty.
        tables: clip key → table, for the clip files that were opened.
        step: of a dense clip, every ``step``-th frame is a row.
        files: all paths of the copy, to find track files and names that differ only in case.
    """
    tracks = {path for path in files if path.endswith(".txt")}
    track_roots = sorted({path[: path.index("txt/") + 4] for path in tracks if "txt/" in path})
    columns: dict[str, list] = {name: [] for name in _FIELDS}
    n_frames = lost = 0
    for clip in index.clips.values():
        start = start_at_25(clip.clip)
        common = (clip.variant, clip.person, vox.split(clip.person), clip.video, clip.clip)
        if clip.files:
            n_frames += len(clip.files)
            every = 1 if clip.variant in SPARSE else step
            places = clip.places()
            lost += places[-1] + 1 - len(places)
            for position, (number, path) in zip(places, clip.files, strict=True):
                if position % every:
                    continue
                source = number if clip.variant in NUMBERED_AT_25 else None
                # Numbers of a folder's names are frame names; positions say where in the sequence the image stands.
                _append(columns, common, f"{clip.key}/{number:07d}", position, source, path, "image", None)
        elif clip.key in tables:
            table = tables[clip.key]
            n_frames += table.n_frames
            container = "strip" if clip.variant == "vp-strip" else "video"
            if clip.variant == "official-mp4":
                start = _track_start(root, clip, tracks, track_roots, index)
            # A video re-encoded at its own rate has no 25 fps index; the official files and chunks are at 25 fps.
            known = start is not None and clip.variant in ("official-mp4", "stelabou-chunk")
            for position in range(0, table.n_frames, step):
                source = start + position if known and start is not None else None
                _append(columns, common, f"{clip.key}/{position:07d}", position, source, clip.path, container, table)
        else:
            _append(columns, common, clip.key, None, None, clip.path, "video", None)
    length = len(columns["key"])
    sex = {identity: person.sex for identity, person in people.items()}
    frames = frames_from_columns(
        {
            **columns,
            "dataset": vox.dataset,
            "elevated": False,
            "sex": [sex.get(person) for person in columns["subject"]] if sex else None,
        },
        length=length,
    )
    persons = {clip.person for clip in index.clips.values()}
    found = {
        "people": len(persons),
        "test people": len(persons & vox.test),
        "videos": len({(clip.person, clip.video) for clip in index.clips.values()}),
        "clips": len(index.clips),
        "clips not opened": sum(is_clip_file(clip) for clip in index.clips.values()) - len(tables),
        "frames": n_frames,
        "rows": length,
    }
    if lost:
        found["frames missing inside clips"] = lost
    clashes = case_clashes(list(index.clips))
    if clashes:
        found["clips whose names differ only in case"] = sum(map(len, clashes))
    expected = {"people": vox.people, "test people": vox.test_people}
    return Manifest(vox.dataset, root, frames, expected, found, index.skipped)


_MAX_FRAME = 1 << 31  # of a track, at 25 fps: years
_FIELDS = "variant subject split_official video clip key frame source_frame path container width height".split()


def _append(
    columns: dict[str, list],
    common: tuple[str, str, str, str, str],
    key: str,
    frame: int | None,
    source_frame: int | None,
    path: str,
    container: str,
    table: ClipTable | None,
) -> None:
    size = (None, None) if table is None else (table.width, table.height)
    for name, value in zip(_FIELDS, (*common, key, frame, source_frame, path, container, *size), strict=True):
        columns[name].append(value)


def _open_strip(path: Path) -> ClipTable | VideoError:
    try:
        return strip_table(path)
    except VideoError as error:
        return error


def _track_start(root: Path, clip: Clip, tracks: set[str], track_roots: Sequence[str], index: Index) -> int | None:
    """Return the 25 fps index of the clip's first frame by its track file, where there is one.

    A damaged track is noted with its reason and costs the clip nothing but that number.
    """
    for base in track_roots:
        path = f"{base}{clip.person}/{clip.video}/{clip.clip}.txt"
        if path in tracks:
            try:
                return _first_frame(root / path)
            except UsageError as error:
                index.skip(f"track that cannot be read: {str(error).removeprefix(f'{root / path}: ')}", path)
    return None


def _first_frame(path: Path) -> int | None:
    frames = read_track(path).frames
    if len(frames) and not 0 <= frames[0] < _MAX_FRAME:
        raise UsageError(f"{path}: a frame number beyond any video")
    return int(frames[0]) if len(frames) else None


def _people(root: Path, files: Sequence[str]) -> dict[str, Person]:
    people: dict[str, Person] = {}
    for path in files:
        if path.rsplit("/", 1)[-1].lower() in ("vox1_meta.csv", "vox2_meta.csv", "full_vox2_meta.csv"):
            people |= read_people(root / path)
    return people


def _reasons(index: Index) -> str:
    counted = sorted(((len(paths), reason) for reason, paths in index.skipped.items()), reverse=True)
    return "; ".join(f"{count} x {reason}" for count, reason in counted[:3]) or "no files"
