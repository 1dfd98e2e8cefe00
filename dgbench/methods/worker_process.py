"""One worker process: start it apart from everything, hear it line by line with a deadline, and end it surely."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from dgbench.core.digests import sha256_bytes
from dgbench.io.parent import bound_to_parent
from dgbench.methods.baseline_card import baselines_folder
from dgbench.methods.worker_protocol import Done, Fatal, Hello, close_line, parse

#: What of the host's environment a worker sees: no PYTHONPATH, no proxies, no credentials.
_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT")
_KEPT_PREFIXES = ("LC_", "CUDA_", "NVIDIA_", "OMP_", "MKL_", "OPENBLAS_")
_LONGEST_LINE = 1 << 20


class WorkerDied(Exception):  # noqa: N818 - it names what happened; the host turns it into failures of pairs
    """The process ended, or said something that is no message; the text says how."""


class WorkerLate(Exception):  # noqa: N818
    """Nothing was heard before the deadline."""


def worker_environment(host: Mapping[str, str], scratch: Path) -> dict[str, str]:
    """Return the environment of a worker: little of the host's, nothing that reaches a network.

    ``DGBENCH_RUNTIME`` names the folder of what workers share, for workers outside the package.
    """
    kept = {key: value for key, value in host.items() if key in _KEPT or key.startswith(_KEPT_PREFIXES)}
    return kept | {
        "DGBENCH_RUNTIME": str(baselines_folder() / "_runtime"),
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONIOENCODING": "utf-8",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": str(scratch),
        "NUMBA_CACHE_DIR": str(scratch),
        "TORCH_EXTENSIONS_DIR": str(scratch / "extensions"),
    }


def environment_of(python: Path) -> str:
    """Return a short digest of an interpreter's path and of the packages, with versions, that lie in its venv."""
    place = Path(os.path.abspath(python))  # noqa: PTH100 - a venv is found by the path it is started under
    installed = sorted(path.name for path in place.parent.parent.glob("lib/python*/site-packages/*.dist-info"))
    return sha256_bytes("\n".join([str(place), *installed]).encode())[:16]


class WorkerProcess:
    """A running worker with its private folder. End it with :meth:`close` or :meth:`kill`; the garbage collector
    and the interpreter's exit end it too."""

    def __init__(self, command: Sequence[str], *, log: Path | None = None) -> None:
        """Start ``command``; it speaks JSON lines on its standard output and may print anything on the other.

        Args:
            log: where what it prints is kept; by default in the private folder, which goes with the process.

        Raises:
            OSError: the interpreter cannot be started.
        """
        self.folder = Path(tempfile.mkdtemp(prefix="dgbench-worker-"))  # mode 0700: nobody else reads the faces
        self._log_path = log or self.folder / "stderr.log"
        self._log = self._log_path.open("ab")
        scratch = self.folder / "cwd"
        scratch.mkdir()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the interpreter is the user's own choice
                bound_to_parent(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                cwd=scratch,
                env=worker_environment(os.environ, scratch),
                start_new_session=True,
            )
        except OSError:
            self._log.close()
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        assert self._process.stdout is not None
        threading.Thread(target=_listen, args=(self._process.stdout, self._lines), daemon=True).start()
        self._ended = weakref.finalize(self, _end, self._process, self._log, self.folder)

    @property
    def pid(self) -> int:
        """Process id of the worker, which is also its process group."""
        return self._process.pid

    def send(self, line: bytes) -> None:
        """Write one line.

        Raises:
            WorkerDied: there is nobody to read it.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except OSError as error:
            raise WorkerDied(self.last_words()) from error

    def receive(self, timeout_s: float) -> Hello | Fatal | Done:
        """Return the next message.

        Raises:
            WorkerLate: none came in time. WorkerDied: the process ended or spoke nonsense.
        """
        try:
            return parse(self.receive_line(timeout_s))
        except ValueError as error:
            raise WorkerDied(str(error)) from error

    def receive_line(self, timeout_s: float) -> bytes:
        """Return the next line.

        Raises:
            WorkerLate: none came in time. WorkerDied: the process ended.
        """
        try:
            line = self._lines.get(timeout=max(0.0, timeout_s))
        except queue.Empty:
            raise WorkerLate(f"no answer within {timeout_s:.0f} s") from None
        if line is None:
            raise WorkerDied(self.last_words())
        return line

    def interrupt(self) -> None:
        """Ask the process, as Ctrl-C does, to stop at its next good moment."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGINT)

    def last_words(self) -> str:
        """Return in one line how the process ended, with the last line it printed."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        code = self._process.returncode
        if code is None:
            how = "it closed its channel and went on"
        elif code < 0:
            how = f"killed by signal {-code} ({_signal_name(-code)})"
        else:
            how = f"exit status {code}"
        if code == -signal.SIGKILL:
            how += ", which is what a system does that runs out of memory"
        self._log.flush()
        lines = self._log_path.read_bytes().decode("utf-8", "replace").strip().splitlines()
        return how + (f": {lines[-1].strip()[:200]}" if lines else "")

    def close(self, grace_s: float = 5.0) -> None:
        """Ask the worker to end, wait a moment, then make it."""
        with contextlib.suppress(WorkerDied):
            self.send(close_line())
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=grace_s)
        self.kill()

    def kill(self) -> None:
        """End the whole process group now and remove the private folder."""
        self._ended()


def _listen(stream: IO[bytes], lines: queue.Queue[bytes | None]) -> None:
    """Pass on lines until the stream ends; a longer line than any message is passed on cut, as nonsense."""
    with contextlib.suppress(OSError, ValueError):
        while line := stream.readline(_LONGEST_LINE):
            lines.put(line)
    lines.put(None)


def _end(process: subprocess.Popen[bytes], log: IO[bytes], folder: Path) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    for stream in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            if stream is not None:
                stream.close()
    log.close()
    shutil.rmtree(folder, ignore_errors=True)


def _signal_name(number: int) -> str:
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return "unknown"
