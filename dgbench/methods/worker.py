"""A third-party method as a Reenactor: its own interpreter, restarted when it dies, every pair accounted for."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from dgbench.core.digests import sha256_bytes, sha256_file
from dgbench.core.errors import DgbenchError, MissingError, UsageError, WorkFailedError
from dgbench.core.face import Failure, Image
from dgbench.io.regular import read_regular
from dgbench.methods.baseline_card import BaselineCard, find_setup, require_setup
from dgbench.methods.contract import LoadContext, Reenactor, Task
from dgbench.methods.trained import TrainingNote, note_beside
from dgbench.methods.worker_process import WorkerDied, WorkerLate, WorkerProcess, environment_of
from dgbench.methods.worker_protocol import PROTOCOL, Done, Fatal, Hello, entry_of, image_bytes, run_line
from dgbench.methods.worker_setup import are_published, chosen_options, weights_digest, worker_files

#: Of an answer, in pixels.
_LARGEST_SIDE = 4096
OnDeath = Literal["restart", "stop"]


class IsolatedReenactor(Reenactor):
    """Runs ``baselines/<name>/worker.py`` in the user's interpreter, checkout and weights.

    A pair that the worker does not answer in time is failed as ``timeout``, one that it dies on as ``crashed``;
    the worker is started again and the other pairs of the batch are asked for one by one, so that only the pair
    at fault is failed. After ``max_deaths`` deaths (or the first, with ``on_death="stop"``) the batch at hand is
    still answered and the next call raises, so that a run keeps all it has and resumes from there.
    """

    def __init__(
        self,
        card: BaselineCard,
        *,
        repo: Path | None = None,
        python: Path | None = None,
        checkpoint: Path | None = None,
        options: Mapping[str, str] | None = None,
        batch: int = 1,
        timeout_s: float = 120.0,
        start_timeout_s: float = 600.0,
        on_death: OnDeath = "restart",
        max_deaths: int = 10,
        any_commit: bool = False,
        threads: int = 0,
        trained_on: Sequence[str] = (),
    ) -> None:
        """Nothing is started here; ``repo``, ``python`` and ``checkpoint`` default to the card's variables.

        Args:
            batch: pairs per forward pass, where the method allows it. 1 gives the same numbers everywhere;
                more is faster on a GPU and may change a grey level.
            timeout_s: seconds that one pair may take.
            start_timeout_s: seconds until the networks must be loaded.
            any_commit: run another upstream commit than the verified one.
            threads: CPU threads of the worker; 0 leaves the choice to its packages.
            trained_on: what the user's own weights were trained on; see :attr:`training_data`.

        Raises:
            UsageError: an option that the method does not have, or a batch it does not allow.
        """
        # The contract's class attributes are this object's own here: one class stands for every baseline.
        self.__dict__.update(name=card.name, needs=frozenset(card.needs), motion=card.motion)
        self.card = card
        self._trained_on = tuple(trained_on)
        self.options = chosen_options(card, options or {})
        self.batch_size = batch
        self.hello: Hello | None = None
        self.deaths = 0
        self._setup = find_setup(card, repo=repo, python=python, checkpoint=checkpoint)
        self._timeout_s, self._start_timeout_s = timeout_s, start_timeout_s
        self._max_deaths = 1 if on_death == "stop" else max_deaths
        self._any_commit, self._threads = any_commit, threads
        self._context: LoadContext | None = None
        self._process: WorkerProcess | None = None
        self._last_death = ""
        self._serial = 0

    @property
    def repo(self) -> Path | None:
        """The authors' checkout, ``None`` where it is not named."""
        return self._setup.repo

    @property
    def batch_size(self) -> int:
        """Pairs per forward pass. Setting it raises a UsageError where the method does not allow that many."""
        return self._batch_size

    @batch_size.setter
    def batch_size(self, batch: int) -> None:
        if batch < 1 or (batch > 1 and not self.card.can_batch):
            raise UsageError(f"{self.card.name}: batch {batch} is not possible; this method runs one pair at a time")
        self._batch_size = batch

    @property
    def training_data(self) -> tuple[str, ...]:  # type: ignore[override]
        """What a record declares of the weights at hand: what their ``training.json`` says, else what the user says.

        The card speaks for the authors' published weights alone, which are known by digest or by file name; of any
        other weights nothing is declared.

        Raises:
            UsageError: both ``training.json`` and the user say it.
        """
        note = self._note()
        if note is not None and self._trained_on:
            raise UsageError(f"{self.card.name}: --trained-on is for weights without a training.json beside them")
        if note is not None:
            return note.training_data
        return self._trained_on or (self.card.training_data if are_published(self.card, self._setup.checkpoint) else ())

    @property
    def environment(self) -> str:  # type: ignore[override]
        """Return a name of the interpreter and the packages that are installed beside it, as they are now."""
        python = self._setup.python
        return "" if python is None else environment_of(python)

    def _note(self) -> TrainingNote | None:
        return note_beside(self._setup.checkpoint) if self._setup.checkpoint is not None else None

    def parameters(self) -> dict[str, str | int | float | bool]:
        """Return upstream commit, worker and weights by content, batch and options (a file option by content).

        Of weights that dgbench let train, also the budget that they had and what stood in for a loss.
        """
        code = "".join(f"{path.name} {sha256_file(path)}\n" for path in worker_files(self.card))
        chosen: dict[str, str | int | float | bool] = {
            f"option.{name}": sha256_file(Path(value)) if self.card.options[name].is_file and value else value
            for name, value in self.options.items()
        }
        weights = self._setup.checkpoint
        if weights is not None and weights.exists():
            chosen["weights_sha256"] = weights_digest(self.card, weights)
            note = self._note()
            chosen |= note.parameters() if note is not None else {}
        return chosen | {
            "upstream_commit": "any" if self._any_commit else self.card.commit,
            "worker_sha256": sha256_bytes(code.encode()),
            "batch": self.batch_size,
        }

    def load(self, context: LoadContext) -> None:
        """Start the worker and wait for its hello; ``context.checkpoint`` wins over the constructor's.

        Raises:
            MissingError: checkout, interpreter, package, weights or GPU are not here.
            UsageError: the checkout is at another commit, or the checkpoint is of another model.
        """
        if context.checkpoint is not None:
            self._setup = find_setup(
                self.card, repo=self._setup.repo, python=self._setup.python, checkpoint=context.checkpoint
            )
        if self.card.device == "cuda" and not context.device.startswith("cuda"):
            raise MissingError(f"{self.card.name} runs on a CUDA GPU only; pass --device cuda on a machine with one")
        self._context = context
        self._start()

    def reenact(self, tasks: Sequence[Task]) -> list[Image | Failure]:
        """Return one image or failure per task; see the class for what happens when the worker dies.

        Raises:
            WorkFailedError: the worker died too often before this call.
        """
        if self._context is None:
            raise UsageError(f"{self.card.name}: load it before use")
        if self.deaths >= self._max_deaths:
            raise WorkFailedError(
                f"{self.card.name}: its worker died {self.deaths} times, last: {self._last_death}; "
                "what is done is kept, the same command goes on from there"
            )
        answers: dict[int, Image | Failure] = {}
        places = list(range(len(tasks)))
        for start in range(0, len(places), self.batch_size):
            group = places[start : start + self.batch_size]
            answers.update(self._ask(tasks, group))
            for place in group:
                if place not in answers:  # its batch died: alone, the pair at fault shows itself
                    answers.update(self._ask(tasks, [place]))
        return [answers[place] for place in places]

    def close(self) -> None:
        """End the worker; the next call starts it again."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, tasks: Sequence[Task], places: list[int]) -> dict[int, Image | Failure]:
        """Ask for some tasks; what the worker left unanswered is missing from the result unless it was alone."""
        answers: dict[int, Image | Failure] = {}
        outs: dict[int, Path] = {}
        try:
            process = self._process or self._start()
            process.send(run_line([self._entry(process, tasks[place], outs, place) for place in places]))
            deadline = time.monotonic() + self._timeout_s * len(places)
            for place in places:
                message = process.receive(deadline - time.monotonic())
                if not isinstance(message, Done) or message.id != tasks[place].pair_id:
                    raise WorkerDied("it answered another pair than was asked for")
                answers[place] = _result(message, outs[place])
        except WorkerLate:
            self._bury(f"no answer within {self._timeout_s:g} s")
            if len(places) == 1:
                answers[places[0]] = Failure("timeout", f"no answer within {self._timeout_s:g} s")
        except WorkerDied as death:
            self._bury(str(death))
            if len(places) == 1:
                answers[places[0]] = Failure("crashed", f"the worker ended: {death}")
        return answers

    def _entry(self, process: WorkerProcess, task: Task, outs: dict[int, Path], place: int) -> dict[str, Any]:
        paths: dict[str, str | None] = {"source": None, "reference": None}
        for name, image in (("source", task.source), ("reference", task.reference)):
            if image is not None:
                path = process.folder / f"{name}-{place % self.batch_size}.rgb"
                path.unlink(missing_ok=True)  # a new file, never through what the worker may have put there
                with path.open("xb") as handle:  # scratch that dies with the worker: atomicity buys nothing
                    handle.write(image_bytes(image))
                paths[name] = str(path)
        self._serial += 1
        outs[place] = process.folder / f"out-{self._serial}.rgb"
        return entry_of(task, source=paths["source"], reference=paths["reference"], out=str(outs[place]))

    def _start(self) -> WorkerProcess:
        if self._context is None:
            raise UsageError(f"{self.card.name}: load it before use")
        self.close()
        repo, python, checkpoint = require_setup(self.card, self._setup)
        command = [str(python), "-s", "-B", str(self.card.worker), "--serve"]
        command += ["--repo", str(repo), "--checkpoint", str(checkpoint)]
        command += ["--device", self._context.device, "--size", str(self._context.size)]
        command += ["--threads", str(self._threads)] + (["--any-commit"] if self._any_commit else [])
        command += [part for name, value in sorted(self.options.items()) for part in ("--set", f"{name}={value}")]
        expected = self.card.weights[0].sha256 if self.card.checkpoint == "file" else None
        command += ["--checkpoint-sha256", expected] if expected else []
        try:
            process = WorkerProcess(command)
        except OSError as error:
            raise MissingError(f"{self.card.name}: {python} cannot be started ({error.strerror or error})") from error
        try:
            self.hello = self._greeted(process)
        except DgbenchError:
            process.kill()
            raise
        self._process = process
        return process

    def _greeted(self, process: WorkerProcess) -> Hello:
        name = self.card.name
        try:
            message = process.receive(self._start_timeout_s)
        except WorkerLate as late:
            raise WorkFailedError(f"{name}: its worker was not ready after {self._start_timeout_s:g} s") from late
        except WorkerDied as death:
            raise WorkFailedError(f"{name}: its worker ended before it was ready: {death}") from death
        if isinstance(message, Fatal):
            kinds: dict[int, type[DgbenchError]] = {2: UsageError, 3: MissingError}
            raise kinds.get(message.exit, WorkFailedError)(message.error)
        if not isinstance(message, Hello) or message.protocol != PROTOCOL:
            raise UsageError(f"{name}: its worker speaks another protocol; use the worker of this dgbench")
        if (message.method, message.motion) != (name, self.card.motion):
            raise UsageError(
                f"{name}: its worker is {message.method} with {message.motion} motion, the card says {self.card.motion}"
            )
        return message

    def _bury(self, how: str) -> None:
        self.deaths += 1
        self._last_death = how
        if self._process is not None:
            self._process.kill()
            self._process = None


def _result(message: Done, out: Path) -> Image | Failure:
    if not message.ok:
        return Failure(message.kind, message.error)
    try:
        data = read_regular(out, limit=3 * _LARGEST_SIDE**2)  # the worker may have put a link or a pipe there
        out.unlink()
        return np.frombuffer(data, dtype=np.uint8).reshape(message.height, message.width, 3).copy()
    except (OSError, ValueError, UsageError) as error:
        return Failure("error", f"the worker's image cannot be read ({error})")
