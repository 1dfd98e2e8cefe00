"""``dgbench protocols list | show | verify``."""

from __future__ import annotations

from typing import Annotated

import typer

from dgbench.cli.options import DataRoot
from dgbench.cli.output import AsJson, emit

Name = Annotated[str, typer.Argument(metavar="ID", help="Protocol, as id@version, or id for its newest version.")]


def list_(as_json: AsJson = False) -> None:
    """List the released protocols with data set, purpose and number of pairs."""
    from dgbench.protocols.registry import list_protocols

    rows = [loaded.protocol for loaded in list_protocols()]
    width = max((len(p.name) for p in rows), default=0)
    lines = [
        f"{p.name:<{width}}  {p.purpose:<5}  "
        f"{(str(p.expected_pairs) + ' pairs') if p.expected_pairs else 'built from data':<16}  {p.title}"
        for p in rows
    ]
    data = [
        {"name": p.name, "dataset": p.dataset, "purpose": p.purpose, "pairs": p.expected_pairs, "digest": p.digest}
        for p in rows
    ]
    emit({"protocols": data}, "\n".join(lines), as_json=as_json)


def show(name: Name, as_json: AsJson = False) -> None:
    """Show one protocol: rule, counts, frame, metrics, digest, licence."""
    from dgbench.protocols.registry import load_protocol

    loaded = load_protocol(name)
    p = loaded.protocol
    lines = [
        f"{p.name}: {p.title}",
        f"data set   {p.dataset} ({p.variant})",
        f"split      {p.split.rule}",
        f"pairs      {p.expected_pairs or 'built from the data'}: {p.pairing.rule}",
        f"frame      {p.frame.size} px, crop {p.frame.crop}, points from {', '.join(p.frame.landmarks) or '-'}",
        f"metrics    {', '.join(p.metrics)} (primary: {p.primary_metric})",
        f"pose bins  {', '.join(f'{b:g}' for b in p.pose_bins) or '-'}",
        f"licence    {p.licence or '-'}",
        f"digest     {p.digest}",
        f"card       {loaded.folder / 'CARD.md'}",
    ]
    emit({**p.model_dump(mode="json"), "name": p.name, "digest": p.digest}, "\n".join(lines), as_json=as_json)


def verify(name: Name, data: DataRoot = None, as_json: AsJson = False) -> None:
    """Tell what of a protocol a copy of the data covers, and what to do about what is missing.

    Exit code 1 where pairs are missing.
    """
    from dgbench.core.errors import WorkFailedError
    from dgbench.engine.run.data import open_data
    from dgbench.protocols.registry import load_protocol
    from dgbench.protocols.verify import check_coverage, table

    loaded = load_protocol(name)
    opened = open_data(loaded, data)
    found = check_coverage(loaded.protocol, opened.every, opened.source, skipped=opened.skipped)
    lines = [
        f"protocol        {loaded.protocol.name} ({loaded.protocol.digest[:12]})",
        *(f"{thing:<15} {covered}/{expected}" for thing, covered, expected in table(found, people=10)),
        f"images missing  {len(found.missing_keys)}"
        + (f", such as {', '.join(found.missing_keys[:5])}" if found.missing_keys else ""),
        *(f"left out        {len(paths)} x {reason}" for reason, paths in sorted(opened.skipped.items())),
        *found.advice,
    ]
    emit(
        {
            "protocol": loaded.protocol.name,
            "digest": loaded.protocol.digest,
            "covered": found.covered,
            "expected": found.expected,
            "rankable": found.ranked,
            "worth_a_run": found.covered >= loaded.protocol.min_coverage * found.expected,
            "bins": {name: list(counts) for name, counts in found.bins.items()},
            "people": {name: list(counts) for name, counts in found.people.items()},
            "missing_pairs": opened.missing,
            "missing_images": found.missing_keys,
            "skipped": opened.skipped,
            "advice": found.advice,
        },
        "\n".join(lines),
        as_json=as_json,
    )
    if found.covered < found.expected:
        raise WorkFailedError(
            f"{found.expected - found.covered} of {found.expected} pairs are not covered by this copy"
        )
