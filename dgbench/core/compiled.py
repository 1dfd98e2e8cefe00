"""How inner loops are compiled: numba without fast maths, so that the same input gives the same bits everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

_P = ParamSpec("_P")
_R = TypeVar("_R")


def compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile a function (cached on disk, GIL released); its types stay visible to type checkers."""
    return cast(Callable[_P, _R], numba.njit(cache=True, nogil=True, fastmath=False)(function))
