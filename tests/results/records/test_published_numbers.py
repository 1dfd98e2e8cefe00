"""Printed numbers: read, cited, shown beside measured rows, and never ranked with them."""

from __future__ import annotations

import csv
import io
import itertools
from pathlib import Path

import pytest
from fabricated_records import write_run

from dgbench.core.errors import UsageError
from dgbench.results.records.published import load_published
from dgbench.results.tables.leaderboard import render
from dgbench.results.tables.markdown import contradictions_markdown

COMMITTED = Path(__file__).parents[3] / "results"

_TABLE = """
tables:
  - id: paper-cross
    paper: A paper (2024)
    url: https://example.org/paper
    table: Table 3
    task: cross
    data: some frames
    near: synthface-mini-cross@1
    own_method: Ours
    verified: primary text, code or data file
    differences: [another crop]
    doubts: [a smudged cell]
    metrics: [{name: CSIM, direction: higher}, {name: FID, direction: lower}]
    rows: {Ours: [0.990, 1], Theirs: [0.1, null]}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_run(tmp_path, "a", 0.5)
    write_run(tmp_path, "b", 0.3)
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "paper.yaml").write_text(_TABLE)
    return tmp_path


def test_printed_rows_stand_beside_and_change_no_rank(root: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(render(root)["synthface-mini-cross@1.csv"])))
    assert [(row["method"], row["origin"], row["rank_low"]) for row in rows] == [
        ("a", "measured", "1"),
        ("b", "measured", "2"),
        ("Ours", "reported", ""),
        ("Theirs", "third_party", ""),
    ]
    assert rows[2]["csim"] == "", "a printed CSIM is not dgbench's csim and must not share its column"
    assert rows[2]["published_values"] == "CSIM 0.990; FID 1 (A paper (2024), Table 3)"


def test_the_page_says_source_difference_and_doubt(root: Path) -> None:
    page = render(root)["synthface-mini-cross@1.md"]
    for text in (
        "[A paper (2024)](https://example.org/paper), Table 3",
        "Differs: another crop",
        "Doubt: a smudged cell",
    ):
        assert text in page
    assert "| Theirs | third_party | 0.1 | – |" in page


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[0.1, null]", "[0.1]", "has 1 values for 2 metrics"),
        ("primary text, code or data file", "somebody's notes", "primary text"),
        ("differences: [another crop]", "differences: []", "differences"),
        ("[0.1, null]", "[.nan, null]", "valid decimal"),
        ("[0.1, null]", "[NaN, null]", "finite"),
        ("tables:", "tables: [", "cannot be read as YAML"),
        ("https://example.org/paper", "javascript:alert(1)", "url"),
    ],
)
def test_a_wrong_file_is_refused(root: Path, old: str, new: str, message: str) -> None:
    file = root / "published" / "paper.yaml"
    file.write_text(_TABLE.replace(old, new))
    with pytest.raises(UsageError, match=message):
        load_published(root)


def test_aliases_that_stand_for_millions_of_values_are_refused(root: Path) -> None:
    lines = ["x0: &x0 [a, a, a, a, a, a, a, a, a, a]"]
    lines += [f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 10)}]" for i in range(1, 9)]
    (root / "published" / "paper.yaml").write_text("\n".join(lines) + "\n" + _TABLE)
    with pytest.raises(UsageError, match="aliases stand for over 1000000 values"):
        load_published(root)


def test_a_contradiction_must_point_at_printed_cells(root: Path) -> None:
    claims = "claims: [{table: paper-cross, metric: CSIM}, {table: paper-cross, metric: SSIM}]"
    entry = f"\ncontradictions:\n  - {{id: c, method: Ours, quantity: q, {claims}}}\n"
    (root / "published" / "paper.yaml").write_text(_TABLE + entry)
    with pytest.raises(UsageError, match="has a cell 'SSIM' of 'Ours'"):
        load_published(root)


def test_the_committed_numbers_are_those_of_the_papers() -> None:
    published = load_published(COMMITTED)
    tables = {table.id: table for table in published.tables}
    cells = tables["hyperreenact-cross"].cells("DG")
    assert {name: str(value) for name, value in cells.items()} == {"CSIM": "0.19", "APD": "3.1", "AED": "16.9"}
    assert str(tables["face-adapter-self"].cells("DG")["CSIM"]) == "0.0972"
    assert str(tables["hyperreenact-self"].cells("X2Face")["CSIM"]) == "0.70", "digit for digit as printed"
    assert tables["hyperreenact-self"].origin("HyperReenact") == "reported"
    assert tables["hyperreenact-self"].origin("DG") == "third_party"
    assert all(table.origin("DG") != "reported" for table in published.tables), "DG's own tables are not known"
    text = contradictions_markdown(published)
    assert "0.19 (HyperReenact (ICCV 2023), Tables 1-2, cross reenactment, ArcFace, fine-tuned one-shot)" in text
    assert "0.0834 (Face-Adapter (ECCV 2024), Table 1, cross reenactment, CurricularFace)" in text


def test_every_shared_cell_on_which_two_papers_differ_is_a_contradiction() -> None:
    """Same method, task and name of the metric, values more than a twentieth apart: none may be left out."""
    published = load_published(COMMITTED)
    listed = {
        (entry.method, frozenset((claim.table, claim.metric) for claim in entry.claims))
        for entry in published.contradictions
    }
    tables = [table for table in published.tables if table.near]
    due = set()
    for one, other in itertools.combinations(tables, 2):
        if one.near != other.near:
            continue
        for method in one.rows.keys() & other.rows.keys():
            first, second = one.cells(method), other.cells(method)
            for metric in first.keys() & second.keys():
                if abs(first[metric] - second[metric]) > max(first[metric], second[metric]) / 20:
                    due.add((method, frozenset({(one.id, metric), (other.id, metric)})))
    assert len(due) > 10
    assert due == listed


def test_no_row_of_a_table_is_the_dual_generators_own_report() -> None:
    published = load_published(COMMITTED)
    assert not [table.id for table in published.tables if table.own_method in ("DG", "Dual-Generator", "Dual")]
    assert {table.paper for table in published.tables} == {
        "HyperReenact (ICCV 2023)",
        "Face-Adapter (ECCV 2024)",
        "PersonaLive (CVPR 2026)",
    }
