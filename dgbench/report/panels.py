"""One person through poses, as papers show it: references on top, the source at the side, a row per method, target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from dgbench.report.gallery import StripRow, make_strip
from dgbench.report.images import Pictures
from dgbench.report.views import SectionView
from dgbench.results.boards.board import Row

#: People shown, pairs of each, and methods.
PEOPLE, COLUMNS, ROWS = 2, 6, 8


@dataclass(frozen=True)
class Panel:
    """Pairs of one source person in the order of the reference's yaw, by the methods of ``rows``.

    A method whose results are an input image each time, such as a copy of the source, is left out: it is there already.
    """

    identity: str
    rows: tuple[Row, ...]
    pairs: tuple[StripRow, ...]
    yaws: tuple[float | None, ...]

    @property
    def source(self) -> str | None:
        """The image that all pairs share, ``None`` where each pair has its own or none is known."""
        names = {pair.inputs["source"] for pair in self.pairs}
        return next(iter(names)) if len(names) == 1 else None


def make_panels(
    view: SectionView,
    rows: Sequence[Row],
    tables: dict[str, pd.DataFrame],
    *,
    pictures: Pictures,
) -> list[Panel]:
    """The people whose pairs cover the most poses, by every method of ``rows``; none where no image is here."""
    table = tables[rows[0].stored.path]
    panels: list[Panel] = []
    for identity, chosen in _people(table):
        pairs = make_strip(view, rows, tables, pictures=pictures, sample=list(chosen))
        if len(pairs) > 1:
            kept = [place for place in range(len(rows)) if not _shows_an_input(pairs, place)][:ROWS]
            shown = tuple(replace(pair, generated=tuple(pair.generated[p] for p in kept)) for pair in pairs)
            yaws = tuple(chosen[pair.pair_id] for pair in pairs)
            panels.append(Panel(identity, tuple(rows[place] for place in kept), shown, yaws))
    return panels


def _shows_an_input(pairs: Sequence[StripRow], place: int) -> bool:
    """Whether a method's image is, in every pair, that of the same role; thumbnails are named by content."""
    return any(all(pair.inputs[role] == pair.generated[place][0] for pair in pairs) for role in pairs[0].inputs)


def _people(table: pd.DataFrame) -> list[tuple[str, dict[str, float | None]]]:
    """(person, {pair: yaw of its reference}) of the people with the widest spread of yaw; ties in the order of ids."""
    held = [(str(name), group) for name, group in table.groupby("source_identity", sort=True)]
    held.sort(key=lambda entry: (-_spread(entry[1]), -len(entry[1]), entry[0]))
    return [(name, _spaced(group)) for name, group in held[:PEOPLE]]


def _spread(group: pd.DataFrame) -> float:
    yaws = group["yaw_reference"].to_numpy(dtype=np.float64, na_value=np.nan)
    yaws = yaws[np.isfinite(yaws)]
    return round(float(np.ptp(yaws)), 3) if len(yaws) else 0.0


def _spaced(group: pd.DataFrame) -> dict[str, float | None]:
    """Up to COLUMNS pairs, evenly from the least to the greatest yaw."""
    ordered = group.sort_values(["yaw_reference", "pair_id"], kind="stable")
    places = np.unique(np.linspace(0, len(ordered) - 1, min(COLUMNS, len(ordered))).round().astype(int))
    picked = ordered.iloc[places]
    yaws = picked["yaw_reference"].to_numpy(dtype=np.float64, na_value=np.nan)
    return {
        str(pair): float(yaw) if np.isfinite(yaw) else None for pair, yaw in zip(picked["pair_id"], yaws, strict=True)
    }
