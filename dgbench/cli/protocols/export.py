"""``dgbench protocols export``: a protocol's inputs as plain files, for any method in any language."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dgbench.cli.options import DataRoot, Weights
from dgbench.cli.output import AsJson, emit
from dgbench.cli.progress import progress_bar
from dgbench.core.errors import UsageError, WorkFailedError

if TYPE_CHECKING:
    from dgbench.core.protocol import Protocol

_TEST = """\
`pairs.csv` has one row per pair: `pair_id`, and the paths of `source` (who) and `reference` (which pose and
expression). For each row write one image, {size} x {size} pixels, as `IMAGES/<pair_id>.png`: the person of the source
in the pose and expression of the reference. Then score them:

```sh
dgbench score --protocol {name}{data} --outputs IMAGES --method my-method --out runs/my-method
```

A method may not look at other rows' images to answer one row{targets}.
"""
_TRAIN = """\
`pairs.csv` has one row per training pair: `pair_id`, and the paths of `source` (who) and `reference` (which pose and
expression){targets}. Whoever trains on these people says so when the test images are scored:

```sh
dgbench score --protocol {name}{data} --outputs IMAGES --method my-method --out runs/my-method \\
    --trained-on {trained_on}
```
"""
_BOTH = """
Images are uint8 RGB in the protocol's crop (`{crop}`, {size} px). `images.csv` names the data set's key and the sha256
of each file. Where landmarks are known, `landmarks/` has one JSON file per image: 68 iBUG points [x, y, z] in pixels of
the image, x right, y down; `pairs.csv` then names them as `source_landmarks` and `reference_landmarks`.

Licence of the images: {licence}
"""


def export(
    name: Annotated[str, typer.Argument(metavar="ID", help="Protocol, as id@version, or id for its newest version.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="A new folder, or one to go on with.")],
    data: DataRoot = None,
    split: Annotated[
        str | None, typer.Option("--split", help="test, or train: the training pairs of the same data.")
    ] = None,
    with_targets: Annotated[bool, typer.Option("--with-targets", help="Write the targets too.")] = False,
    weights: Weights = None,
    as_json: AsJson = False,
) -> None:
    """Write a protocol's source and reference images and its pair list as plain files, with the scoring command.

    Stopped, the same command goes on. Exit code 1 where images could not be had: their pairs are left out, and named.
    """
    from dgbench.engine.run.data import open_data
    from dgbench.protocols.export import export_pairs
    from dgbench.protocols.registry import load_protocol, training_part

    asked = loaded = load_protocol(name)
    if split not in (None, "test", "train"):
        raise UsageError(f"--split '{split}': test or train")
    if split == "train":
        loaded = training_part(asked)
    elif split == "test" and asked.protocol.purpose != "test":
        raise UsageError(f"{asked.protocol.name}: is a training protocol; name the test protocol itself")
    protocol = loaded.protocol
    opened = open_data(loaded, data, weights=weights)
    readme = _readme(protocol, asked.protocol, data, with_targets=with_targets)
    with progress_bar(f"export {protocol.name}", quiet=as_json) as move:
        done = export_pairs(
            protocol, opened.pairs, opened.source, out, with_targets=with_targets, readme=readme, progress=move
        )
    lines = [
        f"protocol   {protocol.name}",
        f"pairs      {done.pairs}/{opened.expected} -> {out / 'pairs.csv'}",
        f"images     {done.images}",
        f"landmarks  {done.landmarks or 'none known'}",
        *([f"missing    {len(opened.missing_keys)} images of this copy"] if opened.missing_keys else []),
        f"next       {out / 'README.md'}",
    ]
    emit(
        {
            "protocol": protocol.name,
            "out": str(out),
            "pairs": done.pairs,
            "expected_pairs": opened.expected,
            "images": done.images,
            "landmarks": done.landmarks,
            "missing_images": opened.missing_keys,
            "failed": done.failed,
        },
        "\n".join(lines),
        as_json=as_json,
    )
    if done.failed:
        first = next(iter(done.failed.values()))
        raise WorkFailedError(f"{len(done.failed)} images could not be exported, such as {first}")


def _readme(protocol: Protocol, asked: Protocol, data: Path | None, *, with_targets: bool) -> str:
    facts = {
        "size": protocol.frame.size,
        "crop": protocol.frame.crop,
        "data": f" --data {shlex.quote(str(data.absolute()))}" if data is not None else "",
        "licence": protocol.licence or "not stated",
    }
    if protocol.purpose == "train":
        told = (
            ", and of `target`, what that person looks like there" if with_targets else "; --with-targets adds targets"
        )
        test = asked.name if asked.purpose == "test" else "TEST-PROTOCOL"
        head = _TRAIN.format(name=test, trained_on=protocol.name, targets=told, **facts)
    else:
        told = ", and never at `target`, which is the answer" if with_targets else ""
        head = _TEST.format(name=protocol.name, targets=told, **facts)
    return head + _BOTH.format(**facts)
