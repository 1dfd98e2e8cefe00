"""``dgbench train dg``: the Dual-Generator on a protocol's training people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dgbench.cli.options import DataRoot, Weights
from dgbench.cli.output import AsJson, emit
from dgbench.cli.progress import progress_bar
from dgbench.core.errors import UsageError, WorkFailedError

if TYPE_CHECKING:
    from dgbench.models.dg.checkpoint import Checkpoint
    from dgbench.models.dg.face_encoder import Joined
    from dgbench.training.dg.config import TrainConfig
    from dgbench.training.dg.frames import FrameBank
    from dgbench.training.dg.validation import Validation


def dg(
    protocol: Annotated[
        list[str],
        typer.Option("--protocol", help="Whose training people are used; repeat to join several."),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for checkpoints, log and the trained model.")],
    data: DataRoot = None,
    preset: Annotated[str, typer.Option("--preset", help="paper, compat, or small (minutes on a CPU).")] = "paper",
    config: Annotated[
        Path | None, typer.Option("--config", help="YAML file with settings that differ from the preset.")
    ] = None,
    start: Annotated[
        Path | None, typer.Option("--start", help="Finished model to begin with; its settings are kept.")
    ] = None,
    start_part: Annotated[
        list[str] | None, typer.Option("--start-part", help="Take only this half of --start: idsg or rfg.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of weights and batches; else the preset's.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the newest checkpoint in --out.")] = False,
    device: Annotated[str, typer.Option("--device", help="cpu or cuda.")] = "cpu",
    devices: Annotated[int, typer.Option("--devices", min=1, help="Processes (DDP) to train with.")] = 1,
    stop_after: Annotated[
        int | None, typer.Option("--stop-after", min=1, help="End this sitting after so many steps in all.")
    ] = None,
    judges: Annotated[
        str, typer.Option("--judges", help="Judges of the validation people: embedded, open or standard.")
    ] = "embedded",
    weights: Weights = None,
    as_json: AsJson = False,
) -> None:
    """Train a Dual-Generator: stage self, then stage cross; the same command with --resume goes on.

    Only the protocol's training people are seen. The trained model lies in --out itself, ready for
    `dgbench run --method dg --checkpoint OUT`.
    """
    from dgbench.engine.run.data import open_data
    from dgbench.engine.run.interrupt import graceful_stop
    from dgbench.methods.devices import check_device
    from dgbench.models.dg.checkpoint import PARTS, load_checkpoint
    from dgbench.models.dg.detected import DetectedSource
    from dgbench.models.dg.face_encoder import build_face_encoder
    from dgbench.protocols.registry import load_protocol
    from dgbench.training.dg.config_file import load_config
    from dgbench.training.dg.features import cached_features
    from dgbench.training.dg.frames import FrameBank
    from dgbench.training.dg.frozen import load_frozen
    from dgbench.training.dg.loop import is_first_process, train
    from dgbench.training.dg.protocol_rows import joined
    from dgbench.training.dg.validation import hold_out

    if ":" in device:
        raise UsageError(f"--device {device}: training takes cpu or cuda; CUDA_VISIBLE_DEVICES says which")
    check_device(device, count=devices)
    if start_part and start is None:
        raise UsageError("--start-part says which half of --start is taken; give --start too")
    chosen: TrainConfig = load_config(preset, config)
    if seed is not None:
        chosen = chosen.model_copy(update={"seed": seed})
    begun, parts = load_checkpoint(start) if start else None, tuple(start_part or PARTS)
    if unknown := set(parts) - set(PARTS):
        raise UsageError(f"--start-part {unknown.pop()}: the halves of a model are {' and '.join(PARTS)}")
    if begun is not None:
        other: dict[str, object] = {"idsg": chosen.model.idsg} if "idsg" not in parts else {}
        other |= {"rfg": chosen.model.rfg, "map": chosen.model.map} if "rfg" not in parts else {}
        chosen = chosen.model_copy(update={"model": begun.config.model_copy(update=other)})
    loaded = [load_protocol(name) for name in protocol]
    if data is not None and len(loaded) > 1:
        raise UsageError("--data is for one protocol; name the data of several by DGBENCH_DATA_<DATASET>")
    names = [one.protocol.name for one in loaded]
    opened = [open_data(one, data, weights=weights) for one in loaded]
    source, rows = joined([(one.protocol, o.source, o.pairs) for one, o in zip(loaded, opened, strict=True)])
    if chosen.landmarks == "detected":
        source = DetectedSource(source)
    rows, held = hold_out(rows, chosen.validation_people)
    frozen = load_frozen(chosen, weights=weights)
    encoder = build_face_encoder(chosen.model, weights=weights)
    bank = FrameBank(source, rows, size=chosen.model.size)
    quiet = as_json or not is_first_process()
    encoders = chosen.model.idsg.face_encoders
    with progress_bar("features of the face encoder", quiet=quiet) as move:
        features = cached_features(bank, encoder, names=encoders, folder=out / "cache", progress=move)
    validation = None
    if held and chosen.validate_every:
        validation = _validation(chosen, FrameBank(source, held, size=chosen.model.size), encoder, judges, weights, out)
    with progress_bar(f"training on {' and '.join(names)}", quiet=quiet) as move, graceful_stop() as request:
        summary = train(
            chosen,
            bank=bank,
            features=features,
            frozen=frozen,
            out=out,
            resume=resume,
            start=begun,
            start_parts=parts,
            device=device,
            devices=devices,
            stop_after=stop_after,
            stop=lambda: request.asked,
            validation=validation,
            notes=_notes(names, preset, begun),
            progress=move,
        )
    if summary.stopped:
        raise WorkFailedError(
            f"stopped at step {summary.steps} of {chosen.total_steps}; the checkpoint of that step is in "
            f"{out / 'checkpoints'}; the same command with --resume goes on"
        )
    if not is_first_process():
        return
    state = "finished" if summary.finished else "stopped; add --resume to go on"
    emit(
        {
            "out": str(summary.out),
            "finished": summary.finished,
            "steps": summary.steps,
            "total_steps": chosen.total_steps,
            "resumed_from": summary.resumed_from,
            "seconds": summary.seconds,
            "weights_sha256": summary.weights_sha256,
            "people": len(bank.people),
            "images": len(bank),
            "without_landmarks": bank.left_out,
        },
        f"{summary.steps}/{chosen.total_steps} steps on {len(bank)} images of {len(bank.people)} people in "
        f"{summary.seconds:.0f} s, {state}\n"
        + (
            f"next: dgbench run --protocol PROTOCOL --method dg --checkpoint {out} --out RUN"
            if summary.finished
            else f"checkpoints are in {out / 'checkpoints'}"
        ),
        as_json=as_json,
    )


def _validation(
    config: TrainConfig, bank: FrameBank, encoder: Joined, judges: str, weights: Path | None, out: Path
) -> Validation:
    """Open the judges of the held-out people and let them see the true images."""
    from dgbench.core.card import JUDGE_SETS
    from dgbench.core.errors import did_you_mean
    from dgbench.networks.judges import load_judges
    from dgbench.training.dg.features import cached_features
    from dgbench.training.dg.validation import Validation

    known = {name: name for name in JUDGE_SETS}
    if judges not in known:
        raise UsageError(f"--judges {judges}: the sets are {', '.join(known)}.{did_you_mean(judges, list(known))}")
    features = cached_features(bank, encoder, names=config.model.idsg.face_encoders, folder=out / "cache")
    roles = ("detector", "identity", "pose", "features")
    found = load_judges(known[judges], weights=weights, roles=roles)
    return Validation(bank, features, found, pairs=config.validation_pairs, seed=config.seed)


def _notes(names: list[str], preset: str, begun: Checkpoint | None) -> dict[str, object]:
    """What the model's description says of its origin; a fine-tuned model has also seen what its start had seen."""
    seen = [f"{name} training people" for name in names]
    if begun is None:
        return {"training_data": seen, "preset": preset}
    before = [str(name) for name in begun.notes.get("training_data", ())]
    return {"training_data": [*before, *seen], "preset": preset, "started_from": begun.digest}
