"""What the samplers share: who takes part, fair partners, safe pair ids, pose bins, yaw of a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from dgbench.core.digests import digest, seed_of
from dgbench.core.errors import UsageError
from dgbench.core.pair import Pair
from dgbench.core.protocol import Protocol


class Shot(NamedTuple):
    """One image as a sampler sees it: its key, whose it is, and its yaw in degrees where known."""

    key: str
    subject: str
    yaw: float | None


def people_of(frames: pd.DataFrame, protocol: Protocol) -> list[str]:
    """Return the people found who take part: test people of a test protocol, training people of a training one."""
    rule = protocol.split.test if protocol.purpose == "test" else protocol.split.train
    return sorted(person for person in map(str, frames["subject"].unique()) if rule.matches(person))


def generator(protocol: Protocol, *parts: object) -> np.random.Generator:
    """Return the random generator of one decision: it depends on protocol, seed and ``parts``, never on order."""
    return np.random.default_rng(seed_of(protocol.id, protocol.version, protocol.pairing.seed, *parts))


def number(protocol: Protocol, name: str) -> int:
    """Return a whole-number parameter of the pairing.

    Raises:
        UsageError: it is not given.
    """
    return int(_parameter(protocol, name))


def word(protocol: Protocol, name: str) -> str:
    """Return a text parameter of the pairing.

    Raises:
        UsageError: it is not given.
    """
    return str(_parameter(protocol, name))


def real(protocol: Protocol, name: str) -> float:
    """Return a real-number parameter of the pairing.

    Raises:
        UsageError: it is not given.
    """
    return float(_parameter(protocol, name))


def circle_of(protocol: Protocol, people: Sequence[str], *parts: object) -> list[str]:
    """Return the people on a seeded circle; where one is missing, the others keep their order."""
    fixed = (protocol.id, protocol.version, protocol.pairing.seed, *parts)
    return sorted(people, key=lambda person: seed_of(*fixed, person))


def cyclic_partner(order: Sequence[str], person: str, shift: int) -> str:
    """Return the person ``shift`` places on in a circle: over all people, everyone is a partner equally often."""
    return order[(order.index(person) + 1 + shift % (len(order) - 1)) % len(order)]


def bin_of(yaw: float | None, edges: Sequence[float]) -> str:
    """Return the name of the pose bin: the largest edge that |yaw| reaches; "" below the first or without a yaw."""
    reached = [edge for edge in edges if yaw is not None and abs(yaw) >= edge - 1e-6]
    return f"{reached[-1]:g}" if reached else ""


def make_pair(
    protocol: Protocol,
    source: Shot,
    reference: Shot,
    *,
    target: str | None,
    label: str = "",
    copies: Sequence[str] = (),
) -> Pair:
    """Return a pair whose id follows from its content: stable when other images come and go, safe on any disk.

    Args:
        protocol: gives the pose bins.
        source: gives the identity.
        reference: gives pose and expression.
        target: key of the truth, or ``None``.
        label: readable name that is unique by itself; without one the id ends in a digest of keys and ``copies``.
        copies: the variants that the images come from. Lossless and lossy copies of one clip have the same keys and
            other pixels: a variant that is not the protocol's own enters the pair's id, so that runs over the two
            are never runs over the same pairs.
    """
    if not label:
        ends = source.subject if source.subject == reference.subject else f"{source.subject}-{reference.subject}"
        other = [variant for variant in copies if variant and variant != protocol.variant]
        label = f"{ends}-{digest([source.key, reference.key, *other])[:16]}"
    return Pair(
        pair_id=label,
        relation="self" if source.subject == reference.subject else "cross",
        source=source.key,
        reference=reference.key,
        target=target,
        source_identity=source.subject,
        reference_identity=reference.subject,
        yaw_source=source.yaw,
        yaw_reference=reference.yaw,
        bin=bin_of(reference.yaw, protocol.pose_bins),
    )


def _parameter(protocol: Protocol, name: str) -> str | int | float | bool:
    if name not in protocol.pairing.parameters:
        raise UsageError(
            f"{protocol.name}: sampler '{protocol.pairing.sampler}' needs the parameter '{name}' in protocol.yaml"
        )
    return protocol.pairing.parameters[name]
