"""Reading Parquet in this thread alone: our tables are small, and reader threads left at exit can abort a process."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from dgbench.io.regular import read_regular

#: Of tables that dgbench writes itself, whose folders may still come from strangers: VoxCeleb2 has a million clips, and
#: a manifest of ten million rows has 3.5e8 values.
_MOST_VALUES, _MOST_BYTES = 500_000_000, 16 << 30


@dataclass(frozen=True)
class Limits:
    """How large a table from outside may be: a few kilobytes of Parquet can stand for gigabytes.

    Attributes:
        file_bytes: of the file.
        rows, columns: of the table.
        cells: rows times columns.
        text: characters of one text.
    """

    file_bytes: int
    rows: int
    columns: int
    cells: int
    text: int


def read_frame(path: Path, *, limits: Limits | None = None, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read one Parquet file.

    Args:
        path: the file.
        limits: what a file from outside may hold: plain columns of text, numbers and truth values, so large at most.
        columns: with ``limits``, those of these columns that it has; all by default.

    Raises:
        OSError: it is missing or cannot be read. ValueError: it is no Parquet file (pyarrow's errors are ValueErrors)
            or over the limits. UsageError: with ``limits``, it is a link, no regular file, or too large.
    """
    import pyarrow.parquet as pq

    if limits is None:
        data = path.read_bytes()
        _require_bounded(pq.read_metadata(io.BytesIO(data)))
        table = pq.read_table(io.BytesIO(data), use_threads=False, pre_buffer=False)
    else:
        table = _read_limited(read_regular(path, limit=limits.file_bytes), limits, columns)
    frame: pd.DataFrame = table.to_pandas(use_threads=False, ignore_metadata=limits is not None)
    return frame


def _require_bounded(about: Any) -> None:
    """Refuse a table of our own kind that no data set could fill, before anything is unpacked."""
    groups = [about.row_group(number) for number in range(about.num_row_groups)]
    values = sum(group.column(number).num_values for group in groups for number in range(group.num_columns))
    if max(values, about.num_rows * about.num_columns) > _MOST_VALUES:
        raise ValueError(f"{about.num_rows:,} rows and {values:,} values are more than any data set has")
    if sum(group.total_byte_size for group in groups) > _MOST_BYTES:
        raise ValueError("unpacks to more bytes than any data set's table has")


def _read_limited(data: bytes, limits: Limits, columns: Sequence[str] | None) -> object:
    """Read a table after its header was looked at, with texts kept once each until their length is known."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    about = pq.read_metadata(io.BytesIO(data))
    schema = about.schema.to_arrow_schema()
    whole = sum(about.row_group(group).total_byte_size for group in range(about.num_row_groups))
    if about.num_rows > limits.rows or len(schema) > limits.columns or about.num_rows * len(schema) > limits.cells:
        raise ValueError(f"{about.num_rows:,} rows of {len(schema)} columns are more than is read")
    if whole > 16 * limits.cells:
        raise ValueError(f"{whole:,} bytes unpacked are more than is read")
    for field in schema:
        kind = field.type
        if not (_is_text(kind) or pa.types.is_primitive(kind) or pa.types.is_null(kind)):
            raise ValueError(f"column {field.name[:40]!r} is of type {str(kind)[:40]}; texts and numbers are read")
    names = [name for name in schema.names if columns is None or name in columns]
    texts = [field.name for field in schema if _is_text(field.type) and field.name in names]
    table = pq.read_table(io.BytesIO(data), columns=names, use_threads=False, pre_buffer=False, read_dictionary=texts)
    for name in texts:
        for chunk in table.column(name).chunks:
            longest = max((len(value) for value in chunk.dictionary.to_pylist() if value is not None), default=0)
            if longest > limits.text:
                raise ValueError(f"column {name[:40]!r} holds a text of {longest:,} characters")
    return pa.table({name: _plain(table.column(name)) for name in table.column_names})


def _is_text(kind: object) -> bool:
    import pyarrow as pa

    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _plain(column: object) -> object:
    import pyarrow as pa

    assert isinstance(column, pa.ChunkedArray)
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
