"""Validation while training: whose people, what is measured, and that the best checkpoint is what is exported."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from cartoons import Cartoons, rows, tiny_config
from torch import Tensor

from dgbench.core.errors import UsageError
from dgbench.core.face import FaceObservation, Image, Pose
from dgbench.models.dg.checkpoint import load_checkpoint
from dgbench.models.dg.model import DgModel
from dgbench.training.dg.config import Phase
from dgbench.training.dg.frames import FrameBank
from dgbench.training.dg.frozen import FrozenNetworks
from dgbench.training.dg.loop import train
from dgbench.training.dg.validation import Validation, Verdict, _half_power, _power, hold_out, keep_best


class ColourJudges:
    """Tells people apart by their mean colour."""

    def observe(self, images: Sequence[Image], *, roles: Sequence[str]) -> list[FaceObservation]:
        assert set(roles) == {"detector", "identity", "pose"}
        return [
            FaceObservation(
                detected=True,
                score=1.0,
                points5=None,
                alignment="none",
                embedding=(image.mean((0, 1)) - 128).astype(np.float32),
                landmarks=None,
                pose=Pose(0.0, 0.0, 0.0),
            )
            for image in images
        ]

    def features(self, images: Sequence[Image]) -> np.ndarray:
        return np.stack([image[::16, ::16].ravel() for image in images]).astype(np.float32)


def validation(features: Tensor, pairs: int = 6) -> Validation:
    held = FrameBank(Cartoons(), rows(people=4, first=10), size=64)
    judges: Any = ColourJudges()
    return Validation(held, features[: len(held)], judges, pairs=pairs, seed=0)


def test_the_last_people_are_held_out() -> None:
    kept, held = hold_out(rows(people=5), 2)
    assert {row.subject for row in kept} == {"p00", "p01", "p02"} and {row.subject for row in held} == {"p03", "p04"}
    assert hold_out(rows(), 0) == (rows(), [])
    for count in (1, 3, 9):
        with pytest.raises(UsageError, match="0 or 2 to 2 can be held out"):
            hold_out(rows(people=4), count)


def test_the_truth_itself_is_judged_perfect(features: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = validation(features)
    truth = judge._bank.images(judge._truth)
    monkeypatch.setattr(judge, "_generate", lambda model, device: (truth, truth))
    verdict = judge.judge(DgModel(tiny_config().model), device=torch.device("cpu"))
    values = verdict.values
    assert values["rank1"] == 1.0 and values["pose_error"] == pytest.approx(0.0, abs=1e-5)
    assert values["ssim"] == pytest.approx(1.0) and values["sharpness"] == pytest.approx(1.0)
    assert values["half_power_cycles"] == 33 and values["fd"] == pytest.approx(0.0, abs=1e-3)
    assert values["csim"] > 0.9 and verdict.score == pytest.approx(values["csim"] + 1.0)
    assert [row.shape for row in verdict.rows] == [(6, 3, 64, 64)] * 4


def test_a_blur_and_another_person_are_seen(features: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = validation(features)
    model = DgModel(tiny_config().model)
    truth = judge._bank.images(judge._truth)
    blurred = torch.nn.functional.avg_pool2d(truth, 5, 1, 2, count_include_pad=False)
    monkeypatch.setattr(judge, "_generate", lambda model, device: (blurred, blurred))
    soft = judge.judge(model, device=torch.device("cpu")).values
    assert soft["half_power_cycles"] < 12 and soft["sharpness"] < 0.8 and soft["ssim"] < 1
    strangers = judge._bank.images(judge._reference)
    monkeypatch.setattr(judge, "_generate", lambda model, device: (strangers, strangers))
    assert judge.judge(model, device=torch.device("cpu")).values["rank1"] == 0.0


def test_a_picture_in_which_no_face_is_found_counts_as_missed(
    features: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = validation(features)
    real = judge._judges.observe

    def blind(images: Sequence[Image], *, roles: Sequence[str]) -> list[FaceObservation]:
        return [replace(one, detected=False, pose=None) for one in real(images, roles=roles)]

    judge._judges.observe = blind  # type: ignore[method-assign]
    values = judge.judge(DgModel(tiny_config().model), device=torch.device("cpu")).values
    assert (values["csim"], values["rank1"], values["detected"], values["pose_error"]) == (0.0, 0.0, 0.0, 180.0)


def test_half_power_is_where_the_spectrum_falls_for_good() -> None:
    true = np.ones(9)
    assert _half_power(np.array([1, 1, 1, 0.4, 0.9, 0.4, 0.4, 0.1, 0.1]), true) == 5
    assert _half_power(np.zeros(9), true) == 1 and _half_power(true, true) == 9
    wave = np.tile((128 + 100 * np.sin(2 * np.pi * 5 * np.arange(64) / 64)).astype(np.uint8)[None, :, None], (64, 1, 3))
    assert int(np.argmax(_power([wave]))) == 5


def test_the_best_and_not_the_last_is_exported(bank: FrameBank, features: Tensor, tmp_path: Path) -> None:
    config = tiny_config(phases=(Phase(stage="cross", network="rfg", steps=6),), validate_every=2, half_export=False)
    scores = iter([0.5, 0.9, 0.7])
    kept: list[dict[str, Tensor]] = []

    def judge(model: DgModel, *, device: torch.device) -> Verdict:
        kept.append({name: value.clone() for name, value in model.state_dict().items()})
        return Verdict({"csim": 0.1}, next(scores), [torch.zeros(1, 3, 64, 64)] * 4)

    fake: Any = SimpleNamespace(judge=judge)
    summary = train(config, bank=bank, features=features, frozen=FrozenNetworks(), out=tmp_path, validation=fake)
    state, last = load_checkpoint(tmp_path), load_checkpoint(tmp_path / "best")
    assert len(kept) == 3 and summary.weights_sha256 == state.digest == last.digest
    assert all(torch.equal(value, kept[1][name]) for name, value in state.state.items())
    assert state.notes["steps"] == 4 and state.notes["steps_of_the_run"] == 6
    told = [json.loads(line) for line in (tmp_path / "log" / "curves.jsonl").read_text().splitlines()]
    assert [line["step"] for line in told if "validation/csim" in line] == [2, 4, 6]
    assert len(list((tmp_path / "grids").glob("validation-*.png"))) == 3


def test_a_damaged_note_of_the_best_is_written_anew(tmp_path: Path) -> None:
    first, worse = Verdict({}, 0.5, []), Verdict({}, 0.4, [])
    assert keep_best(tmp_path, first, step=1) and not keep_best(tmp_path, worse, step=2)
    (tmp_path / "best" / "validation.json").write_text("{")
    assert keep_best(tmp_path, worse, step=3)
    # Of a run that went back to an earlier checkpoint, what came later counts no more.
    assert keep_best(tmp_path, Verdict({}, 0.1, []), step=2)


def test_people_without_a_common_cell_cannot_validate(features: Tensor) -> None:
    lonely = [row.__class__(row.key, row.subject, "") for row in rows()]
    judges: Any = ColourJudges()
    with pytest.raises(UsageError, match="share no cell"):
        Validation(FrameBank(Cartoons(), lonely, size=64), features, judges, pairs=4, seed=0)
