"""The record store: one folder per scored run, its three files written whole, record.json last."""

from __future__ import annotations

import io
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dgbench.core.card import MetricCard
from dgbench.core.digests import sha256_bytes
from dgbench.core.errors import UsageError, WorkFailedError
from dgbench.core.record import Record
from dgbench.io.atomic import write_bytes, write_json
from dgbench.io.locks import folder_lock
from dgbench.io.parquet import Limits, read_frame
from dgbench.io.regular import odd_entries, read_regular
from dgbench.results.records.schema import parse_record

RECORD, PAIR_SCORES, ENVIRONMENT = "record.json", "pair_scores.parquet", "environment.json"
#: Beside them, where somebody measured the record again (``records.statement``).
STATEMENT = "verification.intoto.json"

#: Columns that every pair_scores table begins with; metric columns follow in pairs (``x``, ``x__measured``).
PAIR_COLUMNS: tuple[str, ...] = (
    "pair_id",
    "relation",
    "source_identity",
    "reference_identity",
    "bin",
    "yaw_reference",
    "status",
    "failure_kind",
)

#: Folders of a run that hold many thousand files and no record.
_IMAGES = frozenset({"images", "thumbs", "journal", "inputs"})
#: Folders that a search for records never enters.
_PRUNED = _IMAGES | {"leaderboards", "published"}
#: How long a publication waits for another one into the same results.
_WAIT_S = 300.0
#: No file of a record comes near these sizes; one that does was not made by scoring.
MAX_RECORD = MAX_ENVIRONMENT = 8 << 20
MAX_TABLE = 64 << 20
_TABLE = Limits(file_bytes=MAX_TABLE, rows=1_000_000, columns=400, cells=60_000_000, text=400)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+@-]{0,119}")


#: Cards that were read, by digest.
_CARDS: dict[str, MetricCard] = {}


@dataclass(frozen=True)
class StoredRecord:
    """A record with the place it was read from; ``path`` is its folder relative to the root, with '/'."""

    root: Path
    path: str
    record: Record

    @property
    def folder(self) -> Path:
        """The folder with the three files."""
        return self.root / self.path

    def pair_scores(self, *, only: str | None = None) -> pd.DataFrame | None:
        """The table of pair scores, of ``only`` one metric if so asked, or ``None`` where the record has none."""
        file = self.folder / PAIR_SCORES
        return read_pair_scores(file, only=only) if file.is_file() else None

    def light(self) -> StoredRecord:
        """The same without the metrics, which are most of a record: ten thousand of these fit anywhere."""
        return StoredRecord(self.root, self.path, self.record.model_copy(update={"metrics": ()}))

    def whole(self) -> StoredRecord:
        """The same as it lies on the disk."""
        return StoredRecord(self.root, self.path, read_record(self.folder))


def write_record(folder: Path, record: Record, pair_scores: pd.DataFrame, environment: dict[str, Any]) -> None:
    """Write one scored run: the table, the environment, and last ``record.json`` with the digests of both.

    Args:
        folder: where the three files go; made if absent.
        record: the record; its ``pair_scores_sha256`` and ``environment_sha256`` are filled in here.
        pair_scores: one row per expected pair; rows are sorted by ``pair_id`` here.
        environment: plain data (package versions, device, …).

    Raises:
        WorkFailedError: a score is NaN or infinite, or a pair is repeated.
    """
    (folder / RECORD).unlink(missing_ok=True)  # a rewrite that dies half way must not look finished
    table = parquet_bytes(pair_scores)
    write_bytes(folder / PAIR_SCORES, table)
    write_json(folder / ENVIRONMENT, environment)
    finished = record.model_copy(
        update={
            "pair_scores_sha256": sha256_bytes(table),
            "environment_sha256": sha256_bytes((folder / ENVIRONMENT).read_bytes()),
        }
    )
    write_json(folder / RECORD, finished.model_dump(mode="json"))


def metric_columns(pair_scores: pd.DataFrame) -> list[str]:
    """Names of the pair metrics in a table, in column order."""
    suffix = "__measured"
    return [name.removesuffix(suffix) for name in pair_scores.columns if name.endswith(suffix)]


def parquet_bytes(pair_scores: pd.DataFrame) -> bytes:
    """Serialise a table of pair scores: same scores, same bytes (fixed types, order, compression).

    Raises:
        WorkFailedError: a column is missing, a score is NaN or infinite, or a pair is repeated.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    _require_sound(pair_scores)
    frame = pair_scores.sort_values("pair_id", kind="stable", key=lambda ids: ids.map(str.encode))
    fields: dict[str, pa.Array] = {}
    for name in (*PAIR_COLUMNS, *(c for c in frame.columns if c not in PAIR_COLUMNS)):
        values = frame[name]
        if name == "yaw_reference" or (values.dtype.kind == "f"):
            numbers = pd.to_numeric(values).to_numpy(dtype=np.float64, na_value=np.nan)
            fields[name] = pa.array(numbers, type=pa.float64(), mask=np.isnan(numbers))
        elif values.dtype.kind == "b":
            fields[name] = pa.array(values.to_numpy(dtype=bool))
        elif values.dtype.kind in "iu":
            fields[name] = pa.array(values.to_numpy(dtype=np.int64))
        else:
            fields[name] = pa.array([None if pd.isna(v) else str(v) for v in values], type=pa.string())
    buffer = io.BytesIO()
    pq.write_table(pa.table(fields), buffer, compression="zstd", row_group_size=1 << 20, use_dictionary=True)
    return buffer.getvalue()


def _require_sound(frame: pd.DataFrame) -> None:
    missing = [name for name in PAIR_COLUMNS if name not in frame.columns]
    if missing:
        raise WorkFailedError(f"pair_scores lacks the columns {', '.join(missing)}; the scoring is wrong")
    twice = frame["pair_id"][frame["pair_id"].duplicated()]
    if len(twice):
        raise WorkFailedError(f"pair_scores: pair {twice.iloc[0]!r} is repeated; every pair is scored once")
    for name in metric_columns(frame):
        bad = ~np.isfinite(pd.to_numeric(frame[name]).to_numpy(dtype=np.float64, na_value=np.nan))
        if bad.any():
            pair = frame["pair_id"].to_numpy()[int(np.argmax(bad))]
            raise WorkFailedError(
                f"pair_scores: {name} of pair {pair!r} is not finite ({int(bad.sum())} such); a pair that "
                "cannot be measured takes the metric's floor"
            )


def read_pair_scores(file: Path, *, only: str | None = None) -> pd.DataFrame:
    """Read a table of pair scores, all of it or the columns of ``only`` one metric.

    Raises:
        UsageError: the file is absent, damaged, or lacks the common columns.
    """
    import pyarrow as pa

    try:
        frame: pd.DataFrame = read_frame(
            file, limits=_TABLE, columns=[*PAIR_COLUMNS, only, f"{only}__measured"] if only else None
        )
    except (OSError, pa.ArrowException) as error:
        raise UsageError(f"{file}: cannot be read as parquet ({error}); score the run again") from error
    missing = [name for name in PAIR_COLUMNS if name not in frame.columns]
    if missing:
        raise UsageError(f"{file}: lacks the columns {', '.join(missing)}; score the run again")
    return frame


def read_record(folder: Path) -> Record:
    """Read ``folder/record.json`` (or the file itself), migrated to the newest schema.

    Raises:
        UsageError: there is none, or it is damaged.
    """
    file = folder if folder.name == RECORD else folder / RECORD
    try:
        content = read_regular(file, limit=MAX_RECORD)
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror}); a finished, scored run has one") from error
    try:
        record = parse_record(content)
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from error
    # Records of one version carry equal cards: one object for all of them.
    shared = [m.model_copy(update={"card": _CARDS.setdefault(m.card_digest, m.card)}) for m in record.metrics]
    return record.model_copy(update={"metrics": tuple(shared)})


def refuse_links(root: Path) -> None:
    """Refuse a folder with a link or special file in it: a link may lead anywhere, and so what goes through it.

    Raises:
        UsageError: there is one; the message names it.
    """
    odd = odd_entries(root, skip=_IMAGES) if root.is_dir() else []
    if odd:
        more = f" (and {len(odd) - 1} more)" if len(odd) > 1 else ""
        raise UsageError(f"{root / odd[0]}: is a link or special file{more}; put the file or folder itself")


def find_record_files(root: Path) -> list[Path]:
    """All ``record.json`` under ``root``, sorted bytewise; hidden and image folders are not entered.

    Raises:
        UsageError: ``root`` is no folder, or holds a link or special file.
    """
    if not root.is_dir():
        raise UsageError(f"{root}: no such folder; give a results folder or a folder of run folders")
    refuse_links(root)
    found: list[Path] = []
    for place, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in _PRUNED and not name.startswith(".")]
        if RECORD in files:
            found.append(Path(place) / RECORD)
    return sorted(found, key=lambda file: file.relative_to(root).as_posix().encode())


def find_light_records(root: Path) -> list[StoredRecord]:
    """Read every record under ``root`` as :func:`find_records` does, and keep all but the metrics."""
    return [
        StoredRecord(root, file.parent.relative_to(root).as_posix(), read_record(file.parent)).light()
        for file in find_record_files(root)
    ]


def find_records(root: Path) -> list[StoredRecord]:
    """Read every record under ``root``: a results folder, a run folder, or a folder of run folders.

    Raises:
        UsageError: ``root`` is no folder, or a record in it is damaged.
    """
    return [
        StoredRecord(root, file.parent.relative_to(root).as_posix(), read_record(file.parent))
        for file in find_record_files(root)
    ]


def published_path(record: Record) -> str:
    """Where a record belongs under ``results/``: ``<protocol>/v<N>/<method>/<run_id>``.

    Raises:
        UsageError: the protocol, method or run id is no safe file name.
    """
    for name in (record.protocol.id, record.method.name, record.run_id):
        if not _NAME.fullmatch(name) or name.endswith("."):
            raise UsageError(f"{name!r} cannot be a folder's name; use letters, digits and . _ + @ -")
    return f"{record.protocol.id}/v{record.protocol.version}/{record.method.name}/{record.run_id}"


def _content(file: Path) -> bytes:
    return read_regular(file, limit=_TABLE.file_bytes)


def _measurement(record: Record) -> dict[str, Any]:
    """What a record found, without when and by which code and machine it was written down."""
    return record.model_dump(mode="json", exclude={"created", "code", "environment_sha256"})


def publish(scored_folder: Path, results_root: Path) -> Path:
    """Copy a scored run into ``results_root`` byte for byte, ``record.json`` last; return its folder there.

    Publishing the same measurement again changes nothing.

    Raises:
        UsageError: the run is not finished, its files do not fit its record, or another record is there.
    """
    record = read_record(scored_folder)
    contents: dict[str, bytes] = {}
    for name, expected in (
        (PAIR_SCORES, record.pair_scores_sha256),
        (ENVIRONMENT, record.environment_sha256),
    ):
        if expected is None:
            continue
        file = scored_folder / name
        if not file.is_file() or sha256_bytes(contents.setdefault(name, _content(file))) != expected:
            raise UsageError(f"{file}: absent or not the file that {RECORD} speaks of; score the run again")
    contents[RECORD] = _content(scored_folder / RECORD)
    target = results_root / published_path(record)
    refuse_links(results_root)
    with folder_lock(results_root, purpose="publish", timeout_s=_WAIT_S):
        if (target / RECORD).is_file():
            if _measurement(read_record(target)) == _measurement(record):
                return target  # the same numbers scored again: the first record stays
            raise UsageError(
                f"{target}: holds another record; a published record never changes: publish under a new run id, "
                "with 'supersedes' naming the old one"
            )
        for name, content in contents.items():
            write_bytes(target / name, content)
    return target
