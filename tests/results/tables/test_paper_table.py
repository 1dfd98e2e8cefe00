"""Tables for papers: chosen rows and columns, bold only where the pairs allow it, one frame in three formats."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from fabricated_records import write_run

from dgbench.core.errors import UsageError
from dgbench.results.boards.board import make_boards
from dgbench.results.records.store import find_records
from dgbench.results.tables.paper import PaperTable, find_section, paper_table, render

NAME = "synthface-mini-cross@1"


def made(root: Path, qualities: dict[str, float], **chosen: object) -> PaperTable:
    for method, quality in qualities.items():
        write_run(root, method, quality)
    section = find_section(make_boards(find_records(root)), NAME, None)
    return paper_table(section, protocol=NAME, **chosen)  # type: ignore[arg-type]


def test_the_best_is_bold_where_the_pairs_tell_it_apart(tmp_path):
    table = made(tmp_path, {"best": 0.8, "worse": 0.3, "target": 1.0}, metrics=["ssim", "pose_error"])
    shown = {name: list(table.bold.loc[name]) for name in table.bold.index}
    assert shown == {"target": [False, False], "best": [True, True], "worse": [False, False]}, "an oracle takes no part"
    assert "Bold: better than every other method shown, sanity baselines aside" in table.caption
    assert table.caption.startswith(f"{NAME}, N = 48 pairs of 12 people, embedded judges.")


def test_nothing_is_bold_where_ranges_overlap(tmp_path):
    table = made(tmp_path, {"a": 0.5, "b": 0.5, "worse": 0.1}, metrics=["csim"])
    assert not table.bold.to_numpy().any()
    assert "Bold" not in table.caption


def test_rows_and_columns_stand_as_they_are_asked_for(tmp_path):
    table = made(tmp_path, {"a": 0.9, "b": 0.5, "c": 0.1}, metrics=["ssim", "csim"], methods=["c", "a"])
    assert list(table.cells.index) == ["c", "a"]
    assert [header[-1] for header in table.cells.columns] == ["↑", "↑"]
    wide = made(tmp_path, {}, metrics=["csim"], methods=["a"], intervals=True)
    assert wide.cells.iloc[0, 0].count("[") == 1
    assert "Brackets: 95 % intervals" in wide.caption


def test_a_row_that_is_not_ranked_says_why_and_is_never_bold(tmp_path):
    write_run(tmp_path, "part", 0.99, expected=60)
    table = made(tmp_path, {"a": 0.5, "b": 0.1}, metrics=["csim"])
    assert "part (coverage 48/60)" in table.cells.index
    assert list(table.bold.loc["part (coverage 48/60)"]) == [False]
    assert list(table.bold.loc["a"]) == [True]
    assert "rows differ in N" in table.caption


def test_three_formats_of_one_frame(tmp_path):
    table = made(tmp_path, {"my_method": 0.8, "worse": 0.3}, metrics=["csim", "pose_error"])
    latex = render(table, "latex", label="t")
    best = table.cells.loc["my_method"]
    assert rf"my\_method & \textbf{{{best.iloc[0]}}} & \textbf{{{best.iloc[1]}}} \\" in latex
    assert r"$\uparrow$" in latex and r"$\downarrow$" in latex and r"95 \%" in latex
    assert f"| my_method | **{best.iloc[0]}** | **{best.iloc[1]}** |" in render(table, "markdown", label="t")
    rows = list(csv.reader(io.StringIO(render(table, "csv", label="t"))))
    assert rows[0] == ["Method", *table.cells.columns]
    assert rows[1] == ["my_method", *best]


def test_what_is_not_there_is_one_line(tmp_path):
    for chosen, words in [
        ({"metrics": ["ssmi"]}, "no metric 'ssmi' here .* Did you mean 'ssim'"),
        ({"methods": ["bets"]}, "no method 'bets' here .* Did you mean 'best'"),
    ]:
        with pytest.raises(UsageError, match=words):
            made(tmp_path, {"best": 0.5}, **chosen)
    boards = make_boards(find_records(tmp_path))
    with pytest.raises(UsageError, match=r"no record of frll-self@1 .there are: synthface-mini-cross@1"):
        find_section(boards, "frll-self@1", None)
    with pytest.raises(UsageError, match=r"by open judges .there are: embedded"):
        find_section(boards, NAME, "open")
