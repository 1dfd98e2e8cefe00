"""Many records at once: in parallel, and each only when it, dgbench or what it is held against has changed."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np

import dgbench
from dgbench.core.digests import digest, sha256_bytes, sha256_file
from dgbench.core.errors import UsageError, WorkFailedError
from dgbench.io.atomic import write_json
from dgbench.io.regular import read_regular
from dgbench.results.checks.problem import Problem
from dgbench.results.checks.record_check import record_problems
from dgbench.results.records.card_lock import FILE as CARDS
from dgbench.results.records.rules import Rules
from dgbench.results.records.store import ENVIRONMENT, MAX_TABLE, PAIR_SCORES, RECORD, StoredRecord, read_record

#: Fewer records than this are checked faster by one process than a second one starts.
_ALONE = 60
_BATCH = 1000
#: What a worker may hold: a table made to unpack into more ends as a problem, not the machine.
_WORKER_BYTES = 1 << 30


def check_records(
    root: Path, files: Sequence[Path], *, rules: Rules | None, cache_file: Path | None = None, jobs: int | None = None
) -> list[Problem]:
    """Check each record by itself.

    Args:
        root: the results folder.
        files: its ``record.json`` files.
        rules: protocols and cards that records are held against.
        cache_file: where what was found clean is kept; ``None`` for nowhere.
        jobs: processes; by default one for each core that this process may use.
    """
    paths = [file.parent.relative_to(root).as_posix() for file in files]
    clean = _read_clean(cache_file, rules) if cache_file else {}
    states = {path: _state(root / path) for path in paths} if cache_file else {}
    todo = [path for path in paths if not states.get(path) or clean.get(path) != states[path]]
    count = jobs or len(os.sched_getaffinity(0))
    if count < 2 or len(todo) < _ALONE:
        found = {path: _check_one(root, path, rules) for path in todo}
    else:
        size = max(_ALONE // 2, min(_BATCH, -(-len(todo) // count)))
        parts = [todo[start : start + size] for start in range(0, len(todo), size)]
        with ThreadPoolExecutor(count) as pool:  # each thread waits for a process of its own
            held = pool.map(lambda part: _check_apart(root, part, rules), parts)
            found = {path: problems for part in held for path, problems in part.items()}
    if cache_file:
        good = {path: states[path] for path in paths if states[path] and not found.get(path)}
        write_json(cache_file, {"basis": _basis(rules), "clean": good})
    return [problem for path in todo for problem in found[path]]


def _check_one(root: Path, path: str, rules: Rules | None) -> list[Problem]:
    folder = root / path
    try:
        stored = StoredRecord(root, path, read_record(folder))
        return record_problems(stored, rules)
    except UsageError as error:
        return [Problem(f"{path}/{RECORD}", "schema", str(error).removeprefix(f"{folder / RECORD}: "))]
    except MemoryError:
        return [Problem(f"{path}/{PAIR_SCORES}", "schema", "needs more memory than any record; remove it")]


def _check_apart(root: Path, paths: list[str], rules: Rules | None) -> dict[str, list[Problem]]:
    """The same in a process of its own, whose memory is limited; one that needs no guard in a caller's script.

    Raises:
        WorkFailedError: the process died.
    """
    asked = {"root": str(root), "paths": paths, "protocols": str(rules.protocols_root) if rules else None}
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    path = os.pathsep.join([str(Path(dgbench.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(  # noqa: S603 - this interpreter, this module
        [sys.executable, "-m", __name__],
        input=json.dumps(asked).encode(),
        env=environment | {"PYTHONPATH": path},
        capture_output=True,
        check=False,
    )
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise WorkFailedError(f"{root}: a process that checks records ended: {last[0]}; run the check with --jobs 1")
    return {path: [Problem(*held) for held in problems] for path, problems in json.loads(done.stdout).items()}


def _worker() -> None:
    """Check the records that stdin names, and write their problems to stdout."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # no such limit here: sizes in headers are still read
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (_WORKER_BYTES, _WORKER_BYTES))
    asked = json.load(sys.stdin)
    rules = Rules(Path(asked["protocols"])) if asked["protocols"] else None
    json.dump({path: _check_one(Path(asked["root"]), path, rules) for path in asked["paths"]}, sys.stdout)


def _state(folder: Path) -> str:
    """Digest of a record's files; "" where one is missing or no file, so that it is looked at again."""
    try:
        names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
        if not {RECORD, PAIR_SCORES, ENVIRONMENT} <= set(names):
            return ""
        return digest([[name, sha256_bytes(read_regular(folder / name, limit=MAX_TABLE))] for name in names])
    except (OSError, UsageError):
        return ""


def _read_clean(file: Path, rules: Rules | None) -> dict[str, str]:
    """What an earlier check found clean, by path; nothing where another dgbench or other protocols were asked."""
    try:
        data = json.loads(file.read_bytes())
        return dict(data["clean"]) if data["basis"] == _basis(rules) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _basis(rules: Rules | None) -> str:
    return digest([_code(), np.__version__, sha256_file(CARDS), list(_protocol_files(rules)) if rules else []])


def _protocol_files(rules: Rules) -> Iterator[list[str]]:
    for file in sorted(rules.protocols_root.glob("*/v*/*")):
        if file.is_file():
            yield [file.relative_to(rules.protocols_root).as_posix(), sha256_file(file)]


@cache
def _code() -> str:
    """Digest of the code that a check runs."""
    package = Path(dgbench.__file__).parent
    files = [file for room in ("core", "io", "stats", "results") for file in sorted((package / room).rglob("*.py"))]
    return digest([[file.relative_to(package).as_posix(), sha256_file(file)] for file in files])


if __name__ == "__main__":
    _worker()
