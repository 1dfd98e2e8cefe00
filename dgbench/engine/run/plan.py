"""The plan of a run: what ``run.json`` says, which pairs belong to which shard, and where everything lies."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from dgbench.core.digests import digest, seed_of
from dgbench.core.errors import UsageError
from dgbench.core.pair import Pair
from dgbench.core.record import Motion, PlainName, PlainText
from dgbench.io.atomic import write_json

RUN_FILE = "run.json"


class RunPlan(BaseModel):
    """What a run folder is a run of. Two commands may share a folder only if their plans' identities are equal.

    ``method_code`` is the digest of the method's source, where there is one to read; ``edited`` says that the run was
    gone on with after the source had changed, so that its images come from more than one version.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = 1
    protocol: str
    protocol_digest: str
    method: PlainName
    method_digest: str
    motion: Motion
    parameters: dict[str, str | int | float | bool] = {}
    checkpoint_sha256: str | None = None
    training_data: tuple[PlainText, ...] = ()
    seed: int = 0
    limit: int | None = None
    pair_set: str
    data: str | None = None
    method_code: str | None = None
    edited: bool = False

    def identity(self) -> dict[str, Any]:
        """Return what makes two runs the same one: all but code, place of the data, and training data."""
        return self.model_dump(mode="json", exclude={"data", "training_data", "method_code", "edited"})


@dataclass(frozen=True)
class Shard:
    """Part ``index`` of ``count`` (both counted from 1). A pair's shard depends on its id alone."""

    index: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read ``I/N``.

        Raises:
            UsageError: not of that form, or out of range.
        """
        left, _, right = text.partition("/")
        if not (left.isdecimal() and right.isdecimal()) or not 1 <= int(left) <= int(right):
            raise UsageError(f"--shard '{text}': write I/N with 1 <= I <= N, as in 2/8")
        return cls(int(left), int(right))

    def owns(self, pair: Pair) -> bool:
        """Whether the pair is this shard's work."""
        return seed_of("shard", pair.pair_id) % self.count == self.index - 1

    @property
    def name(self) -> str:
        """The shard's name in file names."""
        return f"{self.index}-of-{self.count}"


@dataclass(frozen=True)
class RunFolder:
    """Where the parts of a run lie."""

    root: Path

    @property
    def plan(self) -> Path:
        """The plan's file."""
        return self.root / RUN_FILE

    @property
    def images(self) -> Path:
        """Folder of the generated images, ``<pair_id>.png``."""
        return self.root / "images"

    @property
    def journals(self) -> Path:
        """Folder of the shards' journals."""
        return self.root / "journal"

    @property
    def inputs(self) -> Path:
        """Folder of the digests of the real images that the parts saw."""
        return self.root / "inputs"

    def image(self, pair_id: str) -> Path:
        """Path of one generated image."""
        return self.images / f"{pair_id}.png"

    def scores(self, judges: str) -> Path:
        """Folder of the scores by one set of judges."""
        return self.root / "scores" / judges


def write_or_check_plan(folder: RunFolder, plan: RunPlan, *, accept_edited: bool = False, fresh: bool = False) -> None:
    """Write the plan into a new run folder, or check that the folder already holds the same run.

    With ``fresh`` the results of that same run are removed, and it begins anew.

    Raises:
        UsageError: the folder holds another run (it says in what the two differ), or files that are no run; or the
            method's code has changed since and ``accept_edited`` is not set.
    """
    path = folder.plan
    if path.exists():
        held = read_plan(folder)
        ours, theirs = plan.identity(), held.identity()
        if ours != theirs:
            what = ", ".join(f"{k} ({theirs[k]} there, {ours[k]} now)" for k in ours if ours[k] != theirs[k])
            raise UsageError(f"{folder.root}: holds another run, different in {what}; choose another --out")
        if fresh:
            _remove_results(folder)
            write_json(path, plan.model_dump(mode="json"))
            return
        require_same_code(folder, plan, held, accept_edited=accept_edited)
        if held.method_code != plan.method_code and accept_edited:
            write_json(path, plan.model_copy(update={"edited": True}).model_dump(mode="json"))
        return
    if folder.root.is_dir() and any(not item.name.startswith(".") for item in folder.root.iterdir()):
        raise UsageError(f"{folder.root}: is not empty and holds no run; choose another --out")
    write_json(path, plan.model_dump(mode="json"))


def _remove_results(folder: RunFolder) -> None:
    """Remove all that the parts of a run made. The caller holds the folder, and no part is held."""
    for made in (folder.images, folder.inputs, folder.root / "scores"):
        shutil.rmtree(made, ignore_errors=True)
    for journal in folder.journals.glob("*.jsonl"):
        journal.unlink()


def require_same_code(folder: RunFolder, plan: RunPlan, held: RunPlan, *, accept_edited: bool) -> None:
    """Refuse to go on with a run whose method has been edited since; plans of older versions know no digest.

    Raises:
        UsageError: the code differs and ``accept_edited`` is not set.
    """
    known = held.method_code is not None and plan.method_code is not None
    if known and held.method_code != plan.method_code and not accept_edited:
        raise UsageError(
            f"{folder.root}: its images were made by other code of method '{plan.method}', edited since; "
            "--fresh or another --out runs it anew, --accept-edited goes on here (the record will say so)"
        )


def read_plan(folder: RunFolder) -> RunPlan:
    """Read ``run.json``.

    Raises:
        UsageError: not a run folder, or its plan is damaged.
    """
    path = folder.plan
    try:
        return RunPlan.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise UsageError(f"{folder.root}: not a run folder (no {RUN_FILE}); `dgbench run` makes one") from error
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: damaged ({' '.join(str(error).split())[:160]})") from error


def method_digest(name: str, parameters: dict[str, Any], checkpoint_sha256: str | None) -> str:
    """Return the digest of a method's configuration and weights."""
    return digest({"name": name, "parameters": parameters, "checkpoint": checkpoint_sha256})
