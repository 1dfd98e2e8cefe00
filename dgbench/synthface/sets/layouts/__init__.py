"""The layouts by name: on-disk grammars of real data sets that SynthFace can be written in."""

from __future__ import annotations

from dgbench.core.errors import UsageError, did_you_mean
from dgbench.synthface.sets.layouts.base import Layout, Selection, Unit
from dgbench.synthface.sets.layouts.crowd import CrowdLayout
from dgbench.synthface.sets.layouts.frll import FrllLayout
from dgbench.synthface.sets.layouts.multipie import MultipieLayout
from dgbench.synthface.sets.layouts.rafd import RafdLayout
from dgbench.synthface.sets.layouts.voxceleb import Voxceleb1Layout, Voxceleb2Layout

LAYOUTS: dict[str, type[Layout]] = {
    layout.name: layout
    for layout in (RafdLayout, MultipieLayout, Voxceleb1Layout, Voxceleb2Layout, FrllLayout, CrowdLayout)
}

__all__ = ["LAYOUTS", "Layout", "Selection", "Unit", "layout"]


def layout(name: str, *, seed: int = 0) -> Layout:
    """Return a layout by name, of the world ``seed``.

    Raises:
        UsageError: no layout of that name.
    """
    if name not in LAYOUTS:
        raise UsageError(f"no layout '{name}' (known: {', '.join(LAYOUTS)}).{did_you_mean(name, list(LAYOUTS))}")
    return LAYOUTS[name](seed)
