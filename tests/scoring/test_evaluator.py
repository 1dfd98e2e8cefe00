"""The pass: the same numbers for any batch, order, worker count and cache; each image once; failures at the floor."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from fakes import FakeImages, FakeJudges, cross_pairs, face_image, made_for

from dgbench.core.errors import UsageError
from dgbench.core.face import Failure
from dgbench.core.pair import Pair
from dgbench.metrics.csim import cosine
from dgbench.metrics.ssim import ssim
from dgbench.scoring.evaluator import evaluate

ALL = (
    "ssim psnr l1 csim csim_target csim_fallback csim_ceiling csim_impostor pose pose_yaw landmark_nme akd expression "
    "detection fd[fake] kd[fake]"
).split()


def run(pairs=None, made=None, *, judges=None, metrics=ALL, absent=frozenset(), **options):
    pairs = cross_pairs() if pairs is None else pairs
    images = FakeImages(made if made is not None else made_for(pairs), absent)
    sheet = evaluate(pairs, images, judges=judges or FakeJudges(), metrics=metrics, size=32, draws=20, **options)
    return sheet, images


def with_failures():
    """18 pairs, of which one crashed, one is black (no face), one has another size."""
    pairs = cross_pairs()
    made = made_for(pairs)
    made[pairs[2].pair_id] = Failure("crashed", "the worker died")
    made[pairs[5].pair_id] = 0
    made[pairs[9].pair_id] = face_image(5, size=40)
    return pairs, made


def by_name(sheet) -> dict:
    return {value.name: value for value in sheet.metric_values()}


def test_values_are_those_of_a_plain_loop_over_pairs():
    pairs, made = with_failures()
    sheet, _ = run(pairs, made)
    judges, images = FakeJudges(), FakeImages(made)
    ssims, csims = [], []
    for pair in pairs:
        generated = images.generated(pair)
        if isinstance(generated, Failure) or generated.shape[0] != 32:
            ssims.append(0.0)
            csims.append(-1.0)
            continue
        seen, source = judges.observe([generated, images.source(pair)])
        ssims.append(ssim(generated, images.target(pair)))
        csims.append(cosine(seen.embedding, source.embedding) if seen.detected else -1.0)
    values = by_name(sheet)
    assert values["ssim"].value == pytest.approx(np.mean(ssims), rel=1e-12)
    assert values["csim"].value == pytest.approx(np.mean(csims), rel=1e-12)
    assert values["csim"].measured_only == pytest.approx(np.mean([v for v in csims if v != -1.0]), rel=1e-12)


def test_every_failure_is_counted_by_kind_and_scored_at_the_floor():
    pairs, made = with_failures()
    sheet, _ = run(pairs, made)
    values = by_name(sheet)
    assert values["ssim"].failures == {"crashed": 1, "wrong-size": 1}  # a black image has an SSIM
    assert values["csim"].failures == {"crashed": 1, "no-face": 1, "wrong-size": 1}
    assert values["detection"].failures == {"crashed": 1, "wrong-size": 1}  # no face is a measured 0
    assert values["csim_fallback"].failures == {"crashed": 1, "wrong-size": 1}
    assert values["csim_ceiling"].failures == {}  # independent of the method
    assert values["fd[fake]"].failures == {"crashed": 1, "wrong-size": 1}
    for value in values.values():
        assert value.n_expected == 18
        assert value.n_scored == 18 - sum(value.failures.values())
    frame = sheet.frame()
    assert frame["status"].tolist().count("failed") == 2
    assert set(frame["failure_kind"]) == {"", "crashed", "wrong-size"}
    failed = frame[~frame["csim__measured"]]
    assert (failed["csim"] == -1).all()
    assert (failed["pose"] == 180).all()
    assert sorted(failed["alignment"]) == ["", "", "fixed-box"]


def test_a_failing_method_never_scores_better_than_without_the_failure():
    pairs = cross_pairs()
    good, _ = run(pairs)
    bad, _ = run(pairs, {**made_for(pairs), pairs[0].pair_id: Failure("timeout", "60 s")})
    for before, after in zip(good.metric_values(), bad.metric_values(), strict=True):
        if before.name in ("csim_ceiling", "csim_impostor"):
            assert before.value == after.value
        elif before.card.level == "pair":
            assert (after.value < before.value) == (before.card.direction == "higher")


def test_batch_order_workers_and_cache_change_no_bit(tmp_path):
    pairs, made = with_failures()
    sheet, _ = run(pairs, made)
    expected = [value.model_dump_json() for value in sheet.metric_values()]
    table = sheet.frame()
    variants = itertools.product((1, 5, 64), (1, 3), (pairs[::-1],), (None, tmp_path, tmp_path))
    for batch, workers, order, cache in variants:
        other, _ = run(order, made, batch_size=batch, workers=workers, cache=cache)
        assert [value.model_dump_json() for value in other.metric_values()] == expected
        assert other.frame().equals(table)


def test_each_image_is_decoded_once_and_looked_at_once(tmp_path):
    pairs = cross_pairs()
    judges = FakeJudges()
    _, images = run(pairs, judges=judges, cache=tmp_path, batch_size=4)
    assert set(images.decoded.values()) == {1}
    real = 6 + 6 + 18  # sources, references, targets
    assert judges.observed == 18 + real
    assert judges.featured == 18 + 18  # the real side of a set metric is the targets alone
    again = FakeJudges()
    _, images = run(pairs, judges=again, cache=tmp_path, batch_size=4)
    assert again.observed == again.featured == 18
    assert set(images.decoded.values()) == {1}


def test_a_cache_of_other_networks_or_roles_is_not_used(tmp_path):
    class Other(FakeJudges):
        networks = tuple(n.model_copy(update={"sha256": "1" * 64}) for n in FakeJudges.networks)

    run(cache=tmp_path)
    judges = Other()
    run(judges=judges, cache=tmp_path)
    assert judges.observed == 48
    fewer = FakeJudges()
    run(judges=fewer, cache=tmp_path, metrics=["detection", "csim"])
    assert fewer.observed == 18 + 6


def test_a_damaged_cache_block_is_asked_again(tmp_path, caplog):
    sheet, _ = run(cache=tmp_path, batch_size=4)
    blocks = sorted(tmp_path.rglob("*.npz"))
    blocks[0].write_bytes(blocks[0].read_bytes()[:100])
    again, _ = run(cache=tmp_path, batch_size=4)
    assert again.frame().equals(sheet.frame())
    assert "cannot be read" in caplog.text


def test_without_targets_there_is_no_ssim_and_the_reference_is_the_real_side():
    pairs = cross_pairs(targets=False)
    sheet, _ = run(pairs)
    values = by_name(sheet)
    for name in ("ssim", "psnr", "l1", "csim_target", "csim_ceiling"):
        assert values[name].value is None
        assert values[name].n_expected == 0
        assert "no pair" in values[name].note
        assert name not in sheet.frame().columns
    assert values["akd"].n_scored == 18
    references = np.stack([face_image(int(pair.reference)) for pair in pairs])
    generated = np.stack([face_image(number) for number in made_for(pairs).values()])
    from dgbench.metrics.frechet import frechet

    judges = FakeJudges()
    assert values["fd[fake]"].value == pytest.approx(
        frechet(judges.features(references), judges.features(generated)), rel=1e-9
    )


def test_a_target_that_should_be_here_and_is_not_counts_as_missing():
    pairs = cross_pairs()
    sheet, _ = run(pairs, absent=frozenset({pairs[3].target}), metrics=["ssim", "csim", "csim_target"])
    values = by_name(sheet)
    assert values["ssim"].failures == values["csim_target"].failures == {"missing": 1}
    assert values["csim"].failures == {}
    with pytest.raises(UsageError, match=r"its target image is not here"):
        run(pairs, absent=frozenset({pairs[3].target}), metrics=["fd[fake]"])


def test_a_failed_pair_enters_the_set_as_a_black_image():
    from dgbench.metrics.frechet import frechet

    pairs, made = with_failures()
    sheet, _ = run(pairs, made, metrics=["fd[fake]"])
    judges = FakeJudges()
    real = np.stack([face_image(int(pair.target)) for pair in pairs])
    generated = [
        made[p.pair_id] if isinstance(made[p.pair_id], Failure | np.ndarray) else face_image(made[p.pair_id])
        for p in pairs
    ]
    there = [image for image in generated if isinstance(image, np.ndarray) and image.shape[0] == 32]
    filled = [image if isinstance(image, np.ndarray) and image.shape[0] == 32 else face_image(0) for image in generated]
    value = sheet.metric_values()[0]
    assert value.value == pytest.approx(frechet(judges.features(real), judges.features(filled)), rel=1e-9)
    assert value.measured_only == pytest.approx(frechet(judges.features(real), judges.features(there)), rel=1e-9)


def test_nothing_generated_scores_the_floor_everywhere():
    pairs = cross_pairs()
    sheet, _ = run(pairs, {pair.pair_id: Failure("crashed", "no GPU") for pair in pairs})
    values = by_name(sheet)
    assert values["csim"].value == -1
    assert values["ssim"].value == 0
    assert values["csim"].measured_only is None
    assert "floor" in values["csim"].note
    assert values["fd[fake]"].value > 0
    assert values["fd[fake]"].measured_only is None


def test_not_finite_is_a_failure_and_never_a_value():
    judges = FakeJudges(embedding=lambda image: np.full(4, np.nan))
    sheet, _ = run(judges=judges, metrics=["csim"])
    (value,) = sheet.metric_values()
    assert value.failures == {"not-finite": 18}
    assert value.value == -1


def test_bins_have_their_own_n_and_interval():
    sheet, _ = run(metrics=["csim"])
    (value,) = sheet.metric_values()
    frame = sheet.frame()
    assert [(b.bin, b.n) for b in value.bins] == [("left", 6), ("right", 12)]
    for part in value.bins:
        assert part.value == pytest.approx(frame.loc[frame["bin"] == part.bin, "csim"].mean(), rel=1e-12)
    assert value.interval.low < value.value < value.interval.high


def test_bins_stand_in_the_order_of_their_angles():
    bins = itertools.cycle(["90", "7.5", "", "10", "0", "front"])
    pairs = [pair.model_copy(update={"bin": name}) for pair, name in zip(cross_pairs(), bins, strict=False)]
    (value,) = run(pairs, metrics=["csim"])[0].metric_values()
    assert [(b.bin, b.n) for b in value.bins] == [("0", 3), ("7.5", 3), ("10", 3), ("90", 3), ("front", 3)]


def test_one_pair_has_a_value_and_no_interval():
    pairs = cross_pairs()[:1]
    sheet, _ = run(pairs)
    values = by_name(sheet)
    assert values["csim"].interval is None
    assert values["csim"].n_expected == 1
    assert values["fd[fake]"].value is None
    assert "needs two" in values["fd[fake]"].note


def test_self_pairs_decode_the_shared_image_once():
    pair = Pair(
        pair_id="p", relation="self", source="1", reference="2", target="2", source_identity="a", reference_identity="a"
    )
    _, images = run([pair], {"p": 7})
    assert images.decoded == {"1": 1, "2": 1}


def test_an_image_that_is_source_here_and_target_there_has_features():
    def pair(name, source, target):
        return Pair(
            pair_id=name, relation="self", source=source, reference=target, target=target, source_identity="a",
            reference_identity="a",
        )  # fmt: skip

    pairs = [pair("p1", "1", "2"), pair("p2", "2", "1")]
    for batch_size in (1, 2):
        sheet, _ = run(pairs, {"p1": 7, "p2": 8}, metrics=["csim", "ssim", "fd[fake]"], batch_size=batch_size)
        assert by_name(sheet)["fd[fake]"].value > 0


def test_a_lost_face_is_aligned_by_the_points_of_the_reference_and_a_real_one_by_its_own():
    from dgbench.core.face import Landmarks

    marks = {"source": 1.0, "reference": 2.0, "target": 3.0}

    class WithPoints(FakeImages):
        def landmarks(self, pair, role):
            return Landmarks(np.full((68, 3), marks[role], np.float32), np.ones(68, np.float32), "frozen")

    class Listening(FakeJudges):
        def observe(self, images, *, fallback=None, roles=None):
            for image, points in zip(images, fallback, strict=True):
                heard[image.tobytes()] = float(points[0, 0])
            return super().observe(images, fallback=fallback, roles=roles)

    heard: dict[bytes, float] = {}
    pairs = cross_pairs()
    made = {**made_for(pairs), pairs[0].pair_id: 0}
    images = WithPoints(made)
    sheet = evaluate(pairs, images, judges=Listening(), metrics=["csim", "csim_target"], draws=20, workers=1)
    assert sheet.alignment[0] == "fallback-points"
    assert heard[images.generated(pairs[0]).tobytes()] == marks["reference"]
    assert heard[images.source(pairs[0]).tobytes()] == marks["source"]
    assert heard[images.target(pairs[0]).tobytes()] == marks["target"]


def test_wrong_use_is_said_in_one_line():
    pairs = cross_pairs()
    for wrong, words in (
        ({"pairs": []}, "no pairs"),
        ({"pairs": [pairs[0], pairs[0]]}, "is repeated"),
        ({"metrics": ["csim", "csim"]}, "asked for twice"),
        ({"batch_size": 0}, "at least 1"),
        ({"metrics": ["nonsense"]}, "unknown metric"),
    ):
        with pytest.raises(UsageError, match=words):
            run(**{"pairs": pairs, "made": made_for(pairs), **wrong})
    with pytest.raises(UsageError, match="needs judges"):
        evaluate(pairs, FakeImages(made_for(pairs)), judges=None, metrics=["csim"])
    assert evaluate(pairs, FakeImages(made_for(pairs)), judges=None, metrics=["ssim"], draws=20).columns


def test_progress_counts_pairs():
    done = []
    run(batch_size=5, progress=done.append)
    assert done == [5, 5, 5, 3]


def test_scratch_is_removed_however_the_pass_ends(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run()

    class Broken(FakeJudges):
        def observe(self, images, **_):
            raise RuntimeError("driver gone")

    with pytest.raises(RuntimeError, match="driver gone"):
        run(judges=Broken())
    assert list(tmp_path.iterdir()) == []
