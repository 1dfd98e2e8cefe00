"""A trained or imported model on disk: ``model.safetensors`` and ``dg.json``, the latter written last."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from dgbench.core.digests import sha256_bytes
from dgbench.core.errors import MissingError, UsageError
from dgbench.io.atomic import write_bytes, write_json
from dgbench.models.dg.config import DgConfig
from dgbench.models.dg.model import DgModel

_FORMAT = "dgbench-dg"
_VERSION = 1
#: The two halves that a checkpoint may hold and the modules that belong to each.
PARTS: dict[str, tuple[str, ...]] = {"idsg": ("shape",), "rfg": ("face", "style")}


@dataclass(frozen=True)
class Checkpoint:
    """What stands in a checkpoint folder.

    Attributes:
        config: the model's configuration.
        parts: which of ``idsg`` and ``rfg`` are there.
        digest: sha256 of the weights.
        notes: plain data about where the weights come from (training data, steps, official file).
        state: the weights, by module path in :class:`DgModel`.
    """

    config: DgConfig
    parts: tuple[str, ...]
    digest: str
    notes: Mapping[str, Any]
    state: Mapping[str, Tensor]

    def model(self) -> DgModel:
        """Build the model in evaluation mode.

        Raises:
            UsageError: a half is missing, or weights and configuration disagree.
        """
        missing = [part for part in PARTS if part not in self.parts]
        if missing:
            raise UsageError(
                f"checkpoint holds {', '.join(self.parts)} only; reenactment needs {', '.join(missing)} too "
                "(import the other official file into the same folder)"
            )
        model = DgModel(self.config)
        try:
            model.load_state_dict(dict(self.state), strict=True)
        except RuntimeError as error:
            first = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
            raise UsageError(f"weights do not fit their own dg.json ({first}); export the model again") from error
        return model.eval()


def save_model(
    folder: Path,
    state: Mapping[str, Tensor],
    *,
    config: DgConfig,
    parts: tuple[str, ...],
    notes: Mapping[str, Any],
    half: bool = False,
) -> str:
    """Write a checkpoint and return the sha256 of its weights. ``dg.json`` comes last and names that digest.

    With ``half`` the matrices are written in half precision; vectors are few and keep theirs.
    """
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    if half:
        kept = {
            name: tensor.half() if tensor.ndim > 1 and tensor.is_floating_point() else tensor
            for name, tensor in kept.items()
        }
    data = safetensors.torch.save(kept)
    digest = sha256_bytes(data)
    write_bytes(folder / "model.safetensors", data)
    write_json(
        folder / "dg.json",
        {
            "format": _FORMAT,
            "version": _VERSION,
            "config": config.model_dump(mode="json"),
            "parts": list(parts),
            "weights_sha256": digest,
            "notes": dict(notes),
        },
    )
    return digest


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read and check a checkpoint folder.

    Raises:
        MissingError: there is no such checkpoint.
        UsageError: it is another kind of file, damaged, or of a version that is not known.
    """
    if folder.is_file():
        raise UsageError(
            f"{folder}: a DG checkpoint is a folder with dg.json and model.safetensors, and pickled files are never "
            "run; the authors' files are converted by `dgbench weights import-official`"
        )
    described, weights = folder / "dg.json", folder / "model.safetensors"
    if not described.is_file() or not weights.is_file():
        raise MissingError(
            f"{folder}: no DG checkpoint here (dg.json and model.safetensors); make one with `dgbench train dg` "
            "or `dgbench weights import-official`"
        )
    try:
        card = json.loads(described.read_text(encoding="utf-8"))
        if card["format"] != _FORMAT or card["version"] != _VERSION:
            raise UsageError(
                f"{described}: format {card['format']!r} version {card['version']!r}; "
                f"this program reads {_FORMAT!r} version {_VERSION}"
            )
        config = DgConfig.model_validate(card["config"])
        parts, digest = tuple(map(str, card["parts"])), str(card["weights_sha256"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"{described}: not a DG checkpoint description; export the model again") from error
    data = weights.read_bytes()
    if sha256_bytes(data) != digest:
        raise UsageError(f"{weights}: content differs from the sha256 in dg.json; copy the folder again")
    try:
        state = safetensors.torch.load(data)
    except SafetensorError as error:
        raise UsageError(f"{weights}: not a safetensors file ({error}); copy the folder again") from error
    return Checkpoint(config=config, parts=parts, digest=digest, notes=card.get("notes", {}), state=state)


def part_of(checkpoint: Checkpoint, part: str) -> dict[str, Tensor]:
    """Return the weights of one half (``idsg`` or ``rfg``) of a checkpoint by module path; it may hold that half alone.

    Raises:
        UsageError: it does not hold it, or weights and configuration disagree.
    """
    if part not in checkpoint.parts:
        raise UsageError(f"the checkpoint to start with holds {', '.join(checkpoint.parts)} only, not {part}")
    prefixes = tuple(f"{name}." for name in PARTS[part])
    wanted = {
        name: tensor for name, tensor in DgModel(checkpoint.config).state_dict().items() if name.startswith(prefixes)
    }
    found = {name: tensor for name, tensor in checkpoint.state.items() if name.startswith(prefixes)}
    if {name: tensor.shape for name, tensor in found.items()} != {name: t.shape for name, t in wanted.items()}:
        raise UsageError(
            f"the weights of {part} in the checkpoint to start with do not fit its dg.json; export it again"
        )
    return found
