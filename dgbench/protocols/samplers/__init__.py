"""The pair samplers by name: each is a rule that turns a manifest and a protocol into the same pairs everywhere."""

from __future__ import annotations

import re
from collections.abc import Callable

import pandas as pd

from dgbench.core.errors import UsageError
from dgbench.core.pair import Pair
from dgbench.core.protocol import Protocol
from dgbench.core.registry import Registry

Sampler = Callable[[pd.DataFrame, Protocol], list[Pair]]

#: Name in ``protocol.yaml`` → "module:function".
SAMPLERS: dict[str, str] = {
    "frll-expression": "dgbench.protocols.samplers.frll:sample_expression_pairs",
    "frll-one-role": "dgbench.protocols.samplers.frll:sample_one_expression",
    "synthface-mirror": "dgbench.protocols.samplers.synthface:sample_mirror",
    "synthface-mini-test": "dgbench.protocols.samplers.synthface:sample_mini_test",
    "synthface-mini-one-role": "dgbench.protocols.samplers.synthface:sample_mini_one_role",
    "synthface-mini-training": "dgbench.protocols.samplers.synthface:sample_mini_training",
    "synthface-crowd-training": "dgbench.protocols.samplers.synthface:sample_crowd_training",
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


_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def register(name: str) -> Callable[[Sampler], Sampler]:
    """Decorator that makes a function known as a pair sampler under ``name`` in this process.

    Raises:
        UsageError: the name is taken or is no plain name, or what is decorated cannot be called.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"pair sampler name '{name}' must be lower-case letters, digits, '-'")
    return lambda function: PAIR_SAMPLERS.register(function, name=name)


def sampler(name: str) -> Sampler:
    """Return a sampler by name, ``pkg.module:function`` or ``./file.py:function``.

    Raises:
        UsageError: no sampler of that name.
    """
    return PAIR_SAMPLERS.get(name)


def _check(candidate: object, name: str) -> Sampler:
    if not callable(candidate) or isinstance(candidate, type):
        raise UsageError(f"pair sampler '{name}' is not a function of (frames, protocol)")
    found: Sampler = candidate
    return found


def _listed(frames: pd.DataFrame, protocol: Protocol) -> list[Pair]:
    raise UsageError(
        f"{protocol.name}: its pairs are a published list, not drawn by a rule; give it to `dgbench protocols release` "
        "as --pairs"
    )


PAIR_SAMPLERS: Registry[Sampler] = Registry("pair sampler", built_in=SAMPLERS, group="dgbench.samplers", check=_check)
