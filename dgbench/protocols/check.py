"""Holding a protocol against what a released one must be: locked, whole, its people apart, its targets not shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from dgbench.core.errors import MissingError, UsageError
from dgbench.core.pair import Pair
from dgbench.core.protocol import Protocol
from dgbench.datasets.manifest import Manifest
from dgbench.protocols.drafts import read_protocol
from dgbench.protocols.leaks import share_line, targets_among_inputs
from dgbench.protocols.registry import PROTOCOL_FILE, LoadedProtocol, lock_problem

#: From this version on no target of a cross pair may be an input of any pair.
CLOSED_FROM = 2


@dataclass(frozen=True)
class Checked:
    """What was found: problems refuse the protocol, notes are for reading.

    Attributes:
        name: ``id@version``, or the folder where its file cannot be read.
        problems: one line each; empty where the protocol is in order.
        notes: what is worth knowing.
        targets: (cross pairs whose target is an input of some pair, cross pairs with a target), ``None`` where the
            pairs are not known here.
    """

    name: str
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    targets: tuple[int, int] | None = None


def check_folder(
    folder: Path,
    *,
    unknown_names: Callable[[Protocol], list[str]],
    manifest: Callable[[Protocol], Manifest | None],
) -> Checked:
    """Check the protocol in a version folder.

    Args:
        folder: holds ``protocol.yaml``.
        unknown_names: tells which names in a protocol mean nothing here.
        manifest: gives the user's copy for a protocol whose pairs are built from it, ``None`` where there is none.
    """
    try:
        loaded = LoadedProtocol(read_protocol(folder / PROTOCOL_FILE), folder)
    except UsageError as error:
        return Checked(str(folder), [str(error)])
    protocol = loaded.protocol
    problems, notes = unknown_names(protocol), list[str]()
    try:
        if problem := lock_problem(loaded):
            problems.append(problem)
    except UsageError as error:
        problems.append(str(error))
    if problems:
        return Checked(protocol.name, problems)
    pairs = None
    try:
        copy = manifest(protocol) if protocol.pairs == "built" else None
        if copy is not None or protocol.pairs == "frozen":
            pairs = loaded.pairs(copy)
    except (UsageError, MissingError) as error:
        return Checked(protocol.name, [str(error)])
    if pairs is None:
        return Checked(protocol.name, [], ["its pairs are built from a copy of the data: pass --data to count targets"])
    problems += _of_pairs(protocol, pairs)
    if protocol.purpose == "train":
        return Checked(protocol.name, problems)
    if line := share_line(pairs):
        (problems if protocol.version >= CLOSED_FROM and targets_among_inputs(pairs)[0] else notes).append(line)
    return Checked(protocol.name, problems, notes, targets_among_inputs(pairs))


def _of_pairs(protocol: Protocol, pairs: list[Pair]) -> list[str]:
    mine, others = protocol.split.test, protocol.split.train
    if protocol.purpose == "train":
        mine, others = others, mine
    people = sorted({person for pair in pairs for person in (pair.source_identity, pair.reference_identity)})
    outside = [person for person in people if not mine.matches(person)]
    problems = [f"{person} is in its pairs and is none of its {protocol.purpose} people" for person in outside]
    problems += [f"{person} is both for training and for testing" for person in people if others.matches(person)]
    if protocol.pairs == "frozen" and len(pairs) != protocol.expected_pairs:
        problems.append(f"its list has {len(pairs)} pairs, the protocol says {protocol.expected_pairs}")
    return problems
