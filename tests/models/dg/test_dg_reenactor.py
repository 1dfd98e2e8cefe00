"""The method ``dg``: one image or failure per task, the same for any batch, the style code once per source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from dgbench.core.errors import MissingError, UsageError
from dgbench.core.face import Failure, Landmarks
from dgbench.methods.contract import LoadContext, Task
from dgbench.methods.registry import create
from dgbench.models.dg.checkpoint import load_checkpoint, save_model
from dgbench.models.dg.config import DgConfig, IdsgConfig, MapConfig, RfgConfig
from dgbench.models.dg.model import DgModel
from dgbench.models.dg.reenactor import DualGenerator
from dgbench.models.dg.visibility import CANONICAL


def config(**changes: object) -> DgConfig:
    values: dict[str, object] = {
        "size": 64,
        "idsg": IdsgConfig(face_encoders=("thumbnail", "geometry"), feature_dim=637, hidden=16, decoder_hidden=16),
        "rfg": RfgConfig(base_channels=8, max_channels=16, style_dim=8),
    }
    return DgConfig.model_validate(values | changes)


def export(folder: Path, *, half: bool = False, **changes: object) -> Path:
    chosen = config(**changes)
    model = DgModel(chosen, seed=3)
    notes = {"training_data": ["some people"]}
    save_model(folder, model.state_dict(), config=chosen, parts=("idsg", "rfg"), notes=notes, half=half)
    return folder


def face(seed: int, size: int = 64) -> Landmarks:
    rng = np.random.default_rng(seed)
    points = CANONICAL.numpy() * size / 28 * rng.uniform(0.9, 1.1, 3)
    points = points + rng.normal(0, 0.3, points.shape)
    points[:, :2] += size / 2
    return Landmarks(points.astype(np.float32), np.ones(68, np.float32), "truth")


def tasks(count: int = 5, size: int = 64, sources: int = 2) -> list[Task]:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (size, size, 3)).astype(np.uint8) for _ in range(sources)]
    return [
        Task(
            pair_id=f"p{index}",
            seed=index,
            source=pictures[index % sources],
            reference=pictures[0],
            source_landmarks=face(index % sources, size),
            reference_landmarks=face(50 + index, size),
        )
        for index in range(count)
    ]


def loaded(folder: Path, size: int = 64, **more: object) -> DualGenerator:
    method = create("dg")
    assert isinstance(method, DualGenerator)
    for name, value in more.items():
        setattr(method, name, value)
    method.load(LoadContext(size=size, checkpoint=folder))
    return method


def images(results: list[object]) -> list[np.ndarray]:
    assert all(isinstance(result, np.ndarray) for result in results), results
    return results  # type: ignore[return-value]


def test_one_image_per_task_the_same_for_any_batch_and_order(tmp_path: Path) -> None:
    method = loaded(export(tmp_path))
    todo = tasks()
    together = images(method.reenact(todo))
    assert [image.shape for image in together] == [(64, 64, 3)] * 5 and together[0].dtype == np.uint8
    assert not np.array_equal(together[0], together[1])
    again = loaded(tmp_path)
    for index in (4, 1, 3, 0, 2):
        assert np.array_equal(images(again.reenact([todo[index]]))[0], together[index])


def test_official_weights_write_truncated_levels_as_their_demo_does(tmp_path: Path) -> None:
    """Rounded and truncated levels differ by at most one, downwards, in about half of the pixels."""
    made = []
    for origin in ("ours", "official"):
        chosen = config()
        state = DgModel(chosen, seed=3).state_dict()
        save_model(tmp_path / origin, state, config=chosen, parts=("idsg", "rfg"), notes={"origin": origin})
        made.append(np.stack(images(loaded(tmp_path / origin).reenact(tasks(2)))).astype(int))
    step = made[0] - made[1]
    assert set(np.unique(step)) == {0, 1} and 0.4 < step.mean() < 0.6


def test_style_code_is_computed_once_per_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    method = loaded(export(tmp_path))
    calls: list[int] = []
    original = DgModel.style_code

    def counted(self: DgModel, pictures: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        calls.append(len(pictures))
        return original(self, pictures, features)

    monkeypatch.setattr(DgModel, "style_code", counted)
    method.reenact(tasks(6))
    method.reenact(tasks(6))
    assert calls == [1, 1]


def test_what_is_missing_fails_by_kind_and_the_rest_goes_on(tmp_path: Path) -> None:
    method = loaded(export(tmp_path))
    good = tasks(1)[0]
    broken = face(9)
    broken.points[4, 0] = np.nan
    batch = [
        good,
        Task(pair_id="a", seed=0, source=good.source, reference=good.reference, source_landmarks=face(0)),
        Task(pair_id="b", seed=0, source=good.source, reference=good.reference, reference_landmarks=face(1)),
        Task(**{**good.__dict__, "pair_id": "c", "source": np.zeros((32, 32, 3), np.uint8)}),
        Task(**{**good.__dict__, "pair_id": "d", "reference_landmarks": broken}),
        Task(**{**good.__dict__, "pair_id": "e", "source": None}),
        good,
    ]
    results = method.reenact(batch)
    kinds = [result.kind if isinstance(result, Failure) else "image" for result in results]
    assert kinds == ["image", "no-face", "no-face", "wrong-size", "no-face", "missing", "image"]
    assert np.array_equal(results[0], results[-1])  # type: ignore[arg-type]


def test_noise_comes_from_the_task_alone(tmp_path: Path) -> None:
    chosen = config(rfg=RfgConfig(base_channels=8, max_channels=16, style_dim=8, noise=True))
    model = DgModel(chosen, seed=3)
    for name, parameter in model.named_parameters():
        if "noise" in name:
            torch.nn.init.ones_(parameter)
    save_model(tmp_path, model.state_dict(), config=chosen, parts=("idsg", "rfg"), notes={})
    method = loaded(tmp_path)
    todo = tasks(4)
    together, alone = images(method.reenact(todo)), images(method.reenact([todo[2]]))
    assert np.array_equal(together[2], alone[0])
    other = Task(**{**todo[2].__dict__, "seed": 99})
    assert not np.array_equal(images(method.reenact([other]))[0], alone[0])


def test_eye_transfer_is_an_option_and_enters_the_parameters(tmp_path: Path) -> None:
    plain, moved = loaded(export(tmp_path)), loaded(tmp_path, eye_transfer=True)
    assert plain.parameters()["eye_transfer"] is False and moved.parameters()["eye_transfer"] is True
    assert plain.parameters()["weights_sha256"] == load_checkpoint(tmp_path).digest
    todo = tasks(1)
    assert not np.array_equal(images(plain.reenact(todo))[0], images(moved.reenact(todo))[0])
    assert plain.training_data == ("some people",)


def test_half_precision_rounds_the_matrices_alone(tmp_path: Path) -> None:
    whole, half = export(tmp_path / "whole"), export(tmp_path / "half", half=True)
    sizes = [(folder / "model.safetensors").stat().st_size for folder in (whole, half)]
    assert sizes[1] < 0.7 * sizes[0]
    first, second = (load_checkpoint(folder).model().state_dict() for folder in (whole, half))
    for name, tensor in first.items():
        other = second[name]
        assert other.dtype == tensor.dtype
        assert torch.equal(other, tensor.half().float() if tensor.ndim > 1 else tensor)
    images(loaded(half).reenact(tasks(2)))


def test_without_the_shape_generator_the_references_own_landmarks_are_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, drawn = export(tmp_path), []
    original = DgModel.draw

    def seen(self: DgModel, landmarks: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        drawn.append(landmarks.clone())
        return original(self, landmarks, *rest)

    monkeypatch.setattr(DgModel, "draw", seen)
    alone = create("dg-rfg-alone")
    alone.load(LoadContext(size=64, checkpoint=folder))
    (task,) = tasks(1)
    without = images(alone.reenact([task]))[0]
    with_shapes = images(loaded(folder).reenact([task]))[0]
    assert task.reference_landmarks is not None
    np.testing.assert_allclose(drawn[0][0, :, :2].numpy() * 64, task.reference_landmarks.points[:, :2], atol=1e-4)
    assert not torch.allclose(drawn[0], drawn[1]) and not np.array_equal(without, with_shapes)
    assert alone.parameters()["shapes"] == "reference" and "shapes" not in loaded(folder).parameters()


def test_a_smaller_model_serves_a_larger_protocol_and_no_other_size(tmp_path: Path) -> None:
    method = loaded(export(tmp_path), size=128)
    assert images(method.reenact(tasks(2, size=128)))[0].shape == (128, 128, 3)
    assert method.parameters()["model_size"] == 64
    for size in (96, 32):
        with pytest.raises(UsageError, match=f"a model for 64 px images, the protocol has {size} px"):
            loaded(tmp_path, size=size)


def test_compat_rule_and_flat_landmarks_work_too(tmp_path: Path) -> None:
    flat = IdsgConfig(
        coordinates="xy", visibility=False, face_encoders=("thumbnail",), feature_dim=432, hidden=16, decoder_hidden=16
    )
    method = loaded(export(tmp_path, idsg=flat, map=MapConfig(rule="profile"), eye_transfer=True))
    images(method.reenact(tasks(2)))


def test_bad_checkpoints_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs --checkpoint"):
        create("dg").load(LoadContext(size=64))
    with pytest.raises(MissingError, match="no DG checkpoint here"):
        loaded(tmp_path / "nothing")
    folder = export(tmp_path / "ok")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:-4])
    with pytest.raises(UsageError, match="differs from the sha256"):
        loaded(folder)
    (folder / "model.safetensors").write_bytes(whole)
    described = (folder / "dg.json").read_text()
    for wrong in (
        described.replace('"dgbench-dg"', '"other"'),
        described.replace('"size": 64', '"size": 65'),
        "{",
        "[]",
    ):
        (folder / "dg.json").write_text(wrong)
        with pytest.raises(UsageError, match=r"dg\.json"):
            loaded(folder)
    (folder / "dg.json").write_text(described.replace('"base_channels": 8', '"base_channels": 4'))
    with pytest.raises(UsageError, match=r"do not fit their own dg\.json"):
        loaded(folder)
    (folder / "dg.json").write_text(described.replace('"feature_dim": 637', '"feature_dim": 600'))
    with pytest.raises(UsageError):
        loaded(folder)
