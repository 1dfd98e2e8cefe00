"""A record measured again from its images: honest ones agree, an edited one and other images do not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dgbench.cli.app import app
from dgbench.core.digests import sha256_bytes
from dgbench.core.errors import UsageError
from dgbench.engine.score.scorer import score_run
from dgbench.engine.score.verify import verify_record
from dgbench.results.records.statement import read_statement, tier_of
from dgbench.results.records.store import PAIR_SCORES, RECORD, STATEMENT, find_records, parquet_bytes, read_pair_scores

_CALL = CliRunner()


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of six pairs, scored by the embedded judges."""
    out = tmp_path_factory.mktemp("run") / "run"
    asked = ["run", "--protocol", "synthface-mini-cross@1", "--method", "blurred-target", "--limit", "6"]
    call = _CALL.invoke(app, [*asked, "--out", str(out)])
    assert call.exit_code == 0, call.output
    score_run(out, judges="embedded")
    return out


@pytest.fixture
def record(scored: Path, tmp_path: Path) -> Path:
    """Its record, published somewhere."""
    shutil.copytree(scored / "scores" / "embedded", tmp_path / "record")
    return tmp_path / "record"


def test_an_honest_record_agrees_and_its_images_are_the_ones_that_it_names(scored: Path, record: Path) -> None:
    call = _CALL.invoke(
        app,
        ["leaderboard", "verify", str(record), "--outputs", str(scored / "images"), "--sample", "4", "--seed", "11"],
    )
    assert call.exit_code == 0, call.output
    assert "of 4/6 pairs, all agree; outputs: match" in call.output
    statement = read_statement(record)
    assert statement is not None and statement.predicate.sample.seed == 11
    assert statement.predicate.result.scores >= 4 * 10
    assert {m.name for m in statement.predicate.materials} == {"outputs", "inputs", "synthface-mini-cross@1"}
    (stored,) = find_records(record)
    assert tier_of(stored) == "measured again here"


@pytest.mark.slow
def test_all_pairs_are_measured_where_no_sample_is_asked_for(scored: Path, record: Path) -> None:
    statement = verify_record(record, scored / "images")
    result = statement.predicate.result
    assert result.agrees and result.outputs == "match" and result.scores >= 6 * 10
    assert statement.predicate.sample.pairs == 6 and statement.predicate.sample.seed is None


def test_an_edited_score_and_an_edited_table_are_found(scored: Path, record: Path) -> None:
    table = read_pair_scores(record / PAIR_SCORES)
    table["ssim"] = table["ssim"] + 0.05
    (record / PAIR_SCORES).write_bytes(parquet_bytes(table))
    data = json.loads((record / RECORD).read_text())
    ssim = next(metric for metric in data["metrics"] if metric["name"] == "ssim")
    ssim["value"] = float(table["ssim"].mean())
    data["pair_scores_sha256"] = sha256_bytes((record / PAIR_SCORES).read_bytes())
    (record / RECORD).write_text(json.dumps(data))
    call = _CALL.invoke(
        app, ["leaderboard", "verify", str(record), "--outputs", str(scored / "images"), "--sample", "3"]
    )
    assert call.exit_code == 1 or call.exception is not None
    statement = read_statement(record)
    assert statement is not None and not statement.predicate.result.agrees
    assert any(text.startswith("ssim of ") for text in statement.predicate.result.differences)


def test_other_images_than_those_of_the_record_are_found_by_their_digest(
    scored: Path, record: Path, tmp_path: Path
) -> None:
    images = tmp_path / "images"
    shutil.copytree(scored / "images", images)
    first, second = sorted(images.glob("*.png"))[:2]
    first.write_bytes(second.read_bytes())
    statement = verify_record(record, images, sample=0)
    assert statement.predicate.result.outputs == "differ" and not statement.predicate.result.agrees
    assert not (record / STATEMENT).exists()


def test_what_was_not_measured_by_judges_cannot_be_measured_again(scored: Path, record: Path) -> None:
    data = json.loads((record / RECORD).read_text()) | {"origin": "third_party"}
    (record / RECORD).write_text(json.dumps(data))
    with pytest.raises(UsageError, match="there is nothing to measure again"):
        verify_record(record, scored / "images", sample=0)
