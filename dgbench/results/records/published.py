"""Numbers printed in papers: who printed what about which method, where, and how that differs from a protocol."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dgbench.core.errors import UsageError
from dgbench.core.record import Origin
from dgbench.io.regular import read_regular
from dgbench.io.yaml_file import MAX_BYTES, UniqueKeyLoader

_FROZEN = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _changed_fields(before: BaseModel, after: BaseModel, *, besides: str = "") -> list[str]:
    fields = type(before).model_fields
    return [f"{name} changed" for name in fields if name != besides and getattr(before, name) != getattr(after, name)]


class PaperMetric(BaseModel):
    """A column of a printed table, named as the paper names it; ``meaning`` says what is known of it."""

    model_config = _FROZEN
    name: str
    direction: Literal["higher", "lower"]
    meaning: str = ""


class PublishedTable(BaseModel):
    """One printed table of one task.

    ``near`` is the protocol (``id@version``) whose task is closest, or "" where none is. ``own_method`` is the
    method that the paper itself proposes: its row is ``reported`` by its authors, every other row is a
    ``third_party`` measurement. ``rows`` maps a method to its values in the order of ``metrics``, digit for digit as
    printed; ``None`` is a cell that the paper leaves empty or that could not be read (``doubts`` says which).
    """

    model_config = _FROZEN
    id: str
    paper: str
    url: Annotated[str, Field(pattern=r"^(https?://[!-~]+)?$")] = ""
    table: str
    task: Literal["self", "cross"]
    data: str
    near: str = ""
    own_method: str = ""
    differences: tuple[str, ...] = Field(min_length=1)
    doubts: tuple[str, ...] = ()
    verified: Literal["primary text, code or data file"]
    metrics: tuple[PaperMetric, ...]
    rows: dict[str, tuple[Decimal | None, ...]]
    row_notes: dict[str, str] = {}

    @model_validator(mode="after")
    def _rows_fit(self) -> PublishedTable:
        for method, values in self.rows.items():
            if len(values) != len(self.metrics):
                raise ValueError(f"row {method!r} has {len(values)} values for {len(self.metrics)} metrics")
        strange = sorted(self.row_notes.keys() - self.rows.keys())
        if strange:
            raise ValueError(f"row_notes name no row: {', '.join(strange)}")
        return self

    def difference(self, now: BaseModel | None) -> str:
        """What another reading of this table says otherwise, "" for nothing: its cells one by one, then its fields."""
        if not isinstance(now, PublishedTable):
            return "is gone"
        old, new = ({(m, n): v for m in t.rows for n, v in t.cells(m).items()} for t in (self, now))
        cells = [
            f"{metric} of {method}, {old.get((method, metric), 'nothing')}, is now {new.get((method, metric), 'gone')}"
            for method, metric in sorted(old.keys() | new.keys())
            if old.get((method, metric)) != new.get((method, metric))
        ]
        return ", ".join([*cells, *_changed_fields(self, now, besides="rows" if cells else "")])

    def origin(self, method: str) -> Origin:
        """``reported`` for the authors' own method, ``third_party`` for the others."""
        return "reported" if method == self.own_method else "third_party"

    def cells(self, method: str) -> dict[str, Decimal]:
        """The values printed for ``method`` by metric, empty cells left out."""
        pairs = zip(self.metrics, self.rows[method], strict=True)
        return {metric.name: value for metric, value in pairs if value is not None}


class Claim(BaseModel):
    """One printed cell, by the id of its table and the paper's name of the metric; ``setting`` is what was special."""

    model_config = _FROZEN
    table: str
    metric: str
    setting: str = ""


class Contradiction(BaseModel):
    """What several papers print about one method under one name, with different values."""

    model_config = _FROZEN
    id: str
    method: str
    quantity: str
    claims: tuple[Claim, ...] = Field(min_length=2)
    remark: str = ""

    def difference(self, now: BaseModel | None) -> str:
        """What another reading of this contradiction says otherwise, "" for nothing."""
        return ", ".join(_changed_fields(self, now)) if isinstance(now, Contradiction) else "is gone"


class Published(BaseModel):
    """Everything under ``results/published/``."""

    model_config = _FROZEN
    tables: tuple[PublishedTable, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()

    def by_id(self) -> dict[str, PublishedTable | Contradiction]:
        """Tables and contradictions by their id."""
        entries: list[PublishedTable | Contradiction] = [*self.tables, *self.contradictions]
        return {entry.id: entry for entry in entries}

    def claim(self, method: str, claim: Claim) -> tuple[PublishedTable, Decimal]:
        """The table that a claim points at, and the value printed there.

        Raises:
            UsageError: no such table, method or metric, or an empty cell.
        """
        table = next((table for table in self.tables if table.id == claim.table), None)
        cells = table.cells(method) if table is not None and method in table.rows else {}
        if table is None or claim.metric not in cells:
            raise UsageError(f"published: no table {claim.table!r} has a cell {claim.metric!r} of {method!r}")
        return table, cells[claim.metric]


def load_published(results_root: Path) -> Published:
    """Read ``results_root/published/*.yaml`` in name order; nothing there is no error.

    Raises:
        UsageError: a file is not YAML, does not follow the schema, or an id is repeated.
    """
    tables: list[PublishedTable] = []
    contradictions: list[Contradiction] = []
    for file in sorted((results_root / "published").glob("*.yaml")):
        content = parse_published(_content(file), str(file))
        tables += content.tables
        contradictions += content.contradictions
    names = [*(table.id for table in tables), *(entry.id for entry in contradictions)]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{results_root / 'published'}: id {name!r} is repeated; every table has its own id")
    published = Published(tables=tuple(tables), contradictions=tuple(contradictions))
    for entry in contradictions:
        for claim in entry.claims:
            published.claim(entry.method, claim)
    return published


def parse_published(content: bytes, name: str) -> Published:
    """Parse one file of ``published/``; ``name`` is what an error calls it.

    Raises:
        UsageError: it is not YAML or does not follow the schema.
    """
    try:
        return Published.model_validate(yaml.load(content.decode(), Loader=_AsPrinted) or {})  # noqa: S506, a safe one
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{name}: {place}: {first['msg']}") from error
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"{name}: cannot be read as YAML: {' '.join(str(error).split())}") from error


class _AsPrinted(UniqueKeyLoader):
    """YAML whose numbers stay text, so that ``0.70`` is not turned into 0.7; only null and merge keys are resolved."""


_AsPrinted.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in held if tag.rpartition(":")[2] in ("null", "merge")]
    for first, held in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _content(file: Path) -> bytes:
    try:
        return read_regular(file, limit=MAX_BYTES)
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror})") from error
