"""dgbench: protocol-driven benchmark suite for face reenactment.

The public Python API is the names in ``__all__``; everything heavy behind them is imported when first used, so
``import dgbench`` stays quick and needs no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from dgbench.core.card import MetricCard
    from dgbench.core.face import Failure
    from dgbench.core.pair import Pair
    from dgbench.core.protocol import Protocol
    from dgbench.core.record import Record
    from dgbench.datasets.dataset import Dataset
    from dgbench.datasets.manifest import Manifest, make_frames
    from dgbench.engine.api import compute, evaluate, run, score
    from dgbench.engine.plugins import register
    from dgbench.methods.contract import Reenactor
    from dgbench.metrics.contract import PairMetric, PairView, SetMetric, SetResult
    from dgbench.protocols.registry import list_protocols, load_protocol
    from dgbench.protocols.samplers import register as register_sampler
    from dgbench.results.records.store import find_records, read_record
    from dgbench.results.tables.leaderboard import build as build_leaderboard

__all__ = [
    "Dataset",
    "Failure",
    "Manifest",
    "MetricCard",
    "Pair",
    "PairMetric",
    "PairView",
    "Protocol",
    "Record",
    "Reenactor",
    "SetMetric",
    "SetResult",
    "__version__",
    "build_leaderboard",
    "compute",
    "evaluate",
    "find_records",
    "list_protocols",
    "load_protocol",
    "make_frames",
    "read_record",
    "register",
    "register_sampler",
    "run",
    "score",
]

_HOME = {
    "Dataset": "dgbench.datasets.dataset:Dataset",
    "Manifest": "dgbench.datasets.manifest:Manifest",
    "MetricCard": "dgbench.core.card:MetricCard",
    "Pair": "dgbench.core.pair:Pair",
    "PairMetric": "dgbench.metrics.contract:PairMetric",
    "PairView": "dgbench.metrics.contract:PairView",
    "Protocol": "dgbench.core.protocol:Protocol",
    "Failure": "dgbench.core.face:Failure",
    "Record": "dgbench.core.record:Record",
    "Reenactor": "dgbench.methods.contract:Reenactor",
    "SetMetric": "dgbench.metrics.contract:SetMetric",
    "SetResult": "dgbench.metrics.contract:SetResult",
    "build_leaderboard": "dgbench.results.tables.leaderboard:build",
    "compute": "dgbench.engine.api:compute",
    "evaluate": "dgbench.engine.api:evaluate",
    "find_records": "dgbench.results.records.store:find_records",
    "list_protocols": "dgbench.protocols.registry:list_protocols",
    "load_protocol": "dgbench.protocols.registry:load_protocol",
    "make_frames": "dgbench.datasets.manifest:make_frames",
    "read_record": "dgbench.results.records.store:read_record",
    "register": "dgbench.engine.plugins:register",
    "register_sampler": "dgbench.protocols.samplers:register",
    "run": "dgbench.engine.api:run",
    "score": "dgbench.engine.api:score",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'dgbench' has no attribute {name!r}")
    module, _, attribute = _HOME[name].partition(":")
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
