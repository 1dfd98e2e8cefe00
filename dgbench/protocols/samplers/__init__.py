"""The pair samplers by name: each is a rule that turns a manifest and a protocol into the same pairs everywhere."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import pandas as pd

from dgbench.core.errors import UsageError, did_you_mean
from dgbench.core.pair import Pair
from dgbench.core.protocol import Protocol

Sampler = Callable[[pd.DataFrame, Protocol], list[Pair]]

#: Name in ``protocol.yaml`` → "module:function".
SAMPLERS: dict[str, str] = {
    "frll-expression": "dgbench.protocols.samplers.frll:sample_expression_pairs",
    "frll-one-role": "dgbench.protocols.samplers.frll:sample_one_expression",
    "synthface-mirror": "dgbench.protocols.samplers.synthface:sample_mirror",
    "synthface-mini-test": "dgbench.protocols.samplers.synthface:sample_mini_test",
    "synthface-mini-one-role": "dgbench.protocols.samplers.synthface:sample_mini_one_role",
    "synthface-mini-training": "dgbench.protocols.samplers.synthface:sample_mini_training",
    "rafd-grid": "dgbench.protocols.samplers.rafd:sample_rafd_grid",
    "rafd-one-role": "dgbench.protocols.samplers.rafd:sample_rafd_one_role",
    "rafd-training": "dgbench.protocols.samplers.rafd:sample_rafd_training",
    "multipie-cameras": "dgbench.protocols.samplers.multipie:sample_multipie",
    "multipie-one-role": "dgbench.protocols.samplers.multipie:sample_multipie_one_role",
    "multipie-training": "dgbench.protocols.samplers.multipie:sample_multipie_training",
    "voxceleb-self": "dgbench.protocols.samplers.voxceleb:sample_voxceleb_self",
    "voxceleb-cross": "dgbench.protocols.samplers.voxceleb:sample_voxceleb_cross",
    "voxceleb-largepose": "dgbench.protocols.samplers.voxceleb:sample_voxceleb_largepose",
    "voxceleb-training": "dgbench.protocols.samplers.voxceleb:sample_voxceleb_training",
    "published-list": "dgbench.protocols.samplers:_listed",
}


def sampler(name: str) -> Sampler:
    """Return a sampler by name.

    Raises:
        UsageError: no sampler of that name.
    """
    if name not in SAMPLERS:
        raise UsageError(
            f"no pair sampler '{name}' (known: {', '.join(SAMPLERS)}).{did_you_mean(name, list(SAMPLERS))}"
        )
    module, function = SAMPLERS[name].split(":")
    found: Sampler = getattr(importlib.import_module(module), function)
    return found


def _listed(frames: pd.DataFrame, protocol: Protocol) -> list[Pair]:
    raise UsageError(
        f"{protocol.name}: its pairs are a published list, not drawn by a rule; give it to `dgbench protocols release` "
        "as --pairs"
    )
