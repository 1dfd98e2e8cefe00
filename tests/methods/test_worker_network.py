"""A torch method with a hard .cuda(): strict loading, no pickle, and the faithfulness kit with its mutants."""

from __future__ import annotations

import importlib.util
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from dgbench.core.errors import UsageError

RUNTIME = Path(__file__).parents[2] / "baselines" / "_runtime"


@pytest.fixture(scope="module")
def generator(toy_root):
    path = toy_root.repos["toy-net"] / "modules" / "generator.py"
    spec = importlib.util.spec_from_file_location("toy_generator", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Generator


def save(path, content):
    torch.save(content, path)
    return path


def test_the_network_runs_without_a_gpu_and_equals_a_direct_call(toy, make_task, generator, tmp_path):
    torch.manual_seed(0)
    net = generator().eval()
    method = toy.method("toy-net", checkpoint=save(tmp_path / "w.pth", {"generator": net.state_dict()}), threads=1)
    task = make_task()
    made = method.reenact([task])[0]
    planes = [
        torch.from_numpy(image.astype(np.float32) / 255).permute(2, 0, 1)[None]
        for image in (task.source, task.reference)
    ]
    with torch.no_grad():
        both = torch.cat(planes, 1)
        wanted = torch.sigmoid(net.out(torch.relu(net.norm(net.mix(both)))))[0].permute(1, 2, 0).numpy()
    assert np.abs(made.astype(float) - wanted * 255).max() <= 0.51


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda state: {"kp_detector": state}, "has no 'generator' (it has: kp_detector)"),
        (lambda state: {"generator": dict(list(state.items())[1:])}, "1 missing keys, e.g. mix.weight"),
        (lambda state: {"generator": state | {"extra.weight": torch.zeros(1)}}, "1 foreign keys, e.g. extra.weight"),
        (lambda state: {"generator": state | {"out.bias": torch.zeros(4)}}, "1 wrongly shaped keys, e.g. out.bias"),
        (lambda state: {"generator": state, "opts": Path("/")}, "holds more than weights"),
    ],
)
@pytest.mark.slow
def test_a_wrong_or_pickled_checkpoint_is_refused_in_one_line(toy, generator, tmp_path, content, words):
    path = save(tmp_path / "w.pth", content(generator().state_dict()))
    with pytest.raises(UsageError) as caught:
        toy.method("toy-net", checkpoint=path)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_nothing_is_unpickled_even_where_the_checkout_asks_for_it(tmp_path, monkeypatch):
    """torch.hub passes weights_only=False by itself: a file in its cache would be unpickled."""
    path = save(tmp_path / "cached.pth", {"points": Path("/")})
    assert torch.load(path, weights_only=False)["points"] == Path("/")
    monkeypatch.setattr(torch, "load", torch.load)  # put back at the end what the shim replaces
    sys.path.insert(0, str(RUNTIME))
    try:
        from dgbench_worker.shims import only_weights
    finally:
        sys.path.remove(str(RUNTIME))
    only_weights()
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        torch.load(path, weights_only=False)
    assert torch.load(save(tmp_path / "w.pth", {"w": torch.ones(1)}), map_location="cpu")["w"] == 1


def test_a_damaged_checkpoint_is_refused(toy, tmp_path):
    (tmp_path / "w.pth").write_bytes(b"PK\x03\x04 not a checkpoint")
    with pytest.raises(UsageError, match="damaged or holds more than weights"):
        toy.method("toy-net", checkpoint=tmp_path / "w.pth")


@pytest.fixture(scope="module")
def kit_parts(toy_root, generator):
    sys.path.insert(0, str(RUNTIME))
    try:
        import dgbench_worker.calibrate as calibrate
        import dgbench_worker.faithful as faithful
    finally:
        sys.path.remove(str(RUNTIME))
    path = toy_root.baselines / "toy-net" / "worker.py"
    spec = importlib.util.spec_from_file_location("toy_net_worker", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    class Warped(torch.nn.Module):
        """The toy generator after a warp by its own key points, so that every mutant has something to spoil."""

        def __init__(self):
            super().__init__()
            self.find = torch.nn.Conv2d(3, 2, 32)
            self.inner = generator(8)

        def forward(self, source, driving):
            shift = torch.tanh(self.find(driving) - self.find(source)).reshape(-1, 1, 1, 2)
            line = torch.linspace(-1, 1, 32)
            grid = torch.stack(torch.meshgrid(line, line, indexing="xy"), -1)[None]
            moved = torch.nn.functional.grid_sample(source, grid + shift)
            return self.inner(moved, source)

    class Subject(module.ToyNet):
        resampling = "pillow-bicubic"

        def prepare_interpreter(self):
            pass

        def build(self):
            return {"generator": Warped()}

    class ToyKit(faithful.Kit):
        worker = Subject
        heads = (("generator.find", 1.0), ("generator.inner.out", 1.5))

        def official(self, worker, checkpoint, task):
            planes = [
                torch.from_numpy(
                    (worker.resize(image) if image.shape[0] != 32 else image).astype(np.float32) / np.float32(255)
                )
                .unsqueeze(0)
                .permute(0, 3, 1, 2)
                for image in (task.source, task.reference)
            ]
            with torch.no_grad():
                made = worker.parts["generator"](*planes)[0].permute(1, 2, 0).numpy()
            return made, np.rint(made * np.float32(255)).astype(np.uint8)

    return faithful, calibrate, ToyKit, Subject


class TestKit:
    """The kit on the toy network, in this process: the same calibration, comparison and mutants as for real ones."""

    @pytest.fixture
    def prepared(self, kit_parts, monkeypatch):
        faithful, calibrate, kind, subject = kit_parts
        monkeypatch.setattr(torch.Tensor, "cuda", lambda self, *a, **k: self)
        kit, worker = kind(), subject()
        worker.parts = worker.build()
        rng = np.random.default_rng(3)
        images = [np.kron(rng.integers(0, 255, (8, 8, 3)), np.ones((8, 8, 1))).astype(np.uint8) for _ in range(2)]
        images = [np.clip(image + rng.integers(-30, 30, image.shape), 0, 255).astype(np.uint8) for image in images]
        large = faithful.Task("large", 0)
        large.source, large.reference = images
        task = faithful.changed(large, source=images[0][:32, :32], reference=images[1][:32, :32])
        calibrate.calibrate(worker.parts, lambda: kit.warm(worker, task), kit.heads, 0)
        return faithful, kit, worker, task, large

    def test_a_faithful_worker_is_equal_and_every_mutant_is_caught(self, prepared):
        faithful, kit, worker, task, large = prepared
        report = faithful.compare(kit, worker, None, task, large)
        assert report["equal"] and not report["blind"], report
        tried = {name: entry["caught"] for name, entry in report["mutants"].items() if entry["applies"]}
        assert tried == dict.fromkeys(("swapped", "relative", "bgr", "range", "train", "align_corners", "resize"), True)

    @pytest.mark.parametrize("mistake", ["swap", "bgr", "range", "train", "level"])
    def test_an_unfaithful_worker_is_not_equal(self, prepared, mistake):
        faithful, kit, worker, task, large = prepared
        plain = worker.infer
        if mistake == "swap":
            worker.infer = lambda source, reference: plain(reference, source)
        elif mistake == "bgr":
            worker.infer = lambda source, reference: plain(source.flip(1), reference.flip(1)).flip(1)
        elif mistake == "range":
            worker.infer = lambda source, reference: plain(source * 2 - 1, reference * 2 - 1)
        elif mistake == "level":
            worker.quantise = lambda plane: (plane * 255).astype(np.uint8)
        else:
            worker.infer = lambda source, reference: [worker.parts["generator"].train(), plain(source, reference)][1]
        official = kit.official

        def untouched(worker, checkpoint, one):
            worker.parts["generator"].eval()
            return official(worker, checkpoint, one)

        kit.official = untouched
        report = faithful.compare(kit, worker, None, task, large)
        assert not report["equal"] and not report["ok"]

    def test_default_weights_are_reported_blind(self, prepared):
        faithful, kit, worker, task, large = prepared
        with torch.no_grad():
            worker.parts["generator"].inner.out.weight.mul_(0.01)
        report = faithful.compare(kit, worker, None, task, large)
        assert report["blind"] and not report["ok"]
