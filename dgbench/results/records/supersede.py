"""Which records another one replaces: earlier ones of the same method, never those of a rival."""

from __future__ import annotations

from collections.abc import Iterable

from dgbench.core.record import Record
from dgbench.results.records.store import StoredRecord


def replaces(record: Record, older: Record) -> bool:
    """Whether ``record`` names ``older`` in ``supersedes`` and may: both are of one method's run of one table."""
    return record.supersedes == older.run_id and _owner(record) == _owner(older)


def superseded(records: Iterable[StoredRecord]) -> set[str]:
    """The paths of the records that another one replaces."""
    held = list(records)
    named = {(_owner(stored.record), stored.record.supersedes) for stored in held if stored.record.supersedes}
    return {stored.path for stored in held if (_owner(stored.record), stored.record.run_id) in named}


def _owner(record: Record) -> tuple[object, ...]:
    """Whose record it is, and of which table: all that a newer one must share with it. Weights may have changed."""
    ref = record.protocol
    return record.method.name, ref.id, ref.version, record.judges, record.seed
