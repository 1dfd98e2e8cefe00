"""Taking in images that somebody's method made, named by pair id, as a run like any other."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dgbench.core.digests import sha256_bytes
from dgbench.core.errors import UsageError
from dgbench.core.face import Failure, Image
from dgbench.core.pair import PAIR_ID, Pair
from dgbench.core.record import Motion
from dgbench.engine.run.data import OpenData
from dgbench.engine.run.delivered import SUFFIXES, Delivery, find_images, lossy_format, lossy_note, nothing_found
from dgbench.engine.run.output_probe import SAMPLE, Finding, probe_outputs
from dgbench.engine.run.plan import RunFolder, RunPlan, method_digest, write_or_check_plan
from dgbench.engine.run.state import commit, journal_state, undone
from dgbench.io.archive import extract
from dgbench.io.atomic import write_json
from dgbench.io.images import ImageError, encode_png, read_image
from dgbench.io.journal import Journal
from dgbench.io.locks import folder_lock
from dgbench.protocols.pairs_file import pair_set_digest
from dgbench.protocols.registry import LoadedProtocol

_BATCH = 64
#: What an archive may hold beside the images: notes, a system's own files.
_SLACK, _SLACK_FILES = 64 << 20, 1000
#: What is known of delivered outputs, beside their run's plan.
DELIVERED = "delivered.json"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._,:;()/+@-]{0,199}")


@dataclass(frozen=True)
class Adopted:
    """What was taken in: counts, the files that belong to no pair of the protocol, and what is odd about the images."""

    taken: int
    failed: dict[str, int]
    unmatched: list[str]
    findings: list[str] = field(default_factory=list)


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
    as_delivered: bool = False,
) -> Adopted:
    """Make a run folder of images named ``<pair_id>.png`` (or another image suffix), in a folder, a zip or a tar.

    An image that is missing, unreadable or of another size is a failed pair, kept by kind; nothing is resized.
    Files that are named after no pair are listed and left alone. Called again, every image is looked at again: the
    folder then holds what ``outputs`` holds now, and ``run.json`` the training data named now. ``delivered.json`` says
    what is odd about the images; what is clearly wrong (:mod:`dgbench.engine.run.output_probe`) is not scored, unless
    ``as_delivered`` says that it is meant so.

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
        pair_ids = {pair.pair_id for pair in opened.pairs} | set(opened.missing)
        found = find_images(images, pair_ids, named=outputs)
        if not found.images:
            expected = opened.pairs[0].pair_id
            raise nothing_found(found, named=outputs, expected=expected, protocol=loaded.protocol.name)
        with folder_lock(out, purpose="adopt outputs"):
            write_or_check_plan(folder, plan)
            write_json(folder.plan, plan.model_dump(mode="json"))
            shutil.rmtree(folder.inputs, ignore_errors=True)  # what an earlier call was scored over
            held = _held(folder, opened.pairs)
            sample, lossy = _sampled(opened.pairs, found), Counter[str]()
            probed: dict[str, Image] = {}
            with Journal(folder.journals / "1-of-1.jsonl") as journal:
                for start in range(0, len(opened.pairs), _BATCH):
                    lines: list[dict[str, Any]] = []
                    for pair in opened.pairs[start : start + _BATCH]:
                        result = _read(found.images.get(pair.pair_id), opened.source.size)
                        if not isinstance(result, Failure):
                            lossy.update(filter(None, [lossy_format(found.images[pair.pair_id].read_bytes())]))
                            if pair.pair_id in sample:
                                probed[pair.pair_id] = result
                        if not _is(result, held.get(pair.pair_id)):
                            lines.append(_take(folder, pair, result))
                    journal.append(lines)
            findings = probe_outputs(opened.pairs, probed, _real(opened))
            _keep_about(folder, findings, lossy, as_delivered=as_delivered)
    state = journal_state(folder)
    failed: dict[str, int] = {}
    for record in state.values():
        if record["status"] == "failed":
            failed[str(record["kind"])] = failed.get(str(record["kind"]), 0) + 1
    taken = sum(record["status"] == "ok" for record in state.values())
    if not taken:
        why = next(line["message"] for line in state.values() if line["pair_id"] in found.images)
        raise UsageError(f"{outputs}: not one of its {len(found.images)} images can be used, the first because: {why}")
    return Adopted(
        taken=taken, failed=failed, unmatched=found.unmatched, findings=[finding.text for finding in findings]
    )


@contextlib.contextmanager
def _images_folder(outputs: Path, out: Path, opened: OpenData) -> Iterator[Path]:
    """Yield the folder of images: ``outputs`` itself, or what is unpacked from it, for the block, beside ``out``."""
    if not outputs.is_file():
        yield outputs
        return
    if outputs.suffix.lower() in (*SUFFIXES, ".mp4", ".avi", ".mov", ".webm"):
        raise UsageError(
            f"{outputs}: is one file; --outputs takes a folder, a zip or a tar with one image a pair, such as "
            f"{opened.pairs[0].pair_id}.png"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as scratch:
        folder = Path(scratch) / "outputs"
        expected, raw = len(opened.pairs) + len(opened.missing), 3 * opened.source.size**2
        extract(outputs, folder, max_bytes=_SLACK + 4 * raw * expected, max_files=_SLACK_FILES + 2 * expected)
        yield folder


def _sampled(pairs: list[Pair], found: Delivery) -> set[str]:
    """Return the ids of the pairs whose outputs are looked at: spread evenly over those that have one."""
    there = [pair.pair_id for pair in pairs if pair.pair_id in found.images]
    return {there[len(there) * number // SAMPLE] for number in range(SAMPLE)} if there else set()


def _real(opened: OpenData) -> Callable[[str], Image | None]:
    def read(key: str) -> Image | None:
        try:
            return opened.source.image(key)
        except ImageError:
            return None

    return read


def _keep_about(folder: RunFolder, findings: list[Finding], lossy: Counter[str], *, as_delivered: bool) -> None:
    """Write what the record is to say of the outputs, and why they are not scored, where they are not."""
    notes = [f"outputs look wrong: {finding.text}" for finding in findings]
    if lossy:
        notes.append(lossy_note(lossy, sum(1 for _ in folder.images.glob("*.png"))))
    wrong = next((finding.text for finding in findings if finding.clear), "")
    write_json(folder.root / DELIVERED, {"notes": notes, "wrong": "" if as_delivered else wrong})


def delivery_notes(folder: RunFolder) -> list[str]:
    """Return what a record says of delivered outputs; nothing for a run of ours.

    Raises:
        UsageError: they are clearly not what their names say.
    """
    try:
        about = json.loads((folder.root / DELIVERED).read_text(encoding="utf-8"))
        notes, wrong = [str(note) for note in about["notes"]], str(about["wrong"])
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{folder.root / DELIVERED}: damaged; take the outputs in again") from error
    if wrong:
        raise UsageError(
            f"{folder.root}: the outputs are not scored: {wrong}. "
            "Deliver them right, or give --as-delivered to score them so"
        )
    return notes


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
