"""Marked tables in README.md are what the records say: filled by ``build --readme``, held by ``check``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fabricated_records import write_run
from typer.testing import CliRunner

from dgbench.cli.app import app
from dgbench.core.errors import UsageError
from dgbench.results.checks.check import check
from dgbench.results.records.store import RECORD
from dgbench.results.tables.blocks import has_blocks
from dgbench.results.tables.leaderboard import build

_BEGIN = "<!-- leaderboard: synthface-mini-cross@1 embedded: csim, pose_error -->"
_TEXT = f"# Title\n\nBefore.\n\n{_BEGIN}\nold\n<!-- /leaderboard -->\n\nAfter.\n"


@pytest.fixture
def readme(results: Path) -> Path:
    file = results.parent / "README.md"
    file.write_text(_TEXT)
    return file


def test_the_block_is_filled_and_the_rest_stays(results: Path, readme: Path) -> None:
    build(results, readmes=[readme])
    text = readme.read_text()
    assert text.startswith("# Title\n\nBefore.\n\n" + _BEGIN) and text.endswith("<!-- /leaderboard -->\n\nAfter.\n")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert lines[0] == "| rank | method | Identity similarity ↑ | Head-pose error, degrees ↓ |"
    assert [line.split(" | ")[:2] for line in lines[2:]] == [["| 1", "oracle"], ["| 2", "dg"], ["| 3", "warp"]]
    assert "old" not in text
    build(results, readmes=[readme])
    assert readme.read_text() == text


def test_a_set_value_over_few_images_is_marked_and_the_mark_explained(tmp_path: Path) -> None:
    record_file = write_run(tmp_path / "runs", "dg", 0.6) / RECORD
    data = json.loads(record_file.read_text())
    data["metrics"][3]["note"] = "small N: N=48 < 5000, biased upwards; rank by kd"
    record_file.write_text(json.dumps(data))
    file = tmp_path / "README.md"
    file.write_text(_TEXT.replace("csim, pose_error", "csim, fd"))
    build(tmp_path / "runs", tmp_path / "board", readmes=[file])
    assert "† |" in file.read_text() and "† Over fewer than 5,000 images" in file.read_text()
    file.write_text(_TEXT)
    build(tmp_path / "runs", tmp_path / "board", readmes=[file])
    assert "†" not in file.read_text()


def test_the_check_holds_the_readme_beside_the_results(results: Path, readme: Path) -> None:
    problems = check(results)
    assert [(p.place, p.kind) for p in problems] == [("README.md", "leaderboard")]
    assert "dgbench leaderboard build results --readme README.md" in problems[0].message
    build(results, readmes=[readme])
    assert check(results) == []
    readme.write_text(readme.read_text().replace("| 2 | dg | 0.", "| 2 | dg | 1.", 1))
    assert [p.place for p in check(results)] == ["README.md"]


def test_a_readme_without_a_block_is_left_alone(results: Path) -> None:
    file = results.parent / "README.md"
    file.write_text("# Title\n")
    assert not has_blocks(file) and check(results) == []
    with pytest.raises(UsageError, match="has no line"):
        build(results, readmes=[file])
    assert file.read_text() == "# Title\n"


@pytest.mark.parametrize(
    ("begin", "said"),
    [
        ("<!-- leaderboard: nothing@1 embedded: csim -->", "no record of nothing@1 by embedded judges; there are"),
        ("<!-- leaderboard: synthface-mini-cross@1 open: csim -->", "no record of synthface-mini-cross@1 by open"),
        ("<!-- leaderboard: synthface-mini-cross@1 embedded: beauty -->", "no metric beauty; there are: csim"),
        ("<!-- leaderboard: synthface-mini-cross@1 -->", "write '<!-- leaderboard: PROTOCOL JUDGES"),
    ],
)
def test_what_cannot_be_filled_is_said_with_its_line_and_nothing_is_written(
    results: Path, readme: Path, begin: str, said: str
) -> None:
    readme.write_text(_TEXT.replace(_BEGIN, begin))
    before = (results / "leaderboards" / "overall.csv").stat().st_mtime_ns
    with pytest.raises(UsageError, match=r"README\.md:5: ") as caught:
        build(results, readmes=[readme])
    assert said in str(caught.value)
    assert (results / "leaderboards" / "overall.csv").stat().st_mtime_ns == before
    assert [p.kind for p in check(results)] == ["leaderboard"]


def test_a_block_that_is_never_closed_is_said(results: Path, readme: Path) -> None:
    readme.write_text(_TEXT.replace("<!-- /leaderboard -->", ""))
    with pytest.raises(UsageError, match="is not closed"):
        build(results, readmes=[readme])


def test_the_verbs_take_the_readme(results: Path, readme: Path) -> None:
    run = CliRunner()
    asked = ["leaderboard", "check", str(results), "--protocols", str(results.parent / "none")]
    held = run.invoke(app, [*asked, "--json"])
    assert held.exit_code == 1 and [p["place"] for p in json.loads(held.stdout)["problems"]] == ["README.md"]
    build = ["leaderboard", "build", str(results), "--protocols", str(results.parent / "none")]
    assert run.invoke(app, [*build, "--readme", str(readme)]).exit_code == 0
    assert run.invoke(app, [*asked, "--readme", str(readme)]).exit_code == 0
