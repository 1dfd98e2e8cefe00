"""Tables that stand for more than any data set holds are refused before they are unpacked."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dgbench.io import parquet
from dgbench.io.parquet import read_frame


def test_a_small_file_of_many_values_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_MOST_VALUES", 1_000_000)
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": pa.array([7] * 2_000_000)}), path)
    assert path.stat().st_size < 20_000
    with pytest.raises(ValueError, match="more than any data set has"):
        read_frame(path)
    pq.write_table(pa.table({"a": pa.array([[7] * 2_000_000])}), path)  # one row, and one long list in it
    with pytest.raises(ValueError, match="more than any data set has"):
        read_frame(path)
    pq.write_table(pa.table({"a": pa.array([7] * 900_000)}), path)
    assert len(read_frame(path)) == 900_000


def test_bytes_are_bounded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_MOST_BYTES", 1_000)
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": pa.array([f"{i:0500d}" for i in range(100)])}), path)
    with pytest.raises(ValueError, match="unpacks to more bytes"):
        read_frame(path)
