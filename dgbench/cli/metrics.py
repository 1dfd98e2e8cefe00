"""``dgbench metrics list | lock``: every metric that can be named here, and the lock that records are held against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dgbench.cli.output import AsJson, emit

if TYPE_CHECKING:
    from dgbench.metrics.contract import Range


def list_(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Show these, whole: NAME, pkg.module:Class, ./file.py:Class."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List metrics: unit, direction, range, floor of a failed pair, and what each needs; or whole cards, by name.

    A card is shown without the networks that judge: these come with ``--judges`` when a run is scored.
    """
    from dgbench.metrics.registry import METRICS

    rows = [_row(name) for name in names or METRICS.names()]
    if names:
        lines = [line for row in rows for line in _card(row)]
    else:
        width = max(len(row["name"]) for row in rows)
        lines = [
            f"{row['name']:<{width}}  {row['card']['level']:<4}  {_better(row):<6}  {row['needs']:<28}  {_title(row)}"
            for row in rows
        ]
        lines += [
            "fd[<judge>], kd[<judge>]: fid and kid in another feature space than the official Inception's",
            "one whole card: dgbench metrics list NAME",
        ]
    emit({"metrics": rows}, "\n".join(lines), as_json=as_json)


def _row(name: str) -> dict[str, Any]:
    from dgbench.metrics.registry import metric_class

    kind = metric_class(name)
    card = kind.card_by(name, ())
    needs = [*sorted(kind.roles), *(f"{role} images" for role in sorted(getattr(kind, "images", ())))]
    needs += ["own network"] if card.judges else []
    return {
        "name": card.name,
        "card": card.model_dump(mode="json"),
        "range": list(kind.valid_range),
        "companions": list(kind.companions),
        "parts": list(kind.parts),
        "smallest_side": kind.smallest_side,
        "decimals": kind.decimals,
        "needs": ", ".join(needs) or "nothing else",
    }


def _better(row: dict[str, Any]) -> str:
    return "higher" if row["card"]["direction"] == "higher" else "lower"


def _title(row: dict[str, Any]) -> str:
    unit = row["card"]["unit"]
    return str(row["card"]["title"]) + (f", {unit}" if unit else "")


def _card(row: dict[str, Any]) -> list[str]:
    card = row["card"]
    return [
        f"{row['name']}@{card['version']}: {_title(row)}, {_better(row)} is better",
        f"  definition    {card['definition']}",
        f"  range         {_range(tuple(row['range']))}",
        f"  failed pairs  {card['failure_rule']}" + ("" if card["floor"] is None else f" (floor {card['floor']:g})"),
        f"  needs         {row['needs']}",
        f"  beside it     {', '.join(row['companions']) or 'nothing'}",
        f"  images        at least {row['smallest_side']} px a side",
    ]


def _range(limits: Range) -> str:
    low, high = (str(end) if end is None else f"{end:g}" for end in limits)
    return f"{'unlimited' if low == 'None' else low} .. {'unlimited' if high == 'None' else high}"


def lock(as_json: AsJson = False) -> None:
    """Add today's metric cards to the package's lock; run it after a metric or a judge's weights changed.

    Cards that are there stay, so that older records stay readable. Judge sets whose weights are not here keep theirs.
    """
    from dgbench.metrics.locked_cards import todays_cards
    from dgbench.results.records.card_lock import FILE, CardLock, read_card_lock, write_card_lock

    before = read_card_lock() if FILE.is_file() else CardLock([])
    cards, absent = todays_cards()
    after = before.with_current(cards)
    write_card_lock(after)
    added = [
        f"{e.card.name}@{e.card.version} ({e.judges or 'any judges'})" for e in after.entries[len(before.entries) :]
    ]
    lines = [f"{FILE}: {len(after.entries)} cards, {len(added)} added", *(f"added: {name}" for name in added)]
    lines += [f"{judges}: weights not here, its cards stay as they are" for judges in absent]
    emit({"cards": len(after.entries), "added": added, "absent": absent}, "\n".join(lines), as_json=as_json)
