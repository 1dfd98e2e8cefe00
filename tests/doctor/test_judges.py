"""Agreement of judge sets: numbers by hand, tables against their data, the page against its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dgbench.core.errors import UsageError
from dgbench.doctor.judges import METRICS, RETRIEVAL, agreements, compare_judges, spearman
from dgbench.doctor.judges_table import BEGIN, END, markdown, put_into, read_found, write_found
from dgbench.protocols.registry import load_protocol

REPOSITORY = Path(__file__).parents[2]


def _table(csim: list[float], measured: list[bool] | None = None) -> pd.DataFrame:
    columns = {}
    for metric in (*METRICS, RETRIEVAL):
        columns[metric] = csim
        columns[f"{metric}__measured"] = measured or [True] * len(csim)
    return pd.DataFrame(columns)


def test_agreement_by_hand() -> None:
    first = {
        "a": _table([0.1, 0.2, 0.3]),
        "b": _table([0.4, 0.5, 0.6]),
        "c": _table([0.7, 0.8, -1.0], [True, True, False]),
    }
    # Opposite within each method, equal order of the methods, and another scale.
    second = {"a": _table([3.0, 2.0, 1.0]), "b": _table([6.0, 5.0, 4.0]), "c": _table([8.0, 7.0, 9.0])}
    row = next(
        row for row in agreements({"x": first, "y": second}, np.array([True, True, True])) if row.metric == "csim"
    )
    assert (row.images, row.near) == (8, 8)
    ranks = [3, 2, 1, 6, 5, 4, 8, 7]
    squared = sum((place - rank) ** 2 for place, rank in enumerate(ranks, 1))
    assert row.over_images == pytest.approx(1 - 6 * squared / (8 * 63))
    assert row.over_methods == pytest.approx(1) and row.kendall == pytest.approx(1)
    near = next(
        row for row in agreements({"x": first, "y": second}, np.array([True, True, False])) if row.metric == "csim"
    )
    assert (near.images, near.near) == (8, 6)
    assert near.over_near == pytest.approx(1 - 6 * 6 / (6 * 35)) and near.over_images == row.over_images


def test_a_rank_correlation_without_a_value_is_not_a_number() -> None:
    assert np.isnan(spearman(np.ones(5), np.arange(5.0))) and np.isnan(spearman(np.arange(2.0), np.arange(2.0)))
    assert spearman(np.arange(4.0), np.array([5.0, 1.0, 0.0, -7.0])) == pytest.approx(-1)


def _found() -> dict:
    means = {
        "target": dict.fromkeys((*METRICS, RETRIEVAL), 0.5),
        "black": dict.fromkeys((*METRICS, RETRIEVAL), float("nan")),
    }
    row = {"metric": "csim", "first": "embedded", "second": "open", "images": 7, "near": 5}
    numbers = {"over_images": 0.25, "over_near": 0.375, "over_methods": float("nan"), "kendall": 1.0}
    rates = {"eer_near": 1.0, "eer_all": 12.5, "images": 24.0, "people": 14.0}
    return {
        "protocol": "synthface-mini-cross@2",
        "pairs": 8,
        "pairs_near": 6,
        "methods": ["target", "black"],
        "networks": {},
        "agreement": [row | numbers],
        "means": {"embedded": means, "open": means},
        "verification": {"embedded": rates, "open": rates},
    }


def test_the_tables_say_what_was_found_and_come_back_from_their_file(tmp_path: Path) -> None:
    text = markdown(_found())
    assert "| CSIM to source | embedded, open | 7 | 0.250 | 0.375 | – | 1.000 |" in text
    assert "| black | – / – |" in text and "| embedded | 14 | 24 | 1.0 | – | 12.5 |" in text
    write_found(_found(), tmp_path / "found.json")
    assert markdown(read_found(tmp_path / "found.json")) == text
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    put_into(page, _found())
    assert page.read_text(encoding="utf-8") == f"before\n{BEGIN}\n{text}{END}\nafter\n"
    (tmp_path / "bare.md").write_text("no markers\n", encoding="utf-8")
    with pytest.raises(UsageError, match="needs one line"):
        put_into(tmp_path / "bare.md", _found())
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="not what `dgbench doctor judges` writes"):
        read_found(tmp_path / "other.json")


def test_the_page_shows_the_file_that_was_measured() -> None:
    page = (REPOSITORY / "docs" / "metrics.md").read_text(encoding="utf-8")
    shown = page.split(BEGIN)[1].split(END)[0].lstrip("\n")
    assert shown == markdown(read_found(REPOSITORY / "docs" / "judges-agreement.json"))


def test_one_set_or_two_methods_cannot_be_compared() -> None:
    mini = load_protocol("synthface-mini-cross")
    with pytest.raises(UsageError, match="two sets"):
        compare_judges(mini, ["embedded", "embedded"])
    with pytest.raises(UsageError, match="three methods"):
        compare_judges(mini, ["embedded", "open"], methods=["target", "blend"])


@pytest.mark.slow
def test_two_sets_on_four_pairs(assets: Path) -> None:
    found = compare_judges(
        load_protocol("synthface-mini-cross"),
        ["embedded", "open"],
        methods=("target", "copy-reference", "black"),
        weights=assets / "nets",
        every=96,
    )
    assert found["pairs"] == 4 and found["methods"] == ["target", "copy-reference", "black"]
    for means in found["means"].values():
        assert means["target"]["csim_target"] == pytest.approx(1) and means["target"]["landmark_nme"] == 0
        assert means["copy-reference"]["csim"] < means["target"]["csim"]
        assert np.isnan(means["black"]["csim"])
    csim = next(row for row in found["agreement"] if row["metric"] == "csim")
    assert csim["images"] <= 8 and csim["over_methods"] != csim["over_methods"]
