"""The plan of a run: what ``run.json`` says, which pairs belong to which shard, and where everything lies."""

from __future__ import annotations

import json
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
    """What a run folder is a run of. Two commands may share a folder only if their plans' identities are equal."""

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

    def identity(self) -> dict[str, Any]:
        """Return what makes two runs the same one: all but where the data lies and what the method was trained on."""
        return self.model_dump(mode="json", exclude={"data", "training_data"})


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

    def image(self, pair_id: str) -> Path:
        """Path of one generated image."""
        return self.images / f"{pair_id}.png"

    def scores(self, judges: str) -> Path:
        """Folder of the scores by one set of judges."""
        return self.root / "scores" / judges


def claim(folder: RunFolder, plan: RunPlan) -> None:
    """Write the plan into a new run folder, or check that the folder already holds the same run.

    Raises:
        UsageError: the folder holds another run (it says in what the two differ), or files that are no run.
    """
    path = folder.plan
    if path.exists():
        ours, theirs = plan.identity(), read_plan(folder).identity()
        if ours != theirs:
            what = ", ".join(f"{k} ({theirs[k]} there, {ours[k]} now)" for k in ours if ours[k] != theirs[k])
            raise UsageError(f"{folder.root}: holds another run, different in {what}; choose another --out")
        return
    if folder.root.is_dir() and any(not item.name.startswith(".") for item in folder.root.iterdir()):
        raise UsageError(f"{folder.root}: is not empty and holds no run; choose another --out")
    write_json(path, plan.model_dump(mode="json"))


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
