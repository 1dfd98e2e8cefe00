"""From a protocol and a folder to the pairs that this copy of the data covers, and the images behind them."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from numpy.typing import NDArray

from dgbench.core.errors import UsageError
from dgbench.core.face import Image
from dgbench.core.pair import Pair
from dgbench.core.record import Coverage
from dgbench.datasets.manifest import Manifest, make_frames
from dgbench.datasets.registry import DATASETS, data_root, reader
from dgbench.engine.run.known_names import require_known_names
from dgbench.preprocess.live import LiveSource, PointFinder
from dgbench.preprocess.protocol_inputs import inputs_of, shipped_points
from dgbench.preprocess.source import ImageSource, Outside
from dgbench.preprocess.store import PreparedStore, is_store
from dgbench.protocols.pairs_file import pair_set_digest
from dgbench.protocols.registry import LoadedProtocol
from dgbench.protocols.samplers.empty import why_no_pair

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenData:
    """A protocol over one copy of its data.

    Attributes:
        pairs: the pairs that the copy covers, sorted by id.
        expected: how many pairs the protocol has in all.
        protocol_pair_set: digest of all of the protocol's pair ids.
        source: the images, in the protocol's frame.
        missing: the pair ids that the copy does not cover.
        missing_keys: the manifest keys that they lack.
        skipped: what the reader left out, by reason.
        every: all pairs of the list, or that the rule makes of this copy, covered or not.
        frames: the manifest's rows of every image that is here; empty for a rendered world, which holds any.
        inputs: whether the pictures are the published ones: ``original``, or ``altered: …`` or ``rendered: …``, which
            no leaderboard ranks; "" where nothing is known (a store of an earlier version).
        prepared_by: the detector of a prepared store and the pose estimators behind the pairs, in words of a record.
    """

    pairs: list[Pair]
    expected: int
    protocol_pair_set: str
    source: ImageSource
    missing: list[str]
    missing_keys: list[str] = field(default_factory=list)
    skipped: dict[str, list[str]] = field(default_factory=dict)
    every: list[Pair] = field(default_factory=list)
    frames: pd.DataFrame = field(default_factory=lambda: make_frames([]))
    inputs: str = "original"
    prepared_by: tuple[str, ...] = ()

    def padding(self) -> Outside | None:
        """Return how much of the crops lies outside the photographs, as far as that is known without finding faces."""
        measured = self.source.outside() if isinstance(self.source, LiveSource | PreparedStore) else None
        return measured if measured and measured.padded else None

    def coverage(self, pair_ids: list[str], *, generated: int, failed: dict[str, int], lost: int = 0) -> Coverage:
        """Return the coverage of a run over ``pair_ids``; ``lost`` pairs have images that cannot be read."""
        return Coverage(
            expected=self.expected,
            found=len(self.pairs) - lost,
            generated=generated,
            failed=failed,
            pair_set=pair_set_digest(pair_ids),
            protocol_pair_set=self.protocol_pair_set,
        )


def open_data(
    loaded: LoadedProtocol, data: Path | None, *, weights: Path | None = None, may_be_empty: bool = False
) -> OpenData:
    """Open a protocol's data: a raw copy, a prepared store, or a set that dgbench brings itself.

    Args:
        loaded: the protocol.
        data: the folder of the data set or of a store.
        weights: folder of network weights, for crops that need a detector.
        may_be_empty: whether a copy that covers no pair at all is opened too, to report on it.

    Raises:
        MissingError: the data set is not here. UsageError: the folder holds something else, or no pair at all; or the
            protocol names a sampler, metric or data set that is not known here.
    """
    protocol = loaded.protocol
    require_known_names(protocol)
    source: ImageSource
    root: Path | None = data
    skipped: dict[str, list[str]] = {}
    manifest: Manifest | None = None
    inputs = "original"
    dataset = DATASETS.get(protocol.dataset)
    if dataset.opens:
        module, function = dataset.opens.split(":")
        opener: Callable[..., ImageSource] = getattr(importlib.import_module(module), function)
        source = opener(protocol, data)
        assert isinstance(source, ImageSource)
        every = loaded.pairs()
        manifest = source.manifest() if hasattr(source, "manifest") else None
    else:
        root = data_root(protocol.dataset, data)
        if is_store(root):
            store = PreparedStore(root, frame=protocol.frame)
            if store.about["dataset"] != protocol.dataset:
                raise UsageError(
                    f"{root}: a store of '{store.about['dataset']}', the protocol is on '{protocol.dataset}'"
                )
            manifest = store.manifest()
            source, every, inputs = store, loaded.pairs(manifest), store.inputs
        else:
            manifest = reader(protocol.dataset)(root)
            source, every, skipped = _live(loaded, manifest, weights), loaded.pairs(manifest), manifest.skipped
            wanted = {key for pair in every for key in pair.keys}
            report = inputs_of(loaded, manifest, wanted, weights=weights)
            inputs = str(report)
            if report.unusable and not may_be_empty:
                raise UsageError(
                    f"{root}: no image can be used for {protocol.name}, which keeps them as stored and needs squares: "
                    f"{'; '.join(report.reasons)}; give a copy of square crops"
                )
            if not inputs.startswith("original"):
                _log.warning("%s: the pictures are %s; runs over them are never ranked", root, inputs)
    covered = [pair for pair in every if all(key in source for key in pair.keys)]
    if not covered and not may_be_empty:
        why = f"; {why_no_pair(manifest.frames, protocol)}" if manifest is not None and not every else ""
        raise UsageError(
            f"{root or protocol.dataset}: covers none of the {protocol.expected_pairs or len(every)} pairs of "
            f"{protocol.name}{why}; `dgbench protocols verify {protocol.name} --data {root}` reports what is there"
        )
    present = {pair.pair_id for pair in covered}
    return OpenData(
        pairs=covered,
        expected=protocol.expected_pairs or len(every),
        protocol_pair_set=pair_set_digest([pair.pair_id for pair in every]),
        source=source,
        missing=[pair.pair_id for pair in every if pair.pair_id not in present],
        missing_keys=sorted({key for pair in every for key in pair.keys if key not in source}),
        skipped=skipped,
        every=every,
        frames=make_frames([]) if manifest is None else manifest.frames[[k in source for k in manifest.frames["key"]]],
        inputs=inputs,
        prepared_by=_prepared_by(source, manifest),
    )


def _prepared_by(source: ImageSource, manifest: Manifest | None) -> tuple[str, ...]:
    """Return which networks decided what the images and pairs are: results over different ones do not compare."""
    found = []
    notes = source.about.get("notes") if isinstance(source, PreparedStore) else None
    if isinstance(notes, dict) and "judge detector" in notes:
        found.append(f"store prepared with detector {' '.join(str(notes['judge detector']).split())[:60]}")
    if manifest is not None and "pose_source" in manifest.frames:
        names = sorted({str(name) for name in manifest.frames["pose_source"].dropna()})
        found += [f"head poses by {', '.join(names)[:80]}"] if names else []
    return tuple(found)


def _live(loaded: LoadedProtocol, manifest: Manifest, weights: Path | None) -> LiveSource:
    frozen = shipped_points(loaded)
    return LiveSource(manifest, loaded.protocol.frame, frozen=frozen, finders={"yunet": lambda: _yunet_finder(weights)})


def _yunet_finder(weights: Path | None) -> PointFinder:
    """Return a finder of five points by the open detector; loads it, so exit 3 comes before any work."""
    from dgbench.networks.judges import load_judges

    judges = load_judges("open", weights=weights, roles=("detector",))

    def find(image: Image) -> NDArray | None:
        seen = judges.observe([image], roles=("detector",))[0]
        return seen.points5 if seen.detected else None

    return find
