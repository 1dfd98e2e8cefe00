"""``dgbench train baseline``: a third-party method, by its authors' own script, on a protocol's training people."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from dgbench.cli.options import DataRoot, Weights
from dgbench.cli.output import AsJson, emit
from dgbench.cli.progress import progress_bar
from dgbench.core.errors import UsageError


def baseline(
    name: Annotated[str, typer.Argument(help="Third-party method (see `methods list`).")],
    protocol: Annotated[
        list[str], typer.Option("--protocol", help="Whose training people are used; repeat to join several.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for state, log, checkpoint and training.json.")],
    repo: Annotated[Path | None, typer.Option("--repo", help="Checkout of the authors' repository.")] = None,
    python: Annotated[Path | None, typer.Option("--python", help="Interpreter that the method runs in.")] = None,
    data: DataRoot = None,
    size: Annotated[int, typer.Option("--size", min=32, help="Side of the images in pixels.")] = 64,
    budget: Annotated[
        str, typer.Option("--budget", help="Processor (on a GPU: clock) time such as 4h or 90m, or 2000steps.")
    ] = "4h",
    perceptual: Annotated[
        str, typer.Option("--perceptual", help="What a perceptual loss looks at: identity-train, pixels or vgg19.")
    ] = "identity-train",
    config: Annotated[
        Path | None, typer.Option("--config", help="YAML file with further changes of the authors' configuration.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of weights and batches.")] = 0,
    threads: Annotated[int, typer.Option("--threads", min=0, help="CPU threads; 0: the packages' choice.")] = 0,
    any_commit: Annotated[
        bool, typer.Option("--any-commit", help="Run another upstream commit than the verified one.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint in --out, also to a larger budget.")
    ] = False,
    weights: Weights = None,
    as_json: AsJson = False,
) -> None:
    """Train a third-party method by its authors' script; the same command with --resume goes on.

    The script runs from the checkout, untouched, in the method's own interpreter, without network. Only the
    protocol's training people are seen. Budget, people, loss substitutions and versions are written to
    OUT/training.json, which `dgbench run --method NAME --checkpoint OUT/checkpoint.pth.tar` reads.
    """
    from dgbench.engine.run.data import open_data
    from dgbench.methods.baseline_card import load_card
    from dgbench.protocols.registry import load_protocol
    from dgbench.training.baselines.budget import TrainingBudget
    from dgbench.training.baselines.train import CHECKPOINT, TrainingJob, train_baseline
    from dgbench.training.dg.protocol_rows import joined

    if config is not None and not config.is_file():
        raise UsageError(f"--config {config}: no such file")
    loaded = [load_protocol(one) for one in protocol]
    if data is not None and len(loaded) > 1:
        raise UsageError("--data is for one protocol; name the data of several by DGBENCH_DATA_<DATASET>")
    names = tuple(one.protocol.name for one in loaded)
    job = TrainingJob(
        card=load_card(name),
        protocols=names,
        out=out,
        size=size,
        budget=TrainingBudget.parse(budget),
        repo=repo,
        python=python,
        perceptual=perceptual,
        change=config,
        seed=seed,
        threads=threads,
        any_commit=any_commit,
        resume=resume,
        weights=weights,
    )
    opened = [open_data(one, data, weights=weights) for one in loaded]
    source, rows = joined([(one.protocol, o.source, o.pairs) for one, o in zip(loaded, opened, strict=True)])
    with progress_bar(f"training {name} on {' and '.join(names)}", quiet=as_json) as moved:
        note = train_baseline(job, source, rows, exporting=moved, told=_told(moved, quiet=as_json))
    checkpoint = out / CHECKPOINT
    emit(
        {"out": str(out), "checkpoint": str(checkpoint), **note.model_dump(mode="json", exclude={"checkpoint"})},
        f"{name}: {note.steps} steps, {note.samples} samples, {note.seconds:.0f} {note.seconds_of} s on "
        f"{note.images} images of {len(note.people)} people"
        + (f"; {note.loss_substitution}" if note.loss_substitution else "")
        + f"\nnext: dgbench run --protocol PROTOCOL --method {name} --checkpoint {checkpoint} --out RUN",
        as_json=as_json,
    )


def _told(moved: Callable[[int, int], None], *, quiet: bool) -> Callable[[float, dict[str, float]], None]:
    """Return what shows the progress: a bar in per mille of the budget, and the losses about once a minute."""
    last = [0.0]

    def told(share: float, losses: dict[str, float]) -> None:
        moved(round(1000 * share), 1000)
        if not quiet and time.monotonic() - last[0] > 60:
            last[0] = time.monotonic()
            text = ", ".join(f"{name} {value:.3g}" for name, value in losses.items())
            print(f"{100 * share:.1f} % of the budget; {text}", file=sys.stderr)

    return told
