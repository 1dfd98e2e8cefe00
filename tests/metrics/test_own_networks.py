"""Metrics that bring a network of their own: LPIPS, paper-compatible values, expression coefficients."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from fakes import FakeImages, FakeJudges, cross_pairs, face_image, made_for
from skimage.metrics import structural_similarity

from dgbench.core.errors import MissingError, UsageError
from dgbench.core.face import Failure
from dgbench.metrics import expression_coefficients, lpips
from dgbench.metrics.frechet import frechet
from dgbench.metrics.paper import csim as compat_csim
from dgbench.metrics.paper import fid as compat_fid
from dgbench.metrics.registry import make_metric
from dgbench.scoring.evaluator import evaluate


def tiny_onnx(path: Path, size: int, *, outputs: int = 6) -> Path:
    """A network whose output is a fixed linear map of the mean colour of each quarter of the image."""
    from onnx import TensorProto, helper, numpy_helper, save

    weights = np.random.default_rng(0).normal(size=(outputs, 12)).astype(np.float32)
    half = size // 2
    nodes = [
        helper.make_node("AveragePool", ["x"], ["p"], kernel_shape=[half, half], strides=[half, half]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "w"], ["y"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, size, size])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, outputs])],
        [numpy_helper.from_array(weights, "w")],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    return path


def values(metrics, *, weights=None, made=None, size=64):
    pairs = sorted(cross_pairs(people=4, each=2), key=lambda pair: pair.pair_id)
    images = FakeImages(made or made_for(pairs), size=size)
    sheet = evaluate(pairs, images, judges=FakeJudges(), metrics=metrics, weights=weights, draws=10)
    return pairs, images, {value.name: value for value in sheet.metric_values()}, sheet.frame()


def test_ssim_on_minus_1_to_1_is_skimages_and_not_the_canonical_value():
    pairs, images, by_name, frame = values(["paper/ssim-range2", "ssim"])
    for pair, ours in zip(pairs, frame["paper/ssim-range2"], strict=True):
        first, second = (i.astype(np.float64) / 127.5 - 1 for i in (images.generated(pair), images.target(pair)))
        expected = structural_similarity(
            first, second, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=2, channel_axis=2
        )
        assert ours == pytest.approx(expected, abs=1e-9)
    assert by_name["paper/ssim-range2"].card.compat
    assert not by_name["ssim"].card.compat
    assert abs(by_name["ssim"].value - by_name["paper/ssim-range2"].value) > 1e-3


def test_csim_without_alignment_sees_the_whole_frame(tmp_path):
    tiny_onnx(tmp_path / compat_csim.FILE, 112)
    pairs, images, by_name, frame = values(["paper/csim-ir50"], weights=tmp_path)
    network = compat_csim.load(tmp_path)._network
    pair = pairs[0]

    def embed(image):
        small = cv2.resize(image.astype(np.float32), (112, 112)) / 127.5 - 1
        return network.run(small.transpose(2, 0, 1)[None])[0][0].astype(np.float64)

    a, b = embed(images.generated(pair)), embed(images.source(pair))
    assert frame["paper/csim-ir50"][0] == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b), abs=1e-6)
    assert by_name["paper/csim-ir50"].card.compat
    # The mutation that the other published script made, BGR in [0, 1], gives another number.
    c = network.run(
        (cv2.resize(images.generated(pair)[..., ::-1], (112, 112)) / 255).astype(np.float32).transpose(2, 0, 1)[None]
    )
    assert abs(float(a @ c[0][0]) / np.linalg.norm(a) / np.linalg.norm(c[0][0]) - 1) > 1e-3


@pytest.mark.slow
def test_fid_of_source_against_generated(tmp_path):
    """Any state of torchvision's Inception will do: the distance is of its own features, source side real.

    Slow because the network is made, saved, loaded twice and shown every image twice.
    """
    import torch

    from dgbench.networks.torchvision_shim import import_torchvision

    import_torchvision()
    from torchvision.models import inception_v3

    with torch.random.fork_rng():
        torch.manual_seed(3)
        torch.save(inception_v3(weights=None, init_weights=False).state_dict(), tmp_path / compat_fid.FILE)
    pairs = cross_pairs(people=4, each=1)
    made = {**made_for(pairs), pairs[1].pair_id: Failure("crashed", "x")}
    images = FakeImages(made, size=48)
    sheet = evaluate(pairs, images, judges=None, metrics=["paper/fid-stargan2", "ssim"], weights=tmp_path, draws=10)
    value = sheet.metric_values()[0]
    assert value.failures == {"missing": 1}
    assert value.card.compat
    metric = compat_fid.load(tmp_path)
    kept = [pair for pair in pairs if pair is not pairs[1]]
    real, generated = (
        np.stack([metric._features(image(pair)) for pair in kept]) for image in (images.source, images.generated)
    )
    assert value.value == pytest.approx(frechet(real, generated), rel=1e-5)
    assert "N=3" in value.note


def lpips_state() -> dict:
    import torch

    generator = torch.Generator().manual_seed(1)
    shapes = {0: (8, 3, 11, 11), 3: (12, 8, 5, 5), 6: (12, 12, 3, 3), 8: (8, 12, 3, 3), 10: (8, 8, 3, 3)}
    state = {}
    for number, (position, shape) in enumerate(shapes.items()):
        state[f"features.{position}.weight"] = torch.randn(shape, generator=generator) / np.sqrt(np.prod(shape[1:]))
        state[f"features.{position}.bias"] = 0.1 * torch.randn(shape[0], generator=generator)
        state[f"lin{number}.model.1.weight"] = torch.rand((1, shape[0], 1, 1), generator=generator)
    return state


@pytest.fixture
def lpips_folder(tmp_path) -> Path:
    from safetensors.torch import save_file

    save_file(lpips_state(), tmp_path / lpips.FILE)
    return tmp_path


def test_lpips_is_the_plain_formula(lpips_folder):
    import torch

    metric = lpips.load(lpips_folder)
    first, second = face_image(1, size=64), face_image(2, size=64)
    state = {name: tensor.double() for name, tensor in lpips_state().items()}
    features = []
    for image in (first, second):
        x = torch.from_numpy(image.astype(np.float64) / 127.5 - 1).permute(2, 0, 1)[None]
        x = (x - torch.tensor([-0.030, -0.088, -0.188]).view(3, 1, 1)) / torch.tensor([0.458, 0.448, 0.450]).view(
            3, 1, 1
        )
        per_layer = []
        for position, (stride, padding) in {0: (4, 2), 3: (1, 2), 6: (1, 1), 8: (1, 1), 10: (1, 1)}.items():
            if position in (3, 6):
                x = torch.nn.MaxPool2d(3, 2)(x)
            weight, bias = state[f"features.{position}.weight"], state[f"features.{position}.bias"]
            x = torch.relu(torch.nn.functional.conv2d(x, weight, bias, stride, padding))
            per_layer.append(x[0].numpy())
        features.append(per_layer)
    expected = 0.0
    for number, (a, b) in enumerate(zip(*features, strict=True)):
        a, b = (f / (np.sqrt((f**2).sum(axis=0)) + 1e-10) for f in (a, b))
        expected += np.tensordot(state[f"lin{number}.model.1.weight"].numpy().ravel(), (a - b) ** 2, 1).mean()
    assert metric.distance(first, second) == pytest.approx(expected, rel=1e-5)
    assert metric.distance(first, first) == 0
    blurred = [metric.distance(first, cv2.GaussianBlur(first, (0, 0), s)) for s in (0.4, 0.8, 2.0)]
    assert blurred == sorted(blurred)
    assert abs(metric.distance(first[..., ::-1].copy(), second) - metric.distance(first, second)) > 1e-4


def test_lpips_scores_failures_at_its_floor(lpips_folder):
    pairs = cross_pairs(people=4, each=2)
    made = {**made_for(pairs), pairs[0].pair_id: Failure("crashed", "x")}
    _, _, by_name, frame = values(["lpips"], weights=lpips_folder, made=made)
    assert frame["lpips"][0] == 1.0
    assert by_name["lpips"].failures == {"crashed": 1}
    assert 0 < by_name["lpips"].measured_only < 1


def test_expression_coefficients_compare_with_the_reference(tmp_path):
    tiny_onnx(tmp_path / expression_coefficients.FILE, 32, outputs=10)
    pairs, images, _, frame = values(["expression_coefficients"], weights=tmp_path)
    network = expression_coefficients.load(tmp_path)._network

    def read(image):
        small = cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        return network.run(small.transpose(2, 0, 1)[None])[0][0].astype(np.float64)

    expected = np.abs(read(images.generated(pairs[0])) - read(images.reference(pairs[0]))).mean()
    assert frame["expression_coefficients"][0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", ["lpips", "paper/csim-ir50", "paper/fid-stargan2", "expression_coefficients"])
def test_a_missing_network_is_named_with_the_way_to_give_it(name, tmp_path):
    with pytest.raises(MissingError, match=r"\.(safetensors|onnx|pth) is not here.*--weights"):
        make_metric(name, weights=tmp_path)


def test_a_wrong_network_is_refused(tmp_path):
    tiny_onnx(tmp_path / compat_csim.FILE, 64)
    with pytest.raises(UsageError, match="1x3x112x112"):
        make_metric("paper/csim-ir50", weights=tmp_path)
    (tmp_path / lpips.FILE).write_bytes(b"no tensors")
    with pytest.raises(UsageError, match="not a safetensors"):
        make_metric("lpips", weights=tmp_path)
    from safetensors.torch import save_file

    state = lpips_state()
    del state["lin3.model.1.weight"]
    save_file(state, tmp_path / lpips.FILE)
    with pytest.raises(UsageError, match="lacks lin3"):
        make_metric("lpips", weights=tmp_path)
    (tmp_path / compat_fid.FILE).write_bytes(b"nothing")
    with pytest.raises(UsageError, match="file of plain tensors"):
        make_metric("paper/fid-stargan2", weights=tmp_path)
