"""Progress of long work on stderr: a bar with the time left on a terminal, nothing in a log or with --json."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(what: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Yield a function ``(done, total)`` that moves the bar."""
    from tqdm import tqdm

    bar = tqdm(desc=what, unit="", file=sys.stderr, disable=quiet or not sys.stderr.isatty(), leave=False)

    def move(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    try:
        yield move
    finally:
        bar.close()
