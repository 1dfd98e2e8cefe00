"""``dgbench protocols list | show | verify``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dgbench.cli.options import DataRoot
from dgbench.cli.output import AsJson, emit

if TYPE_CHECKING:
    from dgbench.core.errors import DgbenchError
    from dgbench.engine.run.data import OpenData
    from dgbench.protocols.registry import LoadedProtocol

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
    from dgbench.engine.run.known_names import require_known_names
    from dgbench.protocols.registry import load_protocol

    loaded = load_protocol(name)
    p = loaded.protocol
    require_known_names(p)
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
    from dgbench.core.errors import MissingError, WorkFailedError
    from dgbench.protocols.registry import load_protocol
    from dgbench.protocols.verify import check_coverage, table

    loaded = load_protocol(name)
    opened, stopped = _open(loaded, data)
    protocol = loaded.protocol
    skipped = opened.skipped if opened else {}
    every = opened.every if opened else loaded.pairs() if protocol.pairs == "frozen" else []
    found = check_coverage(
        protocol,
        every,
        opened.source if opened else (),
        skipped=skipped,
        frames=opened.frames if opened else None,
        problem=str(stopped or ""),
    )
    images = sum(found.other_part.values())
    padding = opened.padding() if opened else None
    lines = [
        f"protocol        {protocol.name} ({protocol.digest[:12]})",
        *(f"{thing:<15} {covered}/{expected}" for thing, covered, expected in table(found, people=10)),
        f"images missing  {_some(found.missing_keys)}",
        f"images extra    {_some(found.extra)}" + (": of its people, in no pair" if found.extra else ""),
        f"{'training' if protocol.purpose == 'test' else 'test'} part".ljust(16)
        + f"{images} images of {len(found.other_part)} people: not of this protocol",
        *([f"of neither      {_some(found.neither_part)}"] if found.neither_part else []),
        *([f"pictures        {opened.inputs}"] if opened and opened.inputs else []),
        *([f"padding         {padding}; not compared"] if padding else []),
        *(f"left out        {len(paths)} x {reason}" for reason, paths in sorted(skipped.items())),
        *found.advice,
    ]
    present = {pair.pair_id for pair in opened.pairs} if opened else set()
    emit(
        {
            "protocol": protocol.name,
            "digest": protocol.digest,
            "covered": found.covered,
            "expected": found.expected,
            "rankable": found.ranked and not (opened and opened.inputs.startswith(("altered", "rendered"))),
            "worth_a_run": found.covered >= protocol.min_coverage * found.expected,
            "bins": {name: list(counts) for name, counts in found.bins.items()},
            "people": {name: list(counts) for name, counts in found.people.items()},
            "missing_pairs": [pair.pair_id for pair in every if pair.pair_id not in present],
            "missing_images": found.missing_keys,
            "extra_images": found.extra,
            "other_part": found.other_part,
            "images_of_neither_part": found.neither_part,
            "skipped": skipped,
            "inputs": opened.inputs if opened else "",
            "padding": asdict(padding) if padding else None,
            "advice": found.advice,
        },
        "\n".join(lines),
        as_json=as_json,
    )
    if isinstance(stopped, MissingError):
        raise stopped
    if found.covered < found.expected:
        raise WorkFailedError(
            f"{found.expected - found.covered} of {found.expected} pairs are not covered by this copy"
        )


def _open(loaded: LoadedProtocol, data: Path | None) -> tuple[OpenData | None, DgbenchError | None]:
    """Return the copy, or why there is nothing to read in it; a folder that is not there at all is an error."""
    from dgbench.core.errors import MissingError, UsageError
    from dgbench.datasets.registry import DATASETS, data_root
    from dgbench.engine.run.data import open_data
    from dgbench.engine.run.known_names import require_known_names

    require_known_names(loaded.protocol)
    if not DATASETS.get(loaded.protocol.dataset).opens:
        data_root(loaded.protocol.dataset, data)
    try:
        return open_data(loaded, data, may_be_empty=True), None
    except (UsageError, MissingError) as error:
        return None, error


def _some(keys: list[str]) -> str:
    return f"{len(keys)}" + (f", such as {', '.join(keys[:5])}" if keys else "")
