"""``dgbench protocols release``: from a draft to a released protocol."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dgbench.cli.options import DataRoot
from dgbench.cli.output import AsJson, emit
from dgbench.core.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from dgbench.core.pair import Pair
    from dgbench.core.protocol import Protocol


def release(
    draft: Annotated[Path, typer.Argument(metavar="DRAFT.yaml", help="A protocol.yaml without counts and digests.")],
    data: DataRoot = None,
    pairs: Annotated[
        Path | None,
        typer.Option("--pairs", help="A pair list to freeze: pairs.csv, or a list that others published."),
    ] = None,
    order: Annotated[
        str | None, typer.Option("--order", help="For a --pairs list without header: what its columns are.")
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Leave out rows of --pairs whose images are not there.")
    ] = False,
    to: Annotated[
        Path, typer.Option("--to", metavar="DIR", help="The folder of protocols, with its RELEASED.json.")
    ] = Path("protocols"),
    redo: Annotated[
        bool, typer.Option("--redo", help="Release a version again that no record in results/ beside DIR uses yet.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Release a protocol: fill in counts and digests, freeze the pair list, and enter it into RELEASED.json.

    CARD.md and landmarks.csv.gz are taken from beside the draft. A frozen list follows from the rule and the set's
    grammar; where the grammar does not say what a complete set holds, --data gives a copy. A released version never
    changes: another content needs another version.
    """
    from dgbench.engine.run.known_names import require_known_names
    from dgbench.protocols.drafts import read_draft
    from dgbench.protocols.leaks import share_line
    from dgbench.protocols.registry import protocol_roots
    from dgbench.protocols.release import release as release_draft

    protocol = read_draft(draft)
    require_known_names(protocol)
    listed: list[Pair] | None
    unused: list[tuple[int, str]] = []
    if pairs is not None:
        listed, unused = _listed(protocol, pairs, data=data, order=order)
        if unused and not allow_missing:
            raise UsageError(
                f"{pairs}: {len(unused)} rows cannot be used, the first is line {unused[0][0]}: {unused[0][1]}; "
                "--allow-missing leaves them out"
            )
    elif order or allow_missing:
        raise UsageError("--order and --allow-missing go with --pairs")
    else:
        listed = _sampled(protocol, data)
    done = release_draft(protocol, to, pairs=listed, beside=draft.parent, redo=redo)
    roots = [root.resolve() for root in protocol_roots()]
    released, people = done.protocol, len({pair.source_identity for pair in listed or ()})
    lines = [
        f"protocol  {released.name} ({released.digest[:12]})"
        + ("" if done.written else ", released already, the same"),
        f"folder    {done.folder}",
        f"pairs     {released.expected_pairs or 'built from the data'}"
        + (f", {people} source people" if people else ""),
        *([f"left out  {len(unused)} rows of {pairs}"] if unused else []),
        *([f"targets   {shown}"] if (shown := share_line(listed or ())) else []),
        *([] if to.resolve() in roots else [f"use it    export DGBENCH_PROTOCOLS={to.resolve()}"]),
    ]
    emit(
        {
            "protocol": released.name,
            "digest": released.digest,
            "folder": str(done.folder),
            "written": done.written,
            "pairs": released.expected_pairs,
            "source_people": people,
            "unused_rows": [{"line": line, "reason": reason} for line, reason in unused],
        },
        "\n".join(lines),
        as_json=as_json,
    )


def _sampled(protocol: Protocol, data: Path | None) -> list[Pair] | None:
    """Return the pairs that the rule makes, ``None`` for a built protocol without a copy to count on."""
    from dgbench.protocols.samplers import sampler
    from dgbench.protocols.whole_sets import whole_set

    frames = whole_set(protocol.dataset) if protocol.pairs == "frozen" else None
    if frames is None and data is not None:
        frames = _copy(protocol, data)
    if frames is None:
        if protocol.pairs == "built":
            return None
        raise UsageError(f"{protocol.name}: what a complete {protocol.dataset} holds is not known here; pass --data")
    return sampler(protocol.pairing.sampler)(frames, protocol)


def _listed(
    protocol: Protocol, file: Path, *, data: Path | None, order: str | None
) -> tuple[list[Pair], list[tuple[int, str]]]:
    """Return the pairs of a list, and (line, reason) of every row that cannot be used."""
    from dgbench.protocols.listed_pairs import pairs_of_file
    from dgbench.protocols.whole_sets import whole_set

    if protocol.pairs != "frozen":
        raise UsageError(f"{protocol.name}: a list is frozen; write `pairs: frozen` into the draft")
    frames = _copy(protocol, data) if data is not None else whole_set(protocol.dataset)
    found = pairs_of_file(file, protocol, frames, order=order)
    return found.pairs, found.unused


def _copy(protocol: Protocol, data: Path) -> pd.DataFrame:
    """Return the frames of a raw copy or a prepared store."""
    from dgbench.datasets.registry import data_root, reader
    from dgbench.preprocess.store import PreparedStore, is_store

    root = data_root(protocol.dataset, data)
    return (PreparedStore(root).manifest() if is_store(root) else reader(protocol.dataset)(root)).frames
