"""Judging the averaged model on people who are neither trained on nor in any test, while training goes on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dgbench.core.errors import UsageError
from dgbench.core.face import FaceObservation, Image
from dgbench.io.atomic import write_json
from dgbench.metrics.frechet import frechet
from dgbench.metrics.pose import geodesic
from dgbench.metrics.sharpness import sharpness
from dgbench.metrics.ssim import ssim
from dgbench.models.dg.model import DgModel
from dgbench.models.dg.resize import resized
from dgbench.networks.judges import Judges
from dgbench.training.dg.draws import Drawer
from dgbench.training.dg.frames import FrameBank, TrainingRow

_CHUNK = 16
_ROLES = ("detector", "identity", "pose")


def hold_out(rows: Sequence[TrainingRow], people: int) -> tuple[list[TrainingRow], list[TrainingRow]]:
    """Part rows into those to train on and those of the last ``people`` people, in the order of their ids.

    Raises:
        UsageError: fewer than two people would be left on either side.
    """
    names = sorted({row.subject for row in rows})
    if people and not 2 <= people <= len(names) - 2:
        raise UsageError(
            f"validation_people is {people}; of {len(names)} people, 0 or 2 to {len(names) - 2} can be held out"
        )
    held = set(names[len(names) - people :])
    return [row for row in rows if row.subject not in held], [row for row in rows if row.subject in held]


@dataclass(frozen=True)
class Verdict:
    """What one validation found: values by name, their ``score``, and the pictures that it judged.

    Attributes:
        values: means over pairs; ``csim`` cosine to the source, ``rank1`` share of pairs whose face is nearest to its
            own person among the targets of the same cell, ``pose_error`` degrees, ``sharpness`` of generated over that
            of true images, ``half_power_cycles`` the frequency per image from which generated images hold less than
            half of the true ones' power, ``ssim``, ``fd``, ``detected``.
        score: what the best checkpoint has most of: csim + rank1.
        rows: source, map, generated and target images (N, 3, S, S) of the first pairs.
    """

    values: dict[str, float]
    score: float
    rows: list[Tensor]


class Validation:
    """A fixed list of cross pairs of held-out people, and what the judges see in their true images.

    Args:
        bank: the held-out people's images.
        features: (N, D) of the frozen face encoder for them.
        judges: with the roles detector, identity, pose and features. They are asked at the size of the stored images.
        pairs: how many.
        seed: of the list.
    """

    def __init__(self, bank: FrameBank, features: Tensor, judges: Judges, *, pairs: int, seed: int) -> None:
        self._bank, self._features, self._judges = bank, features, judges
        drawn = Drawer(bank, seed=seed).draw("validation", 0, 4 * pairs)
        known = np.flatnonzero(drawn.truth >= 0)[:pairs]
        if not len(known):
            raise UsageError("the held-out people share no cell, so that no cross pair of theirs has a true target")
        self._reference, self._source, self._truth = (
            rows[known] for rows in (drawn.reference, drawn.other, drawn.truth)
        )
        self._images = [bank.original(int(row))[0] for row in range(len(bank))]
        self._seen = self._judged(self._images)
        self._power = _power([self._small(row) for row in self._truth])
        self._true_features = judges.features([self._images[row] for row in self._truth])

    def judge(self, model: DgModel, *, device: torch.device) -> Verdict:
        """Generate the pairs with ``model`` and judge them."""
        images, maps = self._generate(model, device)
        made = [_pixels(image) for image in images]
        large = [resized(image, self._images[0].shape[0]) for image in made]
        seen = self._judged(large)
        names = [self._bank.rows[row] for row in self._truth]
        csim, hits, poses = [], [], []
        for index, one in enumerate(seen):
            truth, source = self._seen[self._truth[index]], self._seen[self._source[index]]
            csim.append(_cosine(one, source))
            hits.append(self._nearest(one, names[index]))
            if one.pose is not None and truth.pose is not None:
                poses.append(geodesic(one.pose, truth.pose))
        true_sharpness = np.mean([sharpness(self._small(row)) for row in self._truth])
        values = {
            "csim": float(np.mean(csim)),
            "rank1": float(np.mean(hits)),
            "pose_error": float(np.mean(poses)) if poses else 180.0,
            "detected": float(np.mean([one.detected for one in seen])),
            "ssim": float(np.mean([ssim(m, self._small(row)) for m, row in zip(made, self._truth, strict=True)])),
            "sharpness": float(np.mean([sharpness(image) for image in made]) / true_sharpness),
            "half_power_cycles": _half_power(_power(made), self._power),
            "fd": frechet(self._judges.features(large), self._true_features),
        }
        shown = slice(0, 12)
        sources, targets = (self._bank.images(rows[shown]) for rows in (self._source, self._truth))
        return Verdict(values, values["csim"] + values["rank1"], [sources, maps[shown], images[shown], targets])

    @torch.no_grad()
    def _generate(self, model: DgModel, device: torch.device) -> tuple[Tensor, Tensor]:
        images, maps = [], []
        for start in range(0, len(self._truth), _CHUNK):
            part = slice(start, start + _CHUNK)
            reference, source = torch.from_numpy(self._reference[part]), torch.from_numpy(self._source[part])
            points, visibility = self._bank.points[reference].to(device), self._bank.visibility[reference].to(device)
            features = self._features[source].to(device)
            made = model.target_landmarks(points, visibility, features)
            style = model.style_code(self._bank.images(self._source[part]).to(device), features)
            maps.append(model.rasteriser(made, visibility).cpu())
            images.append(model.draw(made, visibility, style, torch.Generator().manual_seed(0)).float().cpu())
        return torch.cat(images), torch.cat(maps)

    def _judged(self, images: Sequence[Image]) -> list[FaceObservation]:
        return self._judges.observe(images, roles=_ROLES)

    def _small(self, row: int) -> Image:
        return resized(self._images[row], self._bank.size)

    def _nearest(self, one: FaceObservation, wanted: TrainingRow) -> bool:
        if not one.detected or one.embedding is None:
            return False
        gallery = [
            (self._seen[row], self._bank.rows[row].subject)
            for row in range(len(self._bank))
            if self._bank.rows[row].cell == wanted.cell
        ]
        return max((_cosine(one, seen), subject) for seen, subject in gallery)[1] == wanted.subject


def keep_best(out: Path, verdict: Verdict, *, step: int) -> bool:
    """Return whether ``verdict`` beats every earlier one of the run, and take note of it in ``OUT/best``."""
    path = out / "best" / "validation.json"
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        if before["step"] < step and before["score"] >= verdict.score:
            return False
    except (OSError, ValueError, KeyError, TypeError):
        pass  # none yet, or cut short by a crash
    write_json(path, {"step": step, "score": verdict.score, "values": verdict.values})
    return True


def _cosine(first: FaceObservation, second: FaceObservation) -> float:
    if first.embedding is None or second.embedding is None or not first.detected:
        return 0.0
    a, b = first.embedding.astype(np.float64), second.embedding.astype(np.float64)
    return float(a @ b) / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-12)


def _pixels(image: Tensor) -> Image:
    pixels: Image = np.ascontiguousarray((image.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy())
    return pixels


def _power(images: Sequence[Image]) -> NDArray[np.float64]:
    """Return the mean power of grey images by whole cycles per image, 0 to half the side."""
    grey = np.stack([image.astype(np.float64).mean(axis=2) for image in images])
    size = grey.shape[1]
    power = (np.abs(np.fft.fft2(grey - grey.mean(axis=(1, 2), keepdims=True))) ** 2).mean(axis=0)
    cycles = np.fft.fftfreq(size) * size
    radius = np.round(np.hypot(cycles[:, None], cycles[None])).astype(int)
    count = size // 2 + 1
    sums = np.asarray(np.bincount(radius.ravel(), power.ravel()), dtype=np.float64)
    return sums[:count] / np.asarray(np.bincount(radius.ravel()), dtype=np.float64)[:count]


def _half_power(made: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    """Return the lowest frequency from which on generated power stays below half of the true one."""
    below = made < 0.5 * true
    above = np.flatnonzero(~below[1:])
    return float(above[-1] + 2 if len(above) else 1)
