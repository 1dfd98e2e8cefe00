"""``dgbench protocols check``: are protocols released as they stand, and do they keep their answers to themselves?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dgbench.cli.options import DataRoot
from dgbench.cli.output import AsJson, emit

if TYPE_CHECKING:
    from dgbench.core.protocol import Protocol
    from dgbench.datasets.manifest import Manifest


def check(
    name: Annotated[
        str, typer.Argument(metavar="[ID|DIR|all]", help="A protocol, the folder of one, or all of them.")
    ] = "all",
    data: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Check protocols: locked and unchanged, names known, people apart, and how many targets are inputs of some pair.

    With --data also for pairs that a rule builds from a copy. Exit code 1 where a protocol is refused.
    """
    from dgbench.core.errors import UsageError, WorkFailedError, did_you_mean
    from dgbench.datasets.registry import DATASETS, reader
    from dgbench.engine.run.known_names import unknown_names
    from dgbench.preprocess.store import PreparedStore, is_store
    from dgbench.protocols.check import check_folder
    from dgbench.protocols.registry import PROTOCOL_FILE, protocol_folders

    folders = protocol_folders()
    if (Path(name) / PROTOCOL_FILE).is_file():
        chosen = [Path(name)]
    elif name == "all":
        chosen = list(folders.values())
    else:
        chosen = [folder for one, folder in folders.items() if name in (one, one.partition("@")[0])]
    if not chosen:
        raise UsageError(f"no protocol '{name}'.{did_you_mean(name, list(folders))}")

    def manifest(protocol: Protocol) -> Manifest | None:
        if data is None or DATASETS.get(protocol.dataset).opens or (name == "all" and not _is_of(protocol, data)):
            return None
        return PreparedStore(data).manifest() if is_store(data) else reader(protocol.dataset)(data)

    found = [check_folder(folder, unknown_names=unknown_names, manifest=manifest) for folder in chosen]
    width = max(len(one.name) for one in found)
    lines = []
    for one in found:
        said = "; ".join([*one.problems, *one.notes])
        lines.append(f"{one.name:<{width}}  {'REFUSED' if one.problems else 'ok':<7}  {said}".rstrip())
    emit(
        {
            "protocols": [
                {
                    "name": one.name,
                    "ok": not one.problems,
                    "problems": one.problems,
                    "notes": one.notes,
                    "targets_among_inputs": None if one.targets is None else one.targets[0],
                    "targets": None if one.targets is None else one.targets[1],
                }
                for one in found
            ]
        },
        "\n".join(lines),
        as_json=as_json,
    )
    if refused := [one.name for one in found if one.problems]:
        raise WorkFailedError(f"{len(refused)} of {len(found)} protocols are refused, the first is {refused[0]}")


def _is_of(protocol: Protocol, data: Path) -> bool:
    """Whether a folder can be read as a protocol's data set, where one folder is held against all protocols."""
    from dgbench.core.errors import DgbenchError
    from dgbench.datasets.registry import reader
    from dgbench.preprocess.store import PreparedStore, is_store

    try:
        if is_store(data):
            return str(PreparedStore(data).about["dataset"]) == protocol.dataset
        return bool(len(reader(protocol.dataset)(data).frames))
    except DgbenchError:
        return False
