"""dgbench: protocol-driven benchmark suite for face reenactment.

The public Python API is the names in ``__all__``; everything heavy behind them is imported when first used, so
``import dgbench`` stays quick and needs no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from dgbench.core.record import Record
    from dgbench.engine.api import run, score
    from dgbench.methods.contract import Reenactor
    from dgbench.methods.registry import register
    from dgbench.protocols.registry import list_protocols, load_protocol
    from dgbench.results.records.store import find_records, read_record
    from dgbench.results.tables.leaderboard import build as build_leaderboard

__all__ = [
    "Record",
    "Reenactor",
    "__version__",
    "build_leaderboard",
    "find_records",
    "list_protocols",
    "load_protocol",
    "read_record",
    "register",
    "run",
    "score",
]

_HOME = {
    "Record": "dgbench.core.record:Record",
    "Reenactor": "dgbench.methods.contract:Reenactor",
    "build_leaderboard": "dgbench.results.tables.leaderboard:build",
    "find_records": "dgbench.results.records.store:find_records",
    "list_protocols": "dgbench.protocols.registry:list_protocols",
    "load_protocol": "dgbench.protocols.registry:load_protocol",
    "read_record": "dgbench.results.records.store:read_record",
    "register": "dgbench.methods.registry:register",
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
