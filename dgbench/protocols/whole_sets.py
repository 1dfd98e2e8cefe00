"""The complete data sets whose images follow from the grammar of their names: what frozen pair lists are made of."""

from __future__ import annotations

import pandas as pd

from dgbench.datasets import frll, rafd
from dgbench.datasets.manifest import make_frames
from dgbench.synthface.sets.mini_cells import mini_shots


def whole_set(dataset: str) -> pd.DataFrame | None:
    """Return the frames of a complete copy, ``None`` where they cannot be known without one.

    ``path`` is the published name where the set has one. For ``synthface`` there is no row: its sampler knows the
    rendered world's grammar itself.
    """
    match dataset:
        case "frll":
            return frll.whole_set()
        case "rafd":
            return rafd.whole_set()
        case "synthface-mini":
            rows = [{**shot.row, "key": shot.key, "path": shot.path} for shot in mini_shots()]
            return make_frames(rows)
        case "synthface":
            return make_frames([])
    return None
