"""Writing a tree: unit by unit, in any number of processes, to the same bytes; a killed run goes on where it was."""

from __future__ import annotations

import io
import json
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from dgbench.core.digests import sha256_bytes
from dgbench.core.errors import UsageError, WorkFailedError
from dgbench.core.face import Image, Landmarks, Pose
from dgbench.datasets.manifest import make_frames
from dgbench.io.atomic import write_bytes, write_json, write_text
from dgbench.io.locks import folder_lock
from dgbench.io.space import require_space
from dgbench.synthface.head.model import HEAD_NOTICE, Head
from dgbench.synthface.head.truth import EXTRAS, UnitTruth, finished_unit, truth_path, write_truth
from dgbench.synthface.render.render import APPEARANCE_VERSION
from dgbench.synthface.render.scene import SIZES
from dgbench.synthface.sets.cells import Shot
from dgbench.synthface.sets.layouts import Layout, Selection, Unit, layout
from dgbench.synthface.sets.writer import encode_clip, encode_image, expected_bytes, render_shot

#: Raised whenever the same plan would give other bytes.
TREE_VERSION = 2


@dataclass(frozen=True)
class TreePlan:
    """What to write: everything that decides the bytes of a tree but the head."""

    layout: str
    seed: int
    size: int
    selection: Selection

    def grammar(self) -> Layout:
        """Return the layout of the plan's world."""
        return layout(self.layout, seed=self.seed)

    def check(self) -> None:
        """Raise UsageError unless size and selection make sense; needs no head."""
        if not SIZES[0] <= self.size <= SIZES[1]:
            raise UsageError(f"--size must be {SIZES[0]}..{SIZES[1]}, got {self.size}")
        self.grammar().chosen(self.selection)

    def as_data(self, head: Head) -> dict[str, object]:
        """Return the plan and the head as plain data."""
        only = {name: sorted(values) for name, values in sorted(self.selection.only.items())}
        return {
            "version": TREE_VERSION,
            "appearance": APPEARANCE_VERSION,
            "layout": self.layout,
            "seed": self.seed,
            "size": self.size,
            "identities": self.selection.identities,
            "only": only,
            "frames": self.selection.frames,
            "head": head.digest,
        }


@dataclass(frozen=True)
class TreeReport:
    """How much a call did: people, images and files of the tree, and how many units were there already."""

    people: int
    images: int
    files: int
    units: int
    kept: int


def write_tree(plan: TreePlan, root: Path, head: Head, *, workers: int = 1, progress: bool = True) -> TreeReport:
    """Write a tree, or finish one that was begun with the same plan.

    Args:
        plan: what to write.
        root: the tree's folder; made if absent.
        head: the head model.
        workers: processes; any number gives the same bytes.
        progress: show a bar on stderr.

    Raises:
        UsageError: size out of range, a bad selection, or ``root`` holds something else.
        WorkFailedError: the disk is full or will be, or another process writes here; what is done is kept.
    """
    plan.check()
    if workers < 1:
        raise UsageError(f"--workers must be at least 1, got {workers}")
    grammar = plan.grammar()
    subjects = grammar.chosen(plan.selection)
    units = [unit for subject in subjects for unit in grammar.units(subject, plan.selection)]
    if not units:
        raise UsageError(f"layout {plan.layout}: no image fits the selection; values are as in file names")
    _check_root(root, plan, head)
    with folder_lock(root / EXTRAS, purpose="data synth"):
        write_json(root / EXTRAS / "plan.json", plan.as_data(head))
        write_text(root / EXTRAS / "NOTICE.txt", HEAD_NOTICE + "\n")
        truths: dict[str, UnitTruth] = {}
        for unit in units:
            if (truth := finished_unit(root, unit.name)) is not None:
                truths[unit.name] = truth
        kept = len(truths)
        todo = [unit for unit in units if unit.name not in truths]
        canvas = grammar.canvas(plan.size)
        sizes = [expected_bytes(shot.path, canvas) for unit in todo for shot in grammar.shots(unit, plan.selection)]
        require_space(root, sum(sizes), what=f"{len(sizes)} images")
        bar = tqdm(total=len(units), initial=kept, desc=plan.layout, unit="unit", disable=None if progress else True)
        with bar:
            for name in _run(plan, root, head, todo, workers):
                bar.update()
                truth = finished_unit(root, name)
                if truth is None:
                    raise WorkFailedError(f"{truth_path(root, name)}: changed while the tree was written; run again")
                truths[name] = truth
        return _finish(plan, root, head, grammar, subjects, units, truths, kept)


def _run(plan: TreePlan, root: Path, head: Head, todo: list[Unit], workers: int) -> Iterator[str]:
    """Yield the names of units as they get done."""
    if workers == 1 or len(todo) < 2:
        for unit in todo:
            write_unit(plan, root, head, unit)
            yield unit.name
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        min(workers, len(todo)), mp_context=context, initializer=_start, initargs=(plan, root, head)
    )
    try:
        # One person's units go to one process where possible: building a figure costs more than a picture of it.
        futures: list[Future[list[str]]] = [pool.submit(_work, batch) for batch in _by_person(todo)]
        for future in as_completed(futures):
            yield from future.result()
    except BrokenProcessPool as error:
        raise WorkFailedError(
            f"{root}: a worker process died (out of memory?); what is done is kept, run again with fewer --workers"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_job: tuple[TreePlan, Path, Head] | None = None


def _start(plan: TreePlan, root: Path, head: Head) -> None:
    global _job
    _job = (plan, root, head)


def _work(units: list[Unit]) -> list[str]:
    assert _job is not None, "the pool's initializer has run"
    plan, root, head = _job
    for unit in units:
        write_unit(plan, root, head, unit)
    return [unit.name for unit in units]


def _by_person(units: list[Unit]) -> list[list[Unit]]:
    people: dict[str, list[Unit]] = {}
    for unit in units:
        people.setdefault(unit.subject, []).append(unit)
    return list(people.values())


def write_unit(plan: TreePlan, root: Path, head: Head, unit: Unit) -> None:
    """Render and write one unit, its truth last."""
    grammar = plan.grammar()
    shots = grammar.shots(unit, plan.selection)
    canvas = grammar.canvas(plan.size)
    files: dict[str, str] = {}
    frames: list[Image] = []
    landmarks: list[Landmarks] = []
    for shot in shots:
        image, marks = render_shot(head, shot, seed=plan.seed, canvas=canvas)
        landmarks.append(marks)
        if grammar.pace:
            frames.append(image)
        else:
            files[shot.path] = _write(root, shot.path, encode_image(image, shot.path))
    if grammar.pace:
        files[shots[0].path] = _write(root, shots[0].path, encode_clip(frames, rate=grammar.pace))
    poses = [Pose(shot.scene.yaw, shot.scene.pitch, shot.scene.roll) for shot in shots]
    keys = [shot.key for shot in shots]
    write_truth(truth_path(root, unit.name), keys=keys, landmarks=landmarks, poses=poses, files=files)


def _write(root: Path, name: str, data: bytes) -> str:
    write_bytes(root / name, data)
    return sha256_bytes(data)


def _finish(
    plan: TreePlan,
    root: Path,
    head: Head,
    grammar: Layout,
    subjects: tuple[str, ...],
    units: list[Unit],
    truths: dict[str, UnitTruth],
    kept: int,
) -> TreeReport:
    files = {name: digest for truth in truths.values() for name, digest in truth.files.items()}
    for name, data in grammar.sidecars(subjects, plan.selection).items():
        files[name] = _write(root, name, data)
    width, height = grammar.canvas(plan.size)
    rows = [
        _row(plan, shot, truths[unit.name], files, (width, height))
        for unit in units
        for shot in grammar.shots(unit, plan.selection)
    ]
    buffer = io.BytesIO()
    make_frames(rows).to_parquet(buffer, index=False)
    write_bytes(root / EXTRAS / "manifest.parquet", buffer.getvalue())
    listed = "".join(f"{files[name]}  {name}\n" for name in sorted(files, key=str.encode))
    write_text(root / EXTRAS / "SHA256SUMS", listed)
    about = {**plan.as_data(head), "people": len(subjects), "images": len(rows), "files": len(files)}
    write_json(root / EXTRAS / "about.json", {**about, "sums": sha256_bytes(listed.encode()), "notice": HEAD_NOTICE})
    return TreeReport(len(subjects), len(rows), len(files), len(units), kept)


def _row(
    plan: TreePlan, shot: Shot, truth: UnitTruth, files: dict[str, str], canvas: tuple[int, int]
) -> dict[str, object]:
    return {
        **shot.row,
        "key": shot.key,
        "dataset": "synthface",
        "variant": plan.layout,
        "path": shot.path,
        "yaw": shot.scene.yaw,
        "pitch": shot.scene.pitch,
        "roll": shot.scene.roll,
        "pose_source": "truth",
        "width": canvas[0],
        "height": canvas[1],
        "sha256": files[shot.path],
    }


def _check_root(root: Path, plan: TreePlan, head: Head) -> None:
    """Refuse a folder that holds another tree, or anything that was not begun here."""
    begun = root / EXTRAS / "plan.json"
    if begun.is_file():
        try:
            there = json.loads(begun.read_text(encoding="utf-8"))
        except ValueError:
            there = None
        wanted = plan.as_data(head)
        if there != wanted:
            differs = [name for name in wanted if not isinstance(there, dict) or there.get(name) != wanted[name]]
            raise UsageError(
                f"{root}: holds a tree of another plan ({', '.join(differs)} differ); choose another folder"
            )
    elif root.is_dir() and any(entry.name not in (EXTRAS, ".lock") for entry in root.iterdir()):
        raise UsageError(f"{root}: not empty and not begun by `dgbench data synth`; choose an empty folder")
    elif root.exists() and not root.is_dir():
        raise UsageError(f"{root}: is a file; choose a folder")
