"""Reading Parquet in this thread alone: our tables are small, and reader threads left at exit can abort a process."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd


def read_frame(path: Path) -> pd.DataFrame:
    """Read one Parquet file.

    Raises:
        OSError: it is missing or cannot be read. ValueError: it is no Parquet file (pyarrow's errors are ValueErrors).
    """
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(path.read_bytes()), use_threads=False, pre_buffer=False)
    frame: pd.DataFrame = table.to_pandas(use_threads=False)
    return frame
