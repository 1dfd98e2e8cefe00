"""What of a protocol a copy of the data covers: by person and by pose bin, and what to do about the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dgbench.core.pair import Pair
from dgbench.core.protocol import Protocol
from dgbench.datasets.manifest import Manifest


@dataclass(frozen=True)
class Coverage:
    """Pairs covered of those there should be, in all and by group.

    Attributes:
        expected: the protocol's count; where it gives none, what the rule finds.
        covered: pairs whose every image is here.
        people: person → (covered, in the list).
        bins: pose bin → (covered, in the list); "" where the protocol has none.
        missing_keys: images that listed pairs lack.
        ranked: whether a run over this copy could be ranked.
        advice: what to do, in whole sentences.
    """

    expected: int
    covered: int
    people: dict[str, tuple[int, int]]
    bins: dict[str, tuple[int, int]]
    missing_keys: list[str]
    ranked: bool
    advice: list[str] = field(default_factory=list)


def check_coverage(protocol: Protocol, pairs: Sequence[Pair], manifest: Manifest) -> Coverage:
    """Tell what of ``pairs`` (the protocol's list, or what its rule finds here) the manifest covers."""
    have = set(manifest.frames["key"])
    whole = {pair.pair_id: all(key in have for key in pair.keys) for pair in pairs}
    expected = protocol.expected_pairs or len(pairs)
    covered = sum(whole.values())
    missing = sorted({key for pair in pairs for key in pair.keys if key not in have})
    share = covered / expected if expected else 0.0
    return Coverage(
        expected=expected,
        covered=covered,
        people=_count(pairs, whole, lambda pair: pair.source_identity),
        bins=_count(pairs, whole, lambda pair: pair.bin),
        missing_keys=missing,
        ranked=bool(covered) and share >= protocol.min_coverage,
        advice=_advice(protocol, manifest, covered, expected, missing),
    )


def table(coverage: Coverage) -> list[tuple[str, str, str]]:
    """Return rows (thing, covered, expected) for a table: all pairs, then bins, then people not wholly covered."""
    rows = [("pairs", str(coverage.covered), str(coverage.expected))]
    rows += [(f"bin {name}", str(here), str(all_)) for name, (here, all_) in coverage.bins.items() if name]
    rows += [(f"person {who}", str(here), str(all_)) for who, (here, all_) in coverage.people.items() if here < all_]
    return rows


def _count(pairs: Sequence[Pair], whole: dict[str, bool], group: Callable[[Pair], str]) -> dict[str, tuple[int, int]]:
    counts: dict[str, tuple[int, int]] = {}
    for pair in pairs:
        here, every = counts.get(group(pair), (0, 0))
        counts[group(pair)] = (here + whole[pair.pair_id], every + 1)
    return dict(sorted(counts.items(), key=lambda item: (len(item[0]), item[0])))


def _advice(protocol: Protocol, manifest: Manifest, covered: int, expected: int, missing: Sequence[str]) -> list[str]:
    if covered == expected:
        return ["The copy covers the whole protocol."]
    advice = []
    if not covered:
        advice.append(f"Nothing of {protocol.name} is here: is {manifest.root} a copy of {protocol.dataset}?")
    if missing:
        advice.append(f"Add the missing images ({len(missing)}, the first is {missing[0]}) and verify again.")
    elif covered < expected:
        advice.append(
            f"The rule finds {covered} of {expected} pairs: people or clips of the test split are missing from this "
            "copy; `dgbench data index` tells which are there."
        )
    for reason, paths in sorted(manifest.skipped.items()):
        if "cannot be read" in reason or "contradict" in reason or "disagree" in reason:
            advice.append(f"Look at the {len(paths)} files left out because: {reason}.")
    if expected and covered / expected < protocol.min_coverage:
        advice.append(
            f"Under {protocol.min_coverage:.0%} a run is scored and shown as {covered}/{expected}, and never ranked."
        )
    else:
        advice.append(f"A run is shown as {covered}/{expected}; it is ranked only against runs over the same pairs.")
    return advice
