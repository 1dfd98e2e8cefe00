"""What of a protocol a copy of the data covers: by person and by pose bin, what is not of it, and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from dgbench.core.pair import Pair
from dgbench.core.protocol import Protocol
from dgbench.datasets.manifest import make_frames
from dgbench.protocols.samplers.empty import why_no_pair


@dataclass(frozen=True)
class Coverage:
    """Pairs covered of those there should be, in all and by group.

    Attributes:
        expected: the protocol's count; where it gives none, what the rule finds.
        covered: pairs whose every image is here.
        people: person → (covered, in the list).
        bins: pose bin → (covered, in the list); "" where the protocol has none.
        missing_keys: images that listed pairs lack.
        extra: images here of the protocol's own people that no pair uses.
        other_part: people → images here of the other part: of training people for a test protocol, and in turn.
        neither_part: images here of people who are of neither part.
        ranked: whether a run over this copy could be ranked, as leaderboards do: over every pair and no other.
        advice: what to do, in whole sentences.
    """

    expected: int
    covered: int
    people: dict[str, tuple[int, int]]
    bins: dict[str, tuple[int, int]]
    missing_keys: list[str]
    ranked: bool
    extra: list[str] = field(default_factory=list)
    other_part: dict[str, int] = field(default_factory=dict)
    neither_part: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)


def check_coverage(
    protocol: Protocol,
    pairs: Sequence[Pair],
    have: Container[str],
    *,
    skipped: Mapping[str, Sequence[str]] | None = None,
    frames: pd.DataFrame | None = None,
    problem: str = "",
) -> Coverage:
    """Tell what of a protocol a copy covers.

    Args:
        protocol: the protocol.
        pairs: its list, or the pairs that its rule makes of this copy.
        have: whatever knows which manifest keys are here.
        skipped: what the reader left out, by reason.
        frames: the manifest's rows of all images that are here.
        problem: why the copy could not be read at all.
    """
    whole = {pair.pair_id: all(key in have for key in pair.keys) for pair in pairs}
    expected = protocol.expected_pairs or len(pairs)
    covered = sum(whole.values())
    missing = sorted({key for pair in pairs for key in pair.keys if key not in have})
    frames = make_frames([]) if frames is None else frames
    used = {key for pair in pairs for key in pair.keys}
    mine, other = protocol.split.test, protocol.split.train
    if protocol.purpose == "train":
        mine, other = other, mine
    extra: list[str] = []
    neither_part: list[str] = []
    other_part: Counter[str] = Counter()
    for key, person in zip(frames["key"], frames["subject"].astype(str), strict=True):
        if mine.matches(person):
            extra += [key] if key not in used else []
        elif other.matches(person):
            other_part[person] += 1
        else:
            neither_part.append(key)
    empty = "" if pairs or problem or frames.empty else why_no_pair(frames, protocol)
    return Coverage(
        expected=expected,
        covered=covered,
        people=_count(pairs, whole, lambda pair: pair.source_identity),
        bins=_count(pairs, whole, lambda pair: pair.bin),
        missing_keys=missing,
        ranked=0 < covered == expected == len(pairs),
        extra=extra,
        other_part=dict(sorted(other_part.items())),
        neither_part=neither_part,
        advice=_advice(
            protocol,
            covered,
            expected,
            missing,
            skipped or {},
            why=problem or empty,
            other_part=sum(other_part.values()),
        ),
    )


def table(coverage: Coverage, *, people: int | None = None) -> list[tuple[str, str, str]]:
    """Return rows (thing, covered, expected): all pairs, then bins, then the people who are not wholly covered.

    At most ``people`` of those people are named; one last row then counts the others.
    """
    rows = [("pairs", str(coverage.covered), str(coverage.expected))]
    rows += [(f"bin {name}", str(here), str(listed)) for name, (here, listed) in coverage.bins.items() if name]
    torn = [(who, here, listed) for who, (here, listed) in coverage.people.items() if here < listed]
    rows += [(f"person {who}", str(here), str(listed)) for who, here, listed in torn[:people]]
    if people is not None and len(torn) > people:
        rest = torn[people:]
        here, listed = sum(row[1] for row in rest), sum(row[2] for row in rest)
        rows.append((f"{len(rest)} more people", str(here), str(listed)))
    return rows


def _count(pairs: Sequence[Pair], whole: dict[str, bool], group: Callable[[Pair], str]) -> dict[str, tuple[int, int]]:
    counts: dict[str, tuple[int, int]] = {}
    for pair in pairs:
        here, every = counts.get(group(pair), (0, 0))
        counts[group(pair)] = (here + whole[pair.pair_id], every + 1)
    return dict(sorted(counts.items(), key=lambda item: (len(item[0]), item[0])))


def _advice(
    protocol: Protocol,
    covered: int,
    expected: int,
    missing: Sequence[str],
    skipped: Mapping[str, Sequence[str]],
    *,
    why: str,
    other_part: int,
) -> list[str]:
    if covered == expected:
        return ["The copy covers the whole protocol."]
    advice = []
    if not covered:
        doubt = "" if other_part else f": is this a copy of {protocol.dataset}?"
        advice.append(f"Nothing of {protocol.name} is here{doubt or '.'}")
    if other_part and not covered:
        part = "training" if protocol.purpose == "test" else "test"
        advice.append(f"What is here are {other_part} images of its {part} people, who are in no pair of it.")
    if why:
        advice.append(f"{why[0].upper()}{why[1:]}")
    if missing:
        advice.append(f"Add the missing images ({len(missing)}, the first is {missing[0]}) and verify again.")
    elif not why:
        advice.append(
            f"The rule finds {covered} of {expected} pairs: people or clips of the split are missing from this copy; "
            "`dgbench data index` tells which are there."
        )
    for reason, paths in sorted(skipped.items()):
        if "cannot be read" in reason or "contradict" in reason or "disagree" in reason:
            advice.append(f"Look at the {len(paths)} files left out because: {reason}.")
    advice.append(f"A run over this copy is scored and shown as {covered}/{expected}, and never ranked.")
    if covered / expected < protocol.min_coverage:
        advice.append(f"Under {protocol.min_coverage:.0%} of the pairs it is not worth making.")
    return advice
