"""The audit finds changed scores, changed images and changed means, and nothing where nothing is wrong."""

from __future__ import annotations

import pytest
from fakes import FakeImages, FakeJudges, cross_pairs, made_for

from dgbench.core.digests import digest
from dgbench.core.errors import UsageError
from dgbench.core.face import Failure
from dgbench.core.record import Code, Coverage, MethodRef, ProtocolRef, Record
from dgbench.scoring.evaluator import evaluate
from dgbench.scoring.recompute import audit_scores, sample_pairs

METRICS = ("ssim", "csim", "detection", "fd[fake]")


@pytest.fixture
def scored():
    pairs = cross_pairs()
    made = {**made_for(pairs), pairs[4].pair_id: Failure("crashed", "x"), pairs[7].pair_id: 0}
    sheet = evaluate(pairs, FakeImages(made), judges=FakeJudges(), metrics=METRICS, size=32, draws=10)
    record = Record(
        run_id="r",
        created="2026-11-22T00:00:00+00:00",
        protocol=ProtocolRef(id="p", version=1, digest="0" * 64),
        method=MethodRef(name="m", digest="0" * 64, motion="none"),
        judges="embedded",
        coverage=Coverage(expected=18, found=18, generated=17, pair_set=digest("x"), protocol_pair_set=digest("x")),
        metrics=sheet.metric_values(),
        primary_metric="csim",
        code=Code(version="0"),
    )
    return record, sheet.frame(), pairs, made


def run_audit(record, table, pairs, made, **options):
    return audit_scores(record, table, pairs, FakeImages(made), judges=FakeJudges(), size=32, **options)


def test_an_honest_run_has_no_findings(scored):
    report = run_audit(*scored, count=18)
    assert report.findings == ()
    assert (report.n_pairs, report.n_scores) == (18, 18 * 3)
    assert list(report.skipped) == ["fd[fake]"]


def test_a_raised_score_is_found(scored):
    record, table, pairs, made = scored
    table.loc[2, "ssim"] += 0.1
    report = run_audit(record, table, pairs, made, count=18)
    assert [(f.metric, f.pair_id) for f in report.findings] == [("ssim", ""), ("ssim", table.loc[2, "pair_id"])]


def test_a_hidden_failure_is_found(scored):
    record, table, pairs, made = scored
    table.loc[7, ["csim", "csim__measured"]] = [0.9, True]
    found = run_audit(record, table, pairs, made, count=18).findings
    assert any(f.pair_id == table.loc[7, "pair_id"] and "recomputed it is failed" in f.message for f in found)
    record, table, pairs, made = scored
    table.loc[7, "csim"] = 0.0
    table.loc[7, "csim__measured"] = False
    assert any("not at the floor" in f.message for f in run_audit(record, table, pairs, made, count=2).findings)


def test_a_changed_image_is_found(scored):
    record, table, pairs, made = scored
    other = {**made, pairs[0].pair_id: 999}
    found = run_audit(record, table, pairs, other, count=18).findings
    assert {f.pair_id for f in found} == {pairs[0].pair_id}


def test_other_judges_are_said_and_not_compared(scored):
    record, table, pairs, made = scored

    class Other(FakeJudges):
        networks = tuple(n.model_copy(update={"sha256": "1" * 64}) for n in FakeJudges.networks)

    report = audit_scores(record, table, pairs, FakeImages(made), judges=Other(), size=32, count=4)
    assert "card" in report.skipped["csim"]
    assert report.n_scores == 4  # ssim has no judge
    assert report.findings == ()


def test_the_sample_holds_failures_and_is_seeded(scored):
    _, table, pairs, _ = scored
    chosen = sample_pairs(pairs, table, count=6, seed=1)
    assert chosen == sample_pairs(pairs[::-1], table, count=6, seed=1)
    assert chosen != sample_pairs(pairs, table, count=6, seed=2)
    assert len({pair.pair_id for pair in chosen}) == 6
    assert {pairs[4].pair_id, pairs[7].pair_id} <= {pair.pair_id for pair in chosen}
    assert len(sample_pairs(pairs, table, count=500)) == 18


def test_a_pair_that_the_protocol_does_not_have_is_refused(scored):
    record, table, pairs, made = scored
    with pytest.raises(UsageError, match="does not have"):
        run_audit(record, table, pairs[1:], made)


def test_a_metric_with_its_own_network_is_recomputed_where_the_network_is(scored, tmp_path):
    from test_own_networks import tiny_onnx

    record, _, pairs, made = scored
    names = [*METRICS, "paper/csim-ir50"]
    tiny_onnx(tmp_path / "ir50_ms1m_epoch120.onnx", 112)
    images = FakeImages(made)
    sheet = evaluate(pairs, images, judges=FakeJudges(), metrics=names, size=32, weights=tmp_path, draws=10)
    record = record.model_copy(update={"metrics": sheet.metric_values()})
    table = sheet.frame()
    assert run_audit(record, table, pairs, made, count=6, weights=tmp_path).n_scores == 6 * 4
    table.loc[0, "paper/csim-ir50"] -= 0.5
    found = run_audit(record, table, pairs, made, count=18, weights=tmp_path).findings
    assert ("paper/csim-ir50", table.loc[0, "pair_id"]) in [(f.metric, f.pair_id) for f in found]
    without = run_audit(record, table, pairs, made, count=6)
    assert "is not here" in without.skipped["paper/csim-ir50"]
    assert without.n_scores == 6 * 3
