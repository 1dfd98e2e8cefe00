"""A pair list given by its file: dgbench's own ``pairs.csv``, or one that others published, laid on a data set."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from dgbench.core.errors import UsageError
from dgbench.core.pair import Pair
from dgbench.core.protocol import Protocol
from dgbench.protocols.pairs_file import is_pair_list, read_pairs
from dgbench.protocols.published_lists import PublishedPairs, pairs_from_list, read_list
from dgbench.protocols.samplers.common import bin_of


def pairs_of_file(file: Path, protocol: Protocol, frames: pd.DataFrame | None, *, order: str | None) -> PublishedPairs:
    """Return the pairs of a list, with yaws and pose bins where the data set knows them.

    Args:
        file: the list, plain or ``.gz``.
        protocol: gives the pose bins.
        frames: the data set's frames; may be ``None`` for dgbench's own ``pairs.csv``, whose keys are then believed.
        order: for a list without header, what its columns are.

    Raises:
        UsageError: the list cannot be read, or needs the frames of a copy.
    """
    if is_pair_list(file):
        pairs = read_pairs(file)
        if frames is None:
            return PublishedPairs(pairs)
        known = set(frames["key"])
        lost = [
            (line, f"not in the data set: {key}")
            for line, pair in enumerate(pairs, start=2)
            for key in [next((key for key in pair.keys if key not in known), None)]
            if key is not None
        ]
        missing = {line for line, _ in lost}
        kept = [pair for line, pair in enumerate(pairs, start=2) if line not in missing]
        return PublishedPairs(kept, lost)
    if frames is None:
        raise UsageError(f"{file}: names files, which a copy of {protocol.dataset} tells apart; pass --data ROOT")
    found = pairs_from_list(read_list(file, order=order), frames)
    yaws = frames["yaw"].fillna(frames["yaw_nominal"])
    yaw_of = {key: yaw for key, yaw in zip(frames["key"], yaws, strict=True) if not pd.isna(yaw)}
    return PublishedPairs([_with_yaws(pair, yaw_of, protocol) for pair in found.pairs], found.unused)


def _with_yaws(pair: Pair, yaw_of: dict[str, float], protocol: Protocol) -> Pair:
    reference = yaw_of.get(pair.reference)
    return pair.model_copy(
        update={
            "yaw_source": yaw_of.get(pair.source),
            "yaw_reference": reference,
            "bin": bin_of(reference, protocol.pose_bins),
        }
    )
