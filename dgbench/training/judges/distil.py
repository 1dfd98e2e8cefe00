"""Train the identity judge on pools: a recogniser of real people teaches near the front, the renderer in profile."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, grid_sample, normalize

from dgbench.core.digests import seed_of
from dgbench.io.atomic import atomic_writer
from dgbench.networks.embedded.identity_nets import IdentityMeasure
from dgbench.training.judges.pool import KINDS, MARGIN, Pool

#: From here on, degrees, the person's frontal mean replaces the teacher's own answer, wholly at the second angle.
BLEND_FROM, BLEND_TO = 30.0, 50.0


@dataclass(frozen=True)
class DistilRecipe:
    """What decides the weights, besides the pools and the versions of the packages."""

    steps: int = 4000
    batch: int = 96
    rate: float = 3e-3
    seed: int = 0
    structure: float = 4.0
    people: float = 0.3


@dataclass(frozen=True)
class Targets:
    """What each sample is taught: unit vectors (N, 128), whether it is taught at all, and people's means (P, 128)."""

    vectors: Tensor
    taught: NDArray[np.bool_]
    means: Tensor
    person: Tensor


def targets_of(pool: Pool) -> Targets:
    """Return the targets: the teacher's vector near the front, the person's frontal mean in profile, mixed between.

    Samples in profile of a person without a frontal view, and samples without a person, are not taught.
    """
    plain = (pool.kind == KINDS.index("plain")) & (pool.person >= 0)
    people = np.unique(pool.person[plain & (np.abs(pool.yaw) < 40)])
    means = np.zeros((len(people), pool.teacher.shape[1]))
    rows = np.full(len(pool.person), -1)
    for index, one in enumerate(people):
        own = plain & (pool.person == one)
        rows[own] = index
        means[index] = pool.teacher[own & (np.abs(pool.yaw) < 40)].mean(0)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    share = np.clip((np.abs(pool.yaw) - BLEND_FROM) / (BLEND_TO - BLEND_FROM), 0, 1)[:, None]
    own_mean = np.where(rows[:, None] >= 0, means[rows], 0.0)
    share = np.where(rows[:, None] >= 0, share, 0.0)
    vectors = (1 - share) * pool.teacher + share * own_mean
    length = np.linalg.norm(vectors, axis=1)
    vectors /= np.maximum(length, 1e-9)[:, None]
    return Targets(
        torch.from_numpy(vectors.astype(np.float32)),
        length > 1e-6,
        torch.from_numpy(means.astype(np.float32)),
        torch.from_numpy(rows),
    )


def framed(crops: NDArray[np.uint8], generator: torch.Generator | None, *, size: int = IdentityMeasure.CROP) -> Tensor:
    """Return (B, 3, size, size) in 0..1 of stored crops; with a generator mirrored, moved and relit a little."""
    images = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255.0
    count = len(images)
    zoom = torch.full((count,), 1 / MARGIN)
    angle, shift, flip = torch.zeros(count), torch.zeros(count, 2), torch.ones(count)
    if generator is not None:
        zoom = zoom * torch.exp(0.04 * torch.randn(count, generator=generator))
        angle = 0.05 * torch.randn(count, generator=generator)
        shift = 0.025 * torch.randn(count, 2, generator=generator)
        flip = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    cosine, sine = zoom * torch.cos(angle), zoom * torch.sin(angle)
    matrices = torch.stack([cosine * flip, -sine, shift[:, 0], sine * flip, cosine, shift[:, 1]], 1).reshape(-1, 2, 3)
    steps = (torch.arange(size) + 0.5) / size * 2 - 1
    rows, columns = torch.meshgrid(steps, steps, indexing="ij")
    view = torch.stack([columns, rows, torch.ones_like(rows)], -1).reshape(-1, 3)
    grid = (view @ matrices.transpose(1, 2)).reshape(count, size, size, 2)
    images = grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    if generator is not None:
        gain = torch.exp(
            0.06 * torch.randn(count, 1, generator=generator) + 0.03 * torch.randn(count, 3, generator=generator)
        )
        images = (images * gain[:, :, None, None]).clamp(0, 1)
    return images.contiguous(memory_format=torch.channels_last)


def distil_loss(found: Tensor, wanted: Tensor, *, structure: float) -> Tensor:
    """Return 1 − cosine with the targets, and the squared error of all cosines within the batch."""
    near = 1 - (found * wanted).sum(1).mean()
    return near + structure * ((found @ found.T - wanted @ wanted.T) ** 2).mean()


def distil(
    pool: Pool,
    recipe: DistilRecipe,
    state: Path,
    *,
    on_step: Callable[[int, nn.Module, float], None] | None = None,
    until: int | None = None,
    save_every: int = 100,
) -> IdentityMeasure:
    """Train and return the network in evaluation mode; resumes from ``state`` (tensors alone) where that file is.

    ``until`` stops before the recipe's last step, so that the pool may grow between two calls.
    """
    targets = targets_of(pool)
    usable = np.flatnonzero(targets.taught)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of("judge-distil", recipe.seed) % (1 << 62))
        network = IdentityMeasure()
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=1e-3)
    steps, last = recipe.steps, min(recipe.steps, until if until is not None else recipe.steps)
    first = 0
    if state.exists():
        kept: dict[str, Any] = torch.load(state, weights_only=True)
        network.load_state_dict(kept["network"])
        optimizer.load_state_dict(kept["optimizer"])
        first = int(kept["step"])
    for step in range(first, last):
        rng = np.random.default_rng(seed_of("judge-distil-batch", recipe.seed, step))
        rows = rng.choice(usable, recipe.batch, replace=False)
        generator = torch.Generator().manual_seed(int(rng.integers(1 << 62)))
        rate = recipe.rate * min(1.0, (step + 1) / 60) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / steps)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        images = framed(pool.crops[rows], generator)
        with torch.autocast("cpu", torch.bfloat16):
            found = network(images)
        found = normalize(found.float(), dim=1)
        loss = distil_loss(found, targets.vectors[rows], structure=recipe.structure)
        person = targets.person[rows]
        if bool((person >= 0).any()):
            logits = 20.0 * found[person >= 0] @ targets.means.T
            loss = loss + recipe.people * cross_entropy(logits, person[person >= 0])
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward([loss])
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        if on_step is not None:
            on_step(step, network, loss.item())
        if (step + 1) % save_every == 0 or step + 1 == last:
            with atomic_writer(state) as handle:
                torch.save(
                    {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1}, handle
                )
    return network.eval()


def embeddings(network: nn.Module, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return unit (N, 128) of stored crops, crop and mirror image summed, as the judge does."""
    rows = []
    with torch.inference_mode():
        for start in range(0, len(crops), 128):
            view = framed(crops[start : start + 128], None)
            rows.append(normalize(network(view) + network(view.flip(3)), dim=1).numpy())
    return np.concatenate(rows)
