"""FRLL pairs: expression transfer between the neutral and the smiling photograph, with a real target for every pair."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dgbench.core.digests import seed_of
from dgbench.core.pair import Pair
from dgbench.core.protocol import Protocol
from dgbench.protocols.samplers.common import number, people_of
from dgbench.protocols.samplers.roles import sample_one_role

_OTHER = {"03": "08", "08": "03"}


def sample_expression_pairs(frames: pd.DataFrame, protocol: Protocol) -> list[Pair]:
    """Return the pairs of ``frll-self`` or ``frll-cross`` among the protocol's test (or training) people.

    Parameter ``relation`` is ``self`` (source = one expression, reference = target = the other) or ``cross``
    (reference = another person in the other expression, target = the source person in it). For cross pairs,
    ``references_per_source`` references are drawn by cyclic shifts of one seeded order, so every person serves
    equally often as source and as reference.
    """
    keys = set(frames["key"])
    rule = protocol.split.test if protocol.purpose == "test" else protocol.split.train
    people = sorted({str(person) for person in frames["subject"] if rule.matches(str(person))})
    relation = str(protocol.pairing.parameters["relation"])
    if relation == "self":
        partners = {person: [person] for person in people}
    else:
        count = int(protocol.pairing.parameters["references_per_source"])
        partners = _partners(people, count, seed_of(protocol.id, protocol.version, protocol.pairing.seed))
    pairs = []
    for person, others in partners.items():
        for other in others:
            for view in ("03", "08"):
                pair = _pair(person, other, view)
                if all(key in keys for key in pair.keys):
                    pairs.append(pair)
    return pairs


def sample_one_expression(frames: pd.DataFrame, protocol: Protocol) -> list[Pair]:
    """Return cross pairs in which half of the people are shown neutral and asked for smiling, half the other way.

    Parameter ``rounds``: how many references each person has; everyone is also a reference that often.
    """
    return sample_one_role(
        protocol,
        people_of(frames, protocol),
        views=tuple(_OTHER),
        side=lambda view: int(view == "08"),
        sources=lambda half: ("03", "08")[half : half + 1],
        rounds=number(protocol, "rounds"),
        pair=lambda person, source, other, _view, _turn: _pair(person, other, source),
    )


def _partners(people: list[str], count: int, seed: int) -> dict[str, list[str]]:
    """Map each person to ``count`` others; over all people, each is a partner ``count`` times."""
    rng = np.random.default_rng(seed)
    order = [people[i] for i in rng.permutation(len(people))]
    shifts = rng.permutation(np.arange(1, len(people)))[:count]
    return {person: [order[(i + int(s)) % len(order)] for s in shifts] for i, person in enumerate(order)}


def _pair(person: str, other: str, view: str) -> Pair:
    reference_view = _OTHER[view]
    return Pair(
        pair_id=f"{person}_{view}--{other}_{reference_view}",
        relation="self" if person == other else "cross",
        source=f"frll/{person}/{view}",
        reference=f"frll/{other}/{reference_view}",
        target=f"frll/{person}/{reference_view}",
        source_identity=person,
        reference_identity=other,
        yaw_source=0.0,
        yaw_reference=0.0,
    )
