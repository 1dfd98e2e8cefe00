"""``dgbench metrics lock``: write today's metric cards into the lock that records are held against."""

from __future__ import annotations

from dgbench.cli.output import AsJson, emit


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
