"""From a protocol and a raw copy to a prepared store: which images the protocol needs, poses where it needs them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dgbench.core.card import JudgeSet
from dgbench.core.errors import MissingError, UsageError
from dgbench.core.protocol import Frame
from dgbench.datasets.manifest import Manifest
from dgbench.datasets.registry import data_root, reader
from dgbench.datasets.voxceleb.poses import pose_file, write_poses
from dgbench.networks.judges import Judges, load_judges
from dgbench.preprocess.prepare import PrepareSummary, Progress, estimate_poses, prepare_store
from dgbench.preprocess.prepare_folder import require_own_folder
from dgbench.preprocess.protocol_inputs import inputs_of, shipped_points
from dgbench.preprocess.source import Outside
from dgbench.preprocess.store import PreparedStore, is_store
from dgbench.protocols.registry import LoadedProtocol
from dgbench.protocols.samplers.common import people_of
from dgbench.protocols.samplers.empty import why_no_pair

_ROLES = ("detector", "landmarks", "pose")


@dataclass(frozen=True)
class PreparedProtocol:
    """What was prepared: pairs covered of those expected, images missing from the copy, and the images' summary.

    ``inputs`` tells whether the pictures are the published ones, as records hold it; ``outside`` how much of the crops
    lies outside the photographs.
    """

    pairs: int
    expected: int
    missing: list[str]
    images: PrepareSummary
    skipped: dict[str, list[str]]
    inputs: str = "original"
    outside: Outside | None = None


def prepare_protocol(
    loaded: LoadedProtocol,
    data: Path | None,
    out: Path,
    *,
    judges: JudgeSet = "open",
    weights: Path | None = None,
    frame: Frame | None = None,
    workers: int = 0,
    progress: Progress | None = None,
) -> PreparedProtocol:
    """Prepare every image that a protocol's pairs name into the store ``out``.

    Where the protocol chooses frames by estimated pose and the copy has no estimates yet, they are made first,
    written to the pose table of the copy, and kept.

    Raises:
        MissingError: the data or the judges' weights are not here, or the copy covers no pair.
        UsageError: the folder is no raw copy. WorkFailedError: another process prepares into ``out``.
    """
    protocol = loaded.protocol
    root = data_root(protocol.dataset, data)
    if is_store(root):
        raise UsageError(f"{root}: is a prepared store already; give the data set's own folder")
    manifest = reader(protocol.dataset)(root)
    networks = load_judges(judges, weights=weights, roles=_ROLES)
    if protocol.pairing.sampler == "voxceleb-largepose" and not manifest.frames["yaw"].notna().any():
        require_own_folder(out)
        _make_poses(loaded, manifest, networks, work=out / "poses", workers=workers, progress=progress)
        manifest = reader(protocol.dataset)(root)
    pairs = loaded.pairs(manifest)
    wanted = {key for pair in pairs for key in pair.keys}
    here = wanted & set(manifest.frames["key"])
    if not pairs:
        raise MissingError(
            f"{root}: the rule of {protocol.name} makes no pair of this copy: {why_no_pair(manifest.frames, protocol)}"
        )
    if not here:
        raise MissingError(f"{root}: holds none of the images of {protocol.name}; see `dgbench protocols verify`")
    inputs = inputs_of(loaded, manifest, here, weights=weights)
    # Points of the published pictures say nothing of where faces are in other ones.
    frozen = shipped_points(loaded) if inputs.state == "original" else {}
    images = prepare_store(
        manifest,
        here,
        frame or protocol.frame,
        networks,
        out=out,
        frozen=frozen,
        workers=workers,
        progress=progress,
        inputs=str(inputs),
    )
    return PreparedProtocol(
        pairs=sum(all(key in here for key in pair.keys) for pair in pairs),
        expected=protocol.expected_pairs or len(pairs),
        missing=sorted(wanted - here),
        images=images,
        skipped=manifest.skipped,
        inputs=str(inputs),
        outside=PreparedStore(out).outside(),
    )


def _make_poses(
    loaded: LoadedProtocol,
    manifest: Manifest,
    judges: Judges,
    *,
    work: Path,
    workers: int,
    progress: Progress | None,
) -> None:
    people = people_of(manifest.frames, loaded.protocol)
    rows = manifest.frames[manifest.frames["subject"].isin(people) & manifest.frames["frame"].notna()]
    if rows.empty:
        raise MissingError(f"{manifest.root}: holds no frame of the {loaded.protocol.name} people")
    table = estimate_poses(
        manifest, rows["key"].tolist(), loaded.protocol.frame, judges, work=work, workers=workers, progress=progress
    )
    write_poses(pose_file(manifest.root), table)
