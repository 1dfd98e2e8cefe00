"""Everything that a training run carries from step to step, and its checkpoints: safetensors and JSON, no pickle."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from dgbench.core.digests import digest, sha256_bytes
from dgbench.core.errors import UsageError
from dgbench.io.atomic import write_bytes, write_json
from dgbench.models.dg.blocks import compile_norms
from dgbench.models.dg.model import Critics, DgModel
from dgbench.training.dg.config import TrainConfig

_FOLDER = "checkpoints"
#: Settings of rounding, and of what is written and when: they may change when a run goes on.
_REPORTING = {
    "save_every",
    "grid_every",
    "log_every",
    "keep_checkpoints",
    "validate_every",
    "validation_pairs",
    "half_export",
}


class TrainState:
    """Networks, averaged networks, optimisers and the number of steps done.

    Attributes:
        model, critics: the networks in training.
        average: the exponential moving average of ``model``; starts as its copy.
        optimisers: ``shape``, ``landmark``, ``identity``, ``face``, ``face_critics``.
        step: steps done over all phases.
    """

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        self.model = DgModel(config.model, seed=config.seed)
        self.critics = Critics(config.model, seed=config.seed)
        self.average = DgModel(config.model, seed=config.seed).requires_grad_(False)
        self.step = 0
        self.optimisers: dict[str, Optimizer] = {}

    def prepare(self, device: torch.device, *, fused: bool | None = None) -> None:
        """Move everything to ``device``, set layouts, and make the optimisers (fused where the device has it)."""
        layout = torch.channels_last if self.config.channels_last else torch.contiguous_format
        for module in (self.model, self.critics, self.average):
            module.to(device)
            for image_network in _image_networks(module):
                image_network.to(memory_format=layout)  # type: ignore[call-overload]
        if self.config.compiled:
            compile_norms(self.model.face)
        idsg, rfg = self.config.idsg, self.config.rfg
        groups: dict[str, tuple[list[nn.Parameter], float, tuple[float, float], float]] = {
            "shape": (list(self.model.shape.parameters()), idsg.lr, idsg.betas, idsg.weight_decay),
            "landmark": (list(self.critics.landmark.parameters()), idsg.lr, idsg.betas, idsg.weight_decay),
            "identity": (
                list(self.critics.identity.parameters()),
                idsg.lr_classifier,
                idsg.betas,
                idsg.weight_decay,
            ),
            "face": (
                [*self.model.face.parameters(), *self.model.style.parameters()],
                rfg.lr,
                rfg.betas,
                rfg.weight_decay,
            ),
            "face_critics": (
                list(self.critics.face.parameters()),
                rfg.lr_discriminators,
                rfg.betas,
                rfg.weight_decay,
            ),
        }
        self.optimisers = {
            name: Adam(parameters, lr=lr, betas=betas, weight_decay=decay, fused=True if fused is None else fused)
            for name, (parameters, lr, betas, decay) in groups.items()
        }

    @torch.no_grad()
    def move_average(self, names: tuple[str, ...]) -> None:
        """Let the average follow the named parts (``shape``, ``face``, ``style``) by one step."""
        for name in names:
            live = list(getattr(self.model, name).parameters())
            mean = list(getattr(self.average, name).parameters())
            torch._foreach_lerp_(mean, live, 1 - self.config.ema)

    def tensors(self) -> dict[str, Tensor]:
        """Return every tensor of the state under one flat name each."""
        flat: dict[str, Tensor] = {}
        for prefix in ("model", "critics", "average"):
            for name, value in getattr(self, prefix).state_dict().items():
                flat[f"{prefix}.{name}"] = value
        for label, optimiser in self.optimisers.items():
            for index, slots in optimiser.state_dict()["state"].items():
                for slot, value in slots.items():
                    flat[f"optimiser.{label}.{index}.{slot}"] = torch.as_tensor(value)
        return flat

    def load_tensors(self, flat: Mapping[str, Tensor]) -> None:
        """Put tensors of :meth:`tensors` back.

        Raises:
            UsageError: they are not this configuration's.
        """
        try:
            for prefix in ("model", "critics", "average"):
                start = f"{prefix}."
                own = {name[len(start) :]: value for name, value in flat.items() if name.startswith(start)}
                getattr(self, prefix).load_state_dict(own, strict=True)
        except RuntimeError as error:
            raise UsageError(
                "the training checkpoint is not of this configuration; train into a new folder, "
                "or give the --config that the run began with"
            ) from error
        for label, optimiser in self.optimisers.items():
            slots: dict[int, dict[str, Tensor]] = {}
            start = f"optimiser.{label}."
            for name, value in flat.items():
                if name.startswith(start):
                    index, slot = name[len(start) :].split(".")
                    slots.setdefault(int(index), {})[slot] = value
            description = optimiser.state_dict()
            optimiser.load_state_dict({"state": slots, "param_groups": description["param_groups"]})
            _match_layouts(optimiser)


def _match_layouts(optimiser: Optimizer) -> None:
    """Give every moment the memory layout of its parameter: fused optimisers walk both as flat memory."""
    for parameter, slots in optimiser.state.items():
        for slot, value in slots.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                slots[slot] = torch.empty_like(parameter, memory_format=torch.preserve_format).copy_(value)


def _image_networks(module: nn.Module) -> list[nn.Module]:
    return [child for name, child in module.named_children() if name in ("face", "style")]


def save_state(state: TrainState, out: Path, *, extra: Mapping[str, Any]) -> Path:
    """Write a training checkpoint; ``state.json`` comes last and is what makes it one. Old ones are then removed."""
    folder = out / _FOLDER / f"step-{state.step:09d}"
    data = safetensors.torch.save({name: value.detach().cpu().contiguous() for name, value in state.tensors().items()})
    write_bytes(folder / "state.safetensors", data)
    write_json(
        folder / "state.json",
        {
            "step": state.step,
            "config": config_digest(state.config),
            "sha256": sha256_bytes(data),
            "extra": dict(extra),
        },
    )
    for old in finished_checkpoints(out)[: -state.config.keep_checkpoints]:
        (old / "state.json").unlink()  # first, so that a half-removed folder is never taken for a checkpoint
        shutil.rmtree(old)
    return folder


def config_digest(config: TrainConfig) -> str:
    """Return the digest of what decides a run's steps.

    Settings at their defaults are left out, so that a setting which a later version adds keeps older runs going.
    """
    return digest(config.model_dump(mode="json", exclude_defaults=True, exclude=_REPORTING))


def checkpoint_bytes(state: TrainState) -> int:
    """Return what a training checkpoint takes once every optimiser has both of its moments."""
    networks = sum(tensor.nbytes for name, tensor in state.tensors().items() if not name.startswith("optimiser."))
    learning = [
        p for optimiser in state.optimisers.values() for group in optimiser.param_groups for p in group["params"]
    ]
    return networks + 2 * sum(parameter.nbytes for parameter in learning)


def finished_checkpoints(out: Path) -> list[Path]:
    """Return the folders of finished training checkpoints, oldest first."""
    return sorted(path.parent for path in (out / _FOLDER).glob("step-*/state.json"))


def load_state(state: TrainState, out: Path) -> dict[str, Any] | None:
    """Go on from the newest whole checkpoint of ``out``; returns its extra data, or ``None`` where there is none.

    A checkpoint whose content differs from its digest is passed over for the one before.

    Raises:
        UsageError: the checkpoint belongs to another configuration, or all are damaged.
    """
    found = finished_checkpoints(out)
    for folder in reversed(found):
        try:
            card = json.loads((folder / "state.json").read_text(encoding="utf-8"))
            data = (folder / "state.safetensors").read_bytes()
            if sha256_bytes(data) != card["sha256"]:
                continue
            flat = safetensors.torch.load(data)
            step, extra, config = int(card["step"]), dict(card["extra"]), str(card["config"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError, SafetensorError):
            continue
        if config != config_digest(state.config):
            raise UsageError(
                f"{out}: was trained with another configuration; give the --config that it began with, or another --out"
            )
        state.load_tensors(flat)
        state.step = step
        return extra
    if found:
        raise UsageError(f"{out}: every training checkpoint is damaged; start again in another folder")
    return None
