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
    from dgbench.engine.data import open_data
    from dgbench.protocols.registry import load_protocol

    loaded = load_protocol(name)
    opened = open_data(loaded, data)
    missing_keys = opened.missing_keys
    people = {pair.source_identity for pair in opened.pairs}
    lines = [
        f"protocol        {loaded.protocol.name} ({loaded.protocol.digest[:12]})",
        f"pairs covered   {len(opened.pairs)}/{opened.expected}",
        f"people covered  {len(people)}",
        f"images missing  {len(missing_keys)}" + (f", such as {', '.join(missing_keys[:5])}" if missing_keys else ""),
        *(f"skipped         {len(paths)} x {reason}" for reason, paths in sorted(opened.skipped.items())),
    ]
    if opened.missing:
        lines.append("a run on this copy is scored and shown as n/N, unranked; add the missing images to rank")
    emit(
        {
            "protocol": loaded.protocol.name,
            "digest": loaded.protocol.digest,
            "covered": len(opened.pairs),
            "expected": opened.expected,
            "missing_pairs": opened.missing,
            "missing_images": missing_keys,
            "skipped": opened.skipped,
        },
        "\n".join(lines),
        as_json=as_json,
    )
    if opened.missing:
        raise WorkFailedError(f"{len(opened.missing)} of {opened.expected} pairs are not covered by this copy")
