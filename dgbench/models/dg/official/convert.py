"""``weights import-official``: official files in, one checkpoint folder of ours out, either half or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from dgbench.core.errors import MissingError, UsageError
from dgbench.core.record import PlainText
from dgbench.models.dg.checkpoint import load_checkpoint, save_model
from dgbench.models.dg.config import DgConfig
from dgbench.models.dg.idsg import ShapeGenerator
from dgbench.models.dg.official.networks import OfficialFile, read_official

#: What the authors' weights were trained on, unless they lie in the folder of another data set.
TRAINED_ON = ("VoxCeleb1",)


@dataclass(frozen=True)
class ImportReport:
    """What was imported: halves now in the folder, digest of its weights, and what each file turned out to be.

    ``training_data`` is what either half has seen, as records of runs with the model will declare it.
    """

    folder: Path
    parts: tuple[str, ...]
    weights_sha256: str
    files: Mapping[str, Mapping[str, Any]]
    config: DgConfig
    training_data: tuple[str, ...]


def import_official(
    files: list[Path],
    out: Path,
    *,
    map_value: float = 1.0,
    second_head: bool = False,
    trained_on: Sequence[str] = TRAINED_ON,
) -> ImportReport:
    """Import one or two official files into ``out``; a half that is already there and not given stays.

    Args:
        files: ``*_nets_ema.ckpt`` of the IDSG, of the RFG, or both, in any order.
        out: the checkpoint folder.
        map_value: brightness of map lines (1, or 1/255 for parity with the released demo).
        second_head: keep the generator's unused second head.
        trained_on: the data sets that these files were trained on; a file does not tell.

    Raises:
        MissingError: a file is not there. UsageError: a file is not what it should be, both are one kind, or a data
            set's name is none that a record may hold.
    """
    _require_plain(trained_on)
    read = [read_official(path, map_value=map_value, second_head=second_head) for path in files]
    kinds = [one.kind for one in read]
    if len(set(kinds)) != len(kinds):
        raise UsageError(f"both files are {kinds[0]} checkpoints; give one IDSG and one RFG file")
    config, state, notes, parts = _existing(out)
    for path, one in zip(files, read, strict=True):
        config = _merge(config, one)
        prefix = ("shape.",) if one.kind == "idsg" else ("face.", "style.")
        state = {name: tensor for name, tensor in state.items() if not name.startswith(prefix)}
        state.update(_state_of(one))
        notes[one.kind] = {
            "file": path.name,
            "sha256": one.sha256,
            "dropped": list(one.dropped),
            "training_data": list(trained_on),
        }
        parts = tuple(sorted({*parts, one.kind}))
    if config is None:
        raise UsageError("no official file given; name an IDSG or an RFG *_nets_ema.ckpt")
    seen = tuple(dict.fromkeys(name for note in notes.values() for name in note.get("training_data", ())))
    described = {"origin": "official", "training_data": list(seen), **notes}
    digest = save_model(out, state, config=config, parts=parts, notes=described)
    return ImportReport(out, parts, digest, files=notes, config=config, training_data=seen)


def _require_plain(names: Sequence[str]) -> None:
    for name in names:
        try:
            TypeAdapter(PlainText).validate_python(name)
        except ValidationError as error:
            raise UsageError(
                f"--trained-on '{name}': name a data set in letters, digits and plain punctuation"
            ) from error


def _existing(out: Path) -> tuple[DgConfig | None, dict[str, Tensor], dict[str, Any], tuple[str, ...]]:
    try:
        there = load_checkpoint(out)
    except MissingError:
        return None, {}, {}, ()
    if there.notes.get("origin") != "official":
        raise UsageError(f"{out}: holds a model that was trained here; choose another folder for official weights")
    notes = {kind: there.notes[kind] for kind in there.parts if kind in there.notes}
    return there.config, dict(there.state), notes, there.parts


def _merge(config: DgConfig | None, one: OfficialFile) -> DgConfig:
    if config is None:
        return one.config
    if one.kind == "idsg":
        return config.model_copy(update={"idsg": one.config.idsg})
    return config.model_copy(update={"rfg": one.config.rfg, "map": one.config.map, "size": one.config.size})


def _state_of(one: OfficialFile) -> dict[str, Tensor]:
    if one.kind == "rfg":
        return {
            f"{name}.{key}": value
            for name in ("face", "style")
            for key, value in one.modules[name].state_dict().items()
        }
    shape = ShapeGenerator(one.config.idsg)
    shape.landmark_encoder.load_state_dict(one.modules["landmark_encoder"].state_dict())
    shape.landmark_decoder.load_state_dict(one.modules["landmark_decoder"].state_dict())
    return {f"shape.{key}": value for key, value in shape.state_dict().items()}
