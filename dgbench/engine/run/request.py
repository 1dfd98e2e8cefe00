"""What a run was asked to be: known in part before the method is loaded, and whole afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dgbench.core.digests import sha256_bytes, sha256_file
from dgbench.core.errors import UsageError
from dgbench.core.pair import PAIR_ID, Pair
from dgbench.engine.run.plan import RunFolder, RunPlan, method_digest, read_plan, require_same_code
from dgbench.methods.code_identity import method_code
from dgbench.methods.contract import Reenactor
from dgbench.protocols.pairs_file import pair_set_digest
from dgbench.protocols.registry import LoadedProtocol


class RunRequest:
    """What was asked for. A method's settings and training data may come with its weights, when it is loaded."""

    def __init__(
        self,
        loaded: LoadedProtocol,
        method: Reenactor,
        pairs: list[Pair],
        *,
        label: str | None,
        checkpoint: Path | None,
        seed: int,
        limit: int | None,
        data: Path | None,
    ) -> None:
        if label is not None and not PAIR_ID.fullmatch(label):
            raise UsageError(f"label '{label}': use letters, digits, '.', '_', '-' and '+'")
        self._method, self._data = method, data
        self._known = {
            "protocol": loaded.protocol.name,
            "protocol_digest": loaded.protocol.digest,
            "method": label or method.name,
            "checkpoint_sha256": checkpoint_digest(checkpoint) if checkpoint else None,
            "seed": seed,
            "limit": limit,
            "pair_set": pair_set_digest([pair.pair_id for pair in pairs]),
            "method_code": method_code(method),
        }

    def is_held_by(self, folder: RunFolder, *, accept_edited: bool = False) -> bool:
        """Whether a run folder surely holds this request; what the method cannot tell yet is asked once it is loaded.

        Raises:
            UsageError: it holds this request, made by other code of the method, and ``accept_edited`` is not set.
        """
        if not folder.plan.exists():
            return False
        held = read_plan(folder)
        try:
            plan = self.plan()
        except Exception:  # noqa: BLE001 - other people's code may know its settings only when it is loaded
            return False
        if plan.identity() != held.identity():
            return False
        require_same_code(folder, plan, held, accept_edited=accept_edited)
        return True

    def plan(self) -> RunPlan:
        """Return the plan: whole where the method is loaded, else with the settings that it knows already."""
        known: dict[str, Any] = self._known
        parameters = self._method.parameters()
        if known["method"] != self._method.name:
            parameters = {**parameters, "method": self._method.name}
        try:
            return RunPlan(
                **known,
                method_digest=method_digest(self._method.name, parameters, known["checkpoint_sha256"]),
                motion=self._method.motion,
                parameters=parameters,
                training_data=self._method.training_data,
                data=str(self._data.absolute()) if self._data else None,
            )
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise UsageError(
                f"method '{self._method.name}' declares what no record can hold: {where}: {first['msg']}"
            ) from error


def checkpoint_digest(path: Path) -> str:
    """Return the digest of a checkpoint: of the file, or of all files in the folder with their names.

    Raises:
        UsageError: nothing is there.
    """
    if path.is_file():
        return sha256_file(path)
    if path.is_dir():
        files = sorted(item for item in path.rglob("*") if item.is_file() and not item.name.startswith("."))
        listing = "\n".join(f"{item.relative_to(path).as_posix()} {sha256_file(item)}" for item in files)
        return sha256_bytes(listing.encode())
    raise UsageError(f"{path}: no such checkpoint")
