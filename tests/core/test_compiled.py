"""Compiled functions say what Python says, also where nothing can be cached on disk."""

from __future__ import annotations

from typing import Any

import numba
import pytest

from dgbench.core.compiled import compiled


def weighted(a: float, b: float) -> float:
    return 0.1 * a + 0.7 * b


def test_a_compiled_function_rounds_as_written() -> None:
    # One rounding fewer (a fused product and sum) would show in the last bit of some of these.
    fast = compiled(weighted)
    for step in range(1, 200):
        assert fast(1 / step, step / 7) == weighted(1 / step, step / 7)


def test_without_a_folder_for_the_cache_it_is_compiled_in_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    real = numba.njit

    def nowhere(*, cache: bool = False, **options: Any) -> Any:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return real(**options)

    monkeypatch.setattr(numba, "njit", nowhere)
    assert compiled(weighted)(2.0, 3.0) == weighted(2.0, 3.0)
