"""Loss networks for photographs: 3DDFA's landmarks on real faces, ArcFace's architecture against a plain forward."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from cartoons import tiny_config
from torch import Tensor
from torch.nn import functional as F

from dgbench.core.errors import MissingError, UsageError
from dgbench.training.dg.config import PRESETS
from dgbench.training.dg.frozen import FrozenNetworks, load_frozen
from dgbench.training.dg.real_faces import (
    AlignedIdentity,
    ArcFaceResNet,
    LandmarkRegressor,
    PhotographFinder,
    load_arcface,
    load_landmark_regressor,
)


def plain_arcface(state: dict[str, Tensor], depths: tuple[int, ...], crops: Tensor) -> Tensor:
    """The architecture of arcface_torch written with functions alone."""

    def norm(x: Tensor, name: str) -> Tensor:
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        return F.batch_norm(x, state[f"{name}.running_mean"], state[f"{name}.running_var"], weight, bias)

    x = F.prelu(norm(F.conv2d(crops * 2 - 1, state["conv1.weight"], padding=1), "bn1"), state["prelu.weight"])
    for layer, depth in enumerate(depths, start=1):
        for block in range(depth):
            at, stride = f"layer{layer}.{block}", 2 if block == 0 else 1
            inner = F.conv2d(norm(x, f"{at}.bn1"), state[f"{at}.conv1.weight"], padding=1)
            inner = F.prelu(norm(inner, f"{at}.bn2"), state[f"{at}.prelu.weight"])
            inner = norm(F.conv2d(inner, state[f"{at}.conv2.weight"], stride=stride, padding=1), f"{at}.bn3")
            if block == 0:
                x = norm(F.conv2d(x, state[f"{at}.downsample.0.weight"], stride=2), f"{at}.downsample.1")
            x = x + inner
    x = F.linear(norm(x, "bn2").flatten(1), state["fc.weight"], state["fc.bias"])
    return norm(x, "features")


def randomised(network: torch.nn.Module) -> torch.nn.Module:
    torch.manual_seed(0)
    for name, value in network.state_dict().items():
        if name.endswith("running_var"):
            value.uniform_(0.5, 1.5)
        elif value.is_floating_point():
            value.copy_(torch.randn_like(value) * (0.3 if value.ndim == 1 else (2 / value[0].numel()) ** 0.5))
    return network.eval()


def test_arcface_file_of_any_depth_is_read_and_computed_as_written(tmp_path: Path) -> None:
    depths = (1, 2, 1, 1)
    state = randomised(ArcFaceResNet(depths, width=4, code=8)).state_dict()
    torch.save({f"module.{name}": value for name, value in state.items()}, tmp_path / "arcface_backbone.pth")
    network = load_arcface(tmp_path)
    crops = torch.rand(2, 3, 112, 112)
    assert torch.allclose(network(crops), plain_arcface(state, depths, crops), rtol=1e-4, atol=1e-4)
    images, points = torch.rand(2, 3, 64, 64, requires_grad=True), torch.rand(2, 68, 3)
    embedded = AlignedIdentity(network).embedding(images, points)
    assert torch.allclose(embedded.norm(dim=1), torch.ones(2), atol=1e-5)
    (slope,) = torch.autograd.grad(embedded[:, 0].sum(), images)
    assert slope.abs().sum() > 0
    torch.save({"conv1.weight": torch.zeros(4, 3, 3, 3)}, tmp_path / "arcface_backbone.pth")
    with pytest.raises(UsageError, match="not a backbone of arcface_torch"):
        load_arcface(tmp_path)


def test_the_cosine_asks_the_network_of_its_own(tmp_path: Path) -> None:
    torch.save(randomised(ArcFaceResNet((1, 1, 1, 1), width=4, code=8)).state_dict(), tmp_path / "arcface_backbone.pth")
    frozen = load_frozen(tiny_config(identity_network="arcface"), weights=tmp_path)
    assert frozen.perceptual is None and frozen.embedder is frozen.identity is not None
    assert FrozenNetworks().embedder is None


def test_the_paper_asks_for_networks_that_know_photographs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    paper = PRESETS["paper"]()
    assert (paper.perceptual_normalisation, paper.identity_network, paper.landmark_network) == (
        "published",
        "arcface",
        "3ddfa",
    )
    for name in ("DGBENCH_WEIGHTS", "DGBENCH_CACHE", "TORCH_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    with pytest.raises(MissingError, match=r"arcface_backbone\.pth"):
        load_frozen(tiny_config(identity_network="arcface"))
    with pytest.raises(MissingError, match=r"mb05_120x120\.pth"):
        load_frozen(tiny_config(landmark_network="3ddfa"))


def test_a_crop_is_where_the_points_are_and_its_answer_is_brought_back() -> None:
    class Corners(torch.nn.Module):
        """Answers with the crop's own corners, and keeps what it saw."""

        def forward(self, crops: Tensor) -> Tensor:
            self.seen = crops
            return torch.tensor([[-1.0, -1.0], [1.0, 1.0]]).repeat(1, 34, 1).expand(len(crops), -1, -1)

    network = Corners()
    points = torch.full((1, 68, 3), 0.5)
    points[0, 0, :2], points[0, 1, :2] = torch.tensor([0.3, 0.4]), torch.tensor([0.7, 0.6])
    images = torch.zeros(1, 3, 64, 64)
    images[:, 0] = 1.0  # red, which the network is given last
    found = PhotographFinder(network)(images, points)
    half = 0.4 * 2**0.5 / 2
    assert torch.allclose(found[0, 0], torch.tensor([0.5 - half, 0.5 - half]), atol=1e-5)
    assert torch.allclose(found[0, 1], torch.tensor([0.5 + half, 0.5 + half]), atol=1e-5)
    assert network.seen.shape == (1, 3, 120, 120)
    assert torch.allclose(network.seen[0, 2, 60, 60], torch.tensor(127.5 / 128)) and (network.seen[0, 0] < 0).all()


def test_3ddfa_finds_the_eyes_of_photographs() -> None:
    assets = os.environ.get("DGBENCH_TEST_ASSETS")
    if not assets:
        pytest.skip("DGBENCH_TEST_ASSETS is not set")
    network = load_landmark_regressor(Path(assets) / "nets")
    assert isinstance(network, LandmarkRegressor)
    finder, errors = PhotographFinder(network), []
    for path in sorted((Path(assets) / "frll" / "neutral_front").glob("*_03.jpg"))[:8]:
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        table = np.loadtxt(
            path.with_name(path.stem + "_pts189.csv"), delimiter=",", skiprows=1, max_rows=2, usecols=(-2, -1)
        )
        pupils = torch.from_numpy(table).float() / image.shape[0]
        tensor = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
        wanted = torch.full((1, 68, 3), 0.5)
        wanted[0, :17, 0], wanted[0, :17, 1] = torch.linspace(0.25, 0.75, 17), 0.55  # about the face, to begin with
        for _ in range(2):
            found = finder(tensor, wanted)
            wanted = torch.cat([found, torch.zeros(1, 68, 1)], dim=2)
        eyes = torch.stack([found[0, 36:42].mean(0), found[0, 42:48].mean(0)])
        errors.append(float((eyes - pupils).norm(dim=1).mean() / (pupils[0] - pupils[1]).norm()))
    assert len(errors) == 8 and np.mean(errors) < 0.05 and max(errors) < 0.1
