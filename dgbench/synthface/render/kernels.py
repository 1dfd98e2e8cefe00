"""How SynthFace compiles its inner loops: numba, without fast maths, so that the same input gives the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

_P = ParamSpec("_P")
_R = TypeVar("_R")


def kernel(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile ``function`` with numba (cached on disk, GIL released); its types stay visible to type checkers."""
    return cast(Callable[_P, _R], numba.njit(cache=True, nogil=True, fastmath=False)(function))
