"""How inner loops are compiled: numba without fast maths, so that the same input gives the same bits everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

_P = ParamSpec("_P")
_R = TypeVar("_R")


def compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile a function (cached on disk, GIL released); its types stay visible to type checkers."""
    options = {"nogil": True, "fastmath": False}
    try:
        return cast(Callable[_P, _R], numba.njit(cache=True, **options)(function))
    except RuntimeError:
        # Neither the package nor the user's cache folder can be written: it is compiled anew in every process.
        return cast(Callable[_P, _R], numba.njit(**options)(function))
