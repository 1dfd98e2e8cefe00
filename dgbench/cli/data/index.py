"""``dgbench data index`` and ``dgbench data prepare``: read a copy of a data set, and prepare a protocol's images."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dgbench.cli.options import DataRoot, Weights
from dgbench.cli.output import AsJson, emit
from dgbench.cli.progress import progress_bar


def index(
    dataset: Annotated[str, typer.Argument(help="Data set: frll, rafd, multipie, voxceleb1, voxceleb2, synthface.")],
    out: Annotated[Path, typer.Option("--out", help="Manifest to write: .parquet or .csv.")],
    root: Annotated[Path | None, typer.Option("--root", help="Folder of the copy [DGBENCH_DATA_<DATASET>].")] = None,
    as_json: AsJson = False,
) -> None:
    """Read a copy of a data set and write its manifest: one row an image or frame.

    Says what was found, what a complete copy holds, and what was left out and why. Nothing is left out silently.
    """
    from dgbench.core.errors import UsageError
    from dgbench.datasets.manifest_file import SUFFIXES, write_manifest
    from dgbench.datasets.registry import data_root, reader

    if out.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--out {out}: a manifest ends in {' or '.join(SUFFIXES)}")
    manifest = reader(dataset)(data_root(dataset, root))
    write_manifest(out, manifest)
    things = [*manifest.found, *(name for name in manifest.expected if name not in manifest.found)]
    lines = [f"{dataset}: {len(manifest.frames)} rows -> {out}"]
    for name in things:
        expected = manifest.expected.get(name)
        lines.append(f"  {name:<28} {manifest.found.get(name, 0):>9}" + (f" of {expected}" if expected else ""))
    for reason, paths in sorted(manifest.skipped.items()):
        lines.append(f"  left out: {len(paths)} x {reason}, such as {paths[0]}")
    emit(
        {
            "dataset": dataset,
            "rows": len(manifest.frames),
            "out": str(out),
            "found": manifest.found,
            "expected": manifest.expected,
            "skipped": manifest.skipped,
        },
        "\n".join(lines),
        as_json=as_json,
    )


def prepare(
    protocol: Annotated[str, typer.Argument(help="Protocol, as id@version (see `protocols list`).")],
    out: Annotated[Path, typer.Option("--out", help="The store: new, or one to go on with.")],
    data: DataRoot = None,
    judges: Annotated[
        str, typer.Option("--judges", help="Networks that find faces: open, standard, embedded.")
    ] = "open",
    weights: Weights = None,
    workers: Annotated[int, typer.Option("--workers", min=0, help="Threads; 0 is one per core.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Detect, find landmarks, crop as the protocol declares, and store: once, for all runs that follow.

    Stopped, the same command goes on and ends in the same bytes. An image that cannot be prepared is kept in the
    store's ledger with its reason; then the exit code is 1 and everything else is still usable.
    """
    from typing import get_args

    from dgbench.core.card import JudgeSet
    from dgbench.core.errors import UsageError, WorkFailedError
    from dgbench.preprocess.protocol_store import prepare_protocol
    from dgbench.protocols.registry import load_protocol

    if judges not in get_args(JudgeSet):
        raise UsageError(f"--judges {judges}: one of {', '.join(get_args(JudgeSet))}")
    loaded = load_protocol(protocol)
    with progress_bar(f"prepare {loaded.protocol.name}", quiet=as_json) as move:
        done = prepare_protocol(
            loaded,
            data,
            out,
            judges=judges,  # type: ignore[arg-type]  # checked above
            weights=weights,
            workers=workers,
            progress=move,
        )
    images = done.images
    lines = [
        f"protocol            {loaded.protocol.name}",
        f"pairs covered       {done.pairs}/{done.expected}",
        f"images prepared     {images.written}/{images.asked} -> {out}",
        *(f"  cropped by        {count} x {name}" for name, count in images.origins.items()),
        *(f"  failed            {count} x {kind}" for kind, count in images.failed.items()),
        f"  no landmarks      {images.without_landmarks}",
        f"pictures            {done.inputs}",
        *([f"outside photographs {done.outside}; not compared"] if done.outside else []),
        f"images missing      {len(done.missing)}" + (f", such as {done.missing[0]}" if done.missing else ""),
        f"next                dgbench run --protocol {loaded.protocol.name} --data {out} --method NAME --out RUN",
    ]
    emit(
        {
            "protocol": loaded.protocol.name,
            "store": str(out),
            "pairs": done.pairs,
            "expected_pairs": done.expected,
            "images": {"asked": images.asked, "written": images.written, "without_landmarks": images.without_landmarks},
            "cropped_by": images.origins,
            "failed": images.failed,
            "missing": done.missing,
            "inputs": done.inputs,
            "outside": asdict(done.outside) if done.outside else None,
            "skipped": {reason: len(paths) for reason, paths in done.skipped.items()},
        },
        "\n".join(lines),
        as_json=as_json,
    )
    if images.failed:
        failed = sum(images.failed.values())
        use = (
            f"{out} is usable, and pairs that need them are counted as failures"
            if images.written
            else f"nothing in {out} can be used"
        )
        first = next(iter(images.reasons.values()), "")
        raise WorkFailedError(f"{failed} of {images.asked} images could not be prepared ({first}); {use}")
