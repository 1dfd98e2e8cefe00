"""Are the names in a protocol known here: sampler, metrics, data set, and where the points of its crop come from?"""

from __future__ import annotations

from dgbench.core.errors import UsageError
from dgbench.core.protocol import Protocol
from dgbench.datasets.registry import DATASETS
from dgbench.metrics.registry import check_name
from dgbench.protocols.samplers import sampler

#: Stands in a protocol for ``fd[<judge>]`` of whatever judges score it.
FEATURE_DISTANCE = "fd"
#: Where the points that decide a crop can come from.
POINT_ORIGINS = ("frozen", "truth", "yunet", "camera-median")


def dataset_names() -> list[str]:
    """Return the name of every data set that a protocol can be on, sorted."""
    return sorted({*DATASETS.names()})


def unknown_names(protocol: Protocol) -> list[str]:
    """Return what is wrong with the names in a protocol, one line each; empty where all are known."""
    problems = []
    metrics = [name for name in protocol.metrics if name != FEATURE_DISTANCE]
    for check, names in ((sampler, [protocol.pairing.sampler]), (check_name, metrics)):
        for name in names:
            try:
                check(name)
            except UsageError as error:
                problems.append(str(error))
    if protocol.dataset not in DATASETS:
        problems.append(f"no data set '{protocol.dataset}' (known: {', '.join(dataset_names())})")
    problems += [
        f"points of a crop cannot come from '{origin}' (known: {', '.join(POINT_ORIGINS)})"
        for origin in protocol.frame.landmarks
        if origin not in POINT_ORIGINS
    ]
    return problems


def require_known_names(protocol: Protocol) -> None:
    """Refuse a protocol whose names mean nothing here.

    Raises:
        UsageError: the first name that is not known.
    """
    if problems := unknown_names(protocol):
        raise UsageError(f"{protocol.name}: {problems[0]}")
