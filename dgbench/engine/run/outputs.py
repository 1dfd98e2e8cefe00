"""Taking in images that somebody's method made, named by pair id, as a run like any other."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dgbench.core.digests import sha256_bytes
from dgbench.core.errors import UsageError
from dgbench.core.face import Failure, Image
from dgbench.core.pair import PAIR_ID, Pair
from dgbench.core.record import Motion
from dgbench.engine.run.data import OpenData
from dgbench.engine.run.plan import RunFolder, RunPlan, method_digest, write_or_check_plan
from dgbench.engine.run.state import commit, journal_state, undone
from dgbench.io.archive import extract
from dgbench.io.atomic import write_json
from dgbench.io.images import ImageError, encode_png, read_image
from dgbench.io.journal import Journal
from dgbench.io.locks import folder_lock
from dgbench.protocols.pairs_file import pair_set_digest
from dgbench.protocols.registry import LoadedProtocol

_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
_BATCH = 64
#: What an archive may hold beside the images: notes, a system's own files.
_SLACK, _SLACK_FILES = 64 << 20, 1000
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._,:;()/+@-]{0,199}")


@dataclass(frozen=True)
class Adopted:
    """What was taken in: counts, and the files that belong to no pair of the protocol."""

    taken: int
    failed: dict[str, int]
    strangers: list[str]


def adopt_outputs(
    loaded: LoadedProtocol,
    opened: OpenData,
    outputs: Path,
    *,
    method: str,
    out: Path,
    data: Path | None,
    motion: Motion = "absolute",
    training_data: tuple[str, ...] = (),
) -> Adopted:
    """Make a run folder of images named ``<pair_id>.png`` (or another image suffix), in a folder, a zip or a tar.

    An image that is missing, unreadable or of another size is a failed pair, kept by kind; nothing is resized.
    Files that are named after no pair are listed and left alone. Called again, every image is looked at again: the
    folder then holds what ``outputs`` holds now, and ``run.json`` the training data named now.

    Raises:
        UsageError: the folder is not there, an archive is damaged or unsafe, or not one file is named after a pair.
    """
    if not PAIR_ID.fullmatch(method):
        raise UsageError(f"--method '{method}': a method's name is letters, digits, '.', '_', '-', '+'")
    if wrong := [name for name in training_data if not _PLAIN.fullmatch(name)]:
        raise UsageError(f"--trained-on '{wrong[0]}': name a data set in letters, digits and plain punctuation")
    plan = RunPlan(
        protocol=loaded.protocol.name,
        protocol_digest=loaded.protocol.digest,
        method=method,
        method_digest=method_digest(method, {"outputs": "adopted"}, None),
        motion=motion,
        parameters={"outputs": "adopted"},
        training_data=training_data,
        pair_set=pair_set_digest([pair.pair_id for pair in opened.pairs]),
        data=str(data.absolute()) if data else None,
    )
    folder = RunFolder(out)
    with _images_folder(outputs, out, opened) as images:
        files, strangers = _files_by_pair(images, opened, named=outputs)
        if not files:
            raise UsageError(
                f"{outputs}: no image is named after a pair of {loaded.protocol.name} "
                f"(expected names like {opened.pairs[0].pair_id}.png)"
            )
        with folder_lock(out, purpose="adopt outputs"):
            write_or_check_plan(folder, plan)
            write_json(folder.plan, plan.model_dump(mode="json"))
            shutil.rmtree(folder.inputs, ignore_errors=True)  # what an earlier call was scored over
            held = _held(folder, opened.pairs)
            with Journal(folder.journals / "1-of-1.jsonl") as journal:
                for start in range(0, len(opened.pairs), _BATCH):
                    lines: list[dict[str, Any]] = []
                    for pair in opened.pairs[start : start + _BATCH]:
                        result = _read(files.get(pair.pair_id), opened.source.size)
                        if not _is(result, held.get(pair.pair_id)):
                            lines.append(_take(folder, pair, result))
                    journal.append(lines)
    state = journal_state(folder)
    failed: dict[str, int] = {}
    for record in state.values():
        if record["status"] == "failed":
            failed[str(record["kind"])] = failed.get(str(record["kind"]), 0) + 1
    return Adopted(taken=sum(r["status"] == "ok" for r in state.values()), failed=failed, strangers=strangers)


@contextlib.contextmanager
def _images_folder(outputs: Path, out: Path, opened: OpenData) -> Iterator[Path]:
    """Yield the folder of images: ``outputs`` itself, or what is unpacked from it, for the block, beside ``out``."""
    if not outputs.is_file():
        yield outputs
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as scratch:
        folder = Path(scratch) / "outputs"
        expected, raw = len(opened.pairs) + len(opened.missing), 3 * opened.source.size**2
        extract(outputs, folder, max_bytes=_SLACK + 4 * raw * expected, max_files=_SLACK_FILES + 2 * expected)
        inside = [path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX"))]
        # Most people pack the folder rather than what is in it.
        yield inside[0] if len(inside) == 1 and inside[0].is_dir() else folder


def _files_by_pair(folder: Path, opened: OpenData, *, named: Path) -> tuple[dict[str, Path], list[str]]:
    """Return the images of ``folder`` by pair id, and the names that belong to no pair; errors say ``named``."""
    if not folder.is_dir():
        raise UsageError(f"{named}: no such folder or archive of images")
    pair_ids = {pair.pair_id for pair in opened.pairs} | set(opened.missing)
    files: dict[str, Path] = {}
    strangers: list[str] = []
    for path in sorted(folder.iterdir(), key=lambda item: item.name.encode()):
        if path.name.startswith(".") or path.suffix.lower() not in _SUFFIXES or not path.is_file():
            continue
        stem = path.name[: -len(path.suffix)]
        if stem not in pair_ids:
            strangers.append(path.name)
        elif stem in files:
            raise UsageError(f"{named}: pair {stem} has two images ({files[stem].name}, {path.name}); keep one")
        else:
            files[stem] = path
    return files, strangers


def _held(folder: RunFolder, pairs: list[Pair]) -> dict[str, str]:
    """Return the sha256 of every image that an earlier call took in and that still lies in the folder."""
    state, lost = journal_state(folder), {pair.pair_id for pair in undone(folder, pairs, retry_failed=True)}
    return {pair.pair_id: str(state[pair.pair_id]["sha256"]) for pair in pairs if pair.pair_id not in lost}


def _is(result: Image | Failure, sha256: str | None) -> bool:
    return sha256 is not None and not isinstance(result, Failure) and sha256_bytes(encode_png(result)) == sha256


def _take(folder: RunFolder, pair: Pair, result: Image | Failure) -> dict[str, Any]:
    """Commit a result; the image of an earlier call goes before a line says that there is none."""
    if isinstance(result, Failure):
        folder.image(pair.pair_id).unlink(missing_ok=True)
    return commit(folder, pair, result, 0.0)


def _read(path: Path | None, size: int) -> Image | Failure:
    if path is None:
        return Failure("missing", "no image of this name among the outputs")
    try:
        image = read_image(path)
    except ImageError as error:
        return Failure(error.kind, str(error).replace(str(path), path.name))
    if image.shape != (size, size, 3):
        return Failure(
            "wrong-size", f"{path.name} is {image.shape[1]}x{image.shape[0]}, the protocol's frame is {size}x{size}"
        )
    return image
