"""The page of differences: its numbers are those of the plain paired comparison, every sign and index in place."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest

from dgbench.report.differences import difference_data
from dgbench.report.gallery import choose, shared_sample
from dgbench.report.views import protocol_views
from dgbench.results.boards.board import make_boards
from dgbench.results.boards.ranks import clusters_of
from dgbench.results.records.store import find_records
from dgbench.stats.paired import paired_differences


def _section(runs: Path):  # type: ignore[no-untyped-def]
    view = protocol_views(make_boards(find_records(runs)), {})[0].sections[0]
    tables = {row.stored.path: row.stored.pair_scores() for row in view.section.rows}
    return view, tables


def test_every_difference_is_the_plain_paired_one(runs: Path) -> None:
    view, tables = _section(runs)
    data = difference_data(view, tables)
    assert data is not None
    by_name = {row.stored.record.method.name: tables[row.stored.path] for row in view.section.rows}
    names = data["methods"]
    for metric in data["metrics"]:
        sign = 1 if metric["better"] == "higher" else -1
        pairs = list(itertools.combinations(range(len(names)), 2))
        assert len(metric["diff"]) == 4 * len(pairs)
        for place, (i, j) in enumerate(pairs):
            low, high, won, lost = metric["diff"][4 * place : 4 * place + 4]
            first, second = (by_name[names[k]][metric["name"]].to_numpy() for k in (i, j))
            (plain,) = paired_differences(first[:, None], second[:, None], clusters_of(by_name[names[i]]))
            assert plain.interval is not None
            assert low * metric["step"] == pytest.approx(plain.interval.low, abs=metric["step"])
            assert high * metric["step"] == pytest.approx(plain.interval.high, abs=metric["step"])
            assert metric["mean"][i] - metric["mean"][j] == pytest.approx(plain.difference, abs=1e-5)
            assert won == pytest.approx(100 * (sign * (first - second) > 0).mean(), abs=0.51)
            assert lost == pytest.approx(100 * (sign * (second - first) > 0).mean(), abs=0.51)
        largest = max(abs(end) for k in range(len(pairs)) for end in metric["diff"][4 * k : 4 * k + 2])
        assert 10_000 <= largest < 100_001, "five digits of the largest"


def test_groups_have_the_means_of_their_pairs(runs: Path) -> None:
    view, tables = _section(runs)
    data = difference_data(view, tables)
    assert data is not None
    table = tables[view.section.rows[0].stored.path]
    bins = {entry["name"]: entry for entry in data["metrics"][0]["bins"]}
    assert list(bins) == ["0", "45", "60", "90"], "bins stand in the order of their angles"
    inside = table[table["bin"] == "45"]
    assert bins["45"]["n"] == len(inside)
    assert bins["45"]["mean"][0] == pytest.approx(inside["csim"].mean(), rel=1e-3)
    assert sum(entry["n"] for entry in data["people"]) == data["pairs"] == len(table)


@pytest.mark.slow
def test_the_page_holds_the_same_data(site: Path, runs: Path) -> None:
    text = (site / "compare" / "frll-cross-v1-embedded.html").read_text(encoding="utf-8")
    found = json.loads(re.search(r'id="c-data">(.*?)</script>', text, re.S).group(1))  # type: ignore[union-attr]
    view, tables = _section(runs)
    made = difference_data(view, tables)
    assert made is not None
    assert {key: found[key] for key in made} == made
    assert found["strip"], "the sampled pairs with their images"


def test_the_sample_goes_over_bins_and_people_and_is_the_same_for_every_method(runs: Path) -> None:
    view, tables = _section(runs)
    samples = [shared_sample(table, 8, name="frll-cross@1") for table in tables.values()]
    assert all(sample == samples[0] for sample in samples) and len(set(samples[0])) == 8
    table = tables[view.section.rows[0].stored.path].set_index("pair_id").loc[samples[0]]
    assert table["bin"].value_counts().to_dict() == {"0": 2, "45": 2, "60": 2, "90": 2}
    assert table["source_identity"].nunique() == 8


@pytest.mark.parametrize(("metric", "higher"), [("csim", True), ("pose_error", False)])
def test_worst_is_worst_for_either_direction_and_failed_pairs_are_apart(runs: Path, metric: str, higher: bool) -> None:
    view, tables = _section(runs)
    path = next(row.stored.path for row in view.section.rows if row.stored.record.method.name == "dg")
    table = tables[path]
    why = choose(table, metric, higher=higher, count=3, sample=[])
    scores = table.set_index("pair_id")[metric]
    kinds = {
        kind: [scores[pair] for pair, kinds in why.items() if kind in kinds] for kind in ("worst", "median", "best")
    }
    measured = table[table[f"{metric}__measured"]][metric]
    assert kinds["worst"][0] == (measured.min() if higher else measured.max())
    assert kinds["best"][0] == (measured.max() if higher else measured.min())
    assert abs(np.mean(kinds["median"]) - measured.median()) < measured.std() / 2
    failed = [pair for pair, kinds in why.items() if kinds == ("failed",)]
    assert failed == table[table["status"] != "ok"]["pair_id"].tolist()[:3]
