"""Train the embedded networks but the identity judge: ``python -m dgbench.training.judges.train --out FOLDER``."""

from __future__ import annotations

import argparse
import logging
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, smooth_l1_loss

from dgbench.core.digests import digest, seed_of
from dgbench.networks.embedded.feature_net import DIMENSION as FEATURES
from dgbench.networks.embedded.feature_net import FeatureNet
from dgbench.networks.embedded.identity_nets import DIMENSION, identity_network
from dgbench.networks.embedded.landmark_net import LandmarkNet
from dgbench.networks.embedded.store import NAMES, fill, save, weight_bytes
from dgbench.training.judges.data import TRAIN_FIRST, read_faces, render_people
from dgbench.training.judges.losses import ArcFaceLoss, landmark_loss
from dgbench.training.judges.views import ViewMaker, Views

log = logging.getLogger(__name__)
_HIGHEST_RATE = 2e-3
#: The networks that this module trains; the identity judge has a module of its own, ``identity``.
TRAINED = tuple(name for name in NAMES if name != "identity-measure-2")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights, besides the renderer and the versions of the packages."""

    people: int = 1000
    images: int = 16
    epochs: float = 10.0
    batch: int = 64
    seed: int = 0


def train(
    name: str,
    maker: ViewMaker,
    recipe: Recipe,
    *,
    progress: bool = True,
    start: Path | None = None,
    on_step: Callable[[int, nn.Module], None] | None = None,
) -> nn.Module:
    """Train one embedded network and return it in evaluation mode.

    AdamW, one warm-up and cosine descent of the rate; batches, views and first weights are drawn from
    ``recipe.seed`` and the network's name alone. ``start`` is a folder with weights to go on from, half as fast and
    with new heads. ``on_step`` is shown the network after every step.
    """
    from tqdm import tqdm

    seed = seed_of("embedded-training", name, recipe.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network, head, loss_of = _task(name, len(maker.people))
    highest = _HIGHEST_RATE
    if start is not None:
        network = fill(network, weight_bytes(name, folder=start), name=name).requires_grad_()
        if isinstance(network, FeatureNet):
            network.calibrate = FeatureNet().calibrate
        highest = _HIGHEST_RATE / 2
    network.train()
    parameters = [*network.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=highest, weight_decay=5e-4)
    rows = len(maker.faces.person)
    steps = max(1, round(recipe.epochs * rows / recipe.batch))
    rng = np.random.default_rng(seed)
    queue = np.zeros(0, dtype=np.int64)
    bar = tqdm(range(steps), desc=name, unit="step", disable=not progress, mininterval=10)
    for step in bar:
        while len(queue) < recipe.batch:
            queue = np.concatenate([queue, rng.permutation(rows)])
        taken, queue = queue[: recipe.batch], queue[recipe.batch :]
        rate = highest * min(1.0, (step + 1) / 50) * (0.01 + 0.99 * _cosine(step / steps))
        for group in optimizer.param_groups:
            group["lr"] = rate
        generator = torch.Generator().manual_seed(seed_of(seed, step) % (1 << 62))
        loss = loss_of(maker, taken, generator, step / steps)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward([loss])
        torch.nn.utils.clip_grad_norm_(parameters, 5.0)
        optimizer.step()
        if on_step is not None:
            on_step(step, network)
        if step % 20 == 0:
            bar.set_postfix(loss=f"{loss.item():.3f}")
    network.eval()
    if isinstance(network, FeatureNet):
        calibrate(network, maker.faces.images)
    return network


_Loss = Callable[[ViewMaker, np.ndarray, torch.Generator, float], Tensor]


def _task(name: str, people: int) -> tuple[nn.Module, nn.Module, _Loss]:
    if name == "identity-train":
        identity, arcface = identity_network("identity-train"), ArcFaceLoss(people, DIMENSION, scale=24.0, margin=0.3)

        def identity_loss(maker: ViewMaker, rows: np.ndarray, generator: torch.Generator, done: float) -> Tensor:
            views = maker.aligned(rows, generator)
            # The margin grows from 20 % to 60 % of the way: from the start it would drown untrained embeddings.
            margin = arcface.margin * min(1.0, max(0.0, (done - 0.2) / 0.4))
            return arcface(identity(_channels_last(views.images)), views.person, margin=margin)

        return identity, arcface, identity_loss
    if name in ("landmarks", "landmarks-train"):
        landmarks = LandmarkNet("landmarks" if name == "landmarks" else "landmarks-train")

        def points_loss(maker: ViewMaker, rows: np.ndarray, generator: torch.Generator, done: float) -> Tensor:
            views = maker.frames(rows, generator)
            return landmark_loss(landmarks(_channels_last(views.images)), views)

        return landmarks, nn.Identity(), points_loss
    features, heads = FeatureNet(), FeatureHeads(people)

    def features_loss(maker: ViewMaker, rows: np.ndarray, generator: torch.Generator, done: float) -> Tensor:
        views = maker.frames(rows, generator, non_faces=0.05)
        return heads(features(_channels_last(views.images)), views)

    return features, heads, features_loss


class FeatureHeads(nn.Module):
    """What the feature network must be able to tell: person, pose, landmarks, a thumbnail, damage, face or not."""

    def __init__(self, people: int) -> None:
        super().__init__()
        self.person = nn.Sequential(nn.Linear(FEATURES, DIMENSION), nn.BatchNorm1d(DIMENSION))
        self.arcface = ArcFaceLoss(people, DIMENSION, scale=20.0, margin=0.1)
        self.rest = nn.Linear(FEATURES, 3 + 136 + 192 + 2)

    def forward(self, features: Tensor, views: Views) -> Tensor:
        """Return the summed loss of (B, 192) features."""
        pose, points, thumbnail, flags = self.rest(features).split((3, 136, 192, 2), dim=1)
        real = views.face > 0.5
        unit = nn.functional.normalize(self.person(features[real]), dim=1)
        small = interpolate(views.images, (8, 8), mode="area").flatten(1)
        places = views.points[real][..., :2].flatten(1)
        truth = torch.stack([views.face, views.damage], dim=1)
        return (
            0.15 * self.arcface(unit, views.person[real])
            + 2 * smooth_l1_loss(pose[real], views.pose[real] / 45, beta=0.1)
            + 5 * smooth_l1_loss(points[real], places, beta=0.02)
            + 5 * smooth_l1_loss(thumbnail, small, beta=0.05)
            + smooth_l1_loss(flags, truth, beta=0.1)
        )


def calibrate(network: FeatureNet, images: np.ndarray, *, ridge: float = 0.1) -> None:
    """Set the feature network's last linear map from clean frames (N, S, S, 3), N ≥ 2.

    Centred, then divided along each principal axis by sqrt(variance + ridge · mean variance), then turned back.
    """
    frames = torch.from_numpy(images).permute(0, 3, 1, 2)
    with torch.inference_mode():
        blocks = [frames[start : start + 64].float() / 255.0 for start in range(0, len(frames), 64)]
        raw = torch.cat([network(block) for block in blocks]).double()
    middle = raw.mean(0)
    variance, axes = torch.linalg.eigh(torch.cov(raw.T))
    matrix = (axes / torch.sqrt(variance.clamp(min=0) + ridge * variance.mean())) @ axes.T
    network.calibrate.weight.data = matrix.float()
    network.calibrate.bias.data = (-matrix @ middle).float()


def _channels_last(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last)


def _cosine(done: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * done))


def main(arguments: list[str] | None = None) -> None:
    """Render the people, train the networks asked for and write ``<name>.safetensors`` into the folder."""
    from dgbench.synthface.head.load import load_head

    parser = argparse.ArgumentParser(prog="python -m dgbench.training.judges.train", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the renders and the weights")
    parser.add_argument("--head", type=Path, default=None, help="head model; else DGBENCH_HEAD or the cache")
    parser.add_argument("--only", choices=TRAINED, action="append", help="train this network only (repeatable)")
    parser.add_argument("--workers", type=int, default=1, help="processes that render (default 1)")
    parser.add_argument("--start", type=Path, default=None, help="folder of weights to go on from")
    for name, value in asdict(Recipe()).items():
        parser.add_argument(f"--{name}", type=type(value), default=value, help=f"default {value}")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    recipe = Recipe(**{name: getattr(chosen, name) for name in asdict(Recipe())})
    paths = render_people(
        load_head(chosen.head),
        chosen.out / "train",
        first=TRAIN_FIRST,
        people=recipe.people,
        images=recipe.images,
        seed=recipe.seed,
        workers=chosen.workers,
        progress=True,
    )
    maker = ViewMaker(read_faces(paths))
    for name in chosen.only or TRAINED:
        network = train(name, maker, recipe, start=chosen.start)
        metadata = {"network": name, "recipe": digest(asdict(recipe)), "trained_on": "synthface"}
        save(network, chosen.out / f"{name}.safetensors", metadata=metadata)
        log.info("%s", chosen.out / f"{name}.safetensors")


if __name__ == "__main__":
    main()
