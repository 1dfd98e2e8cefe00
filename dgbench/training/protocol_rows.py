"""The training people's images of a protocol, from whatever source its data come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dgbench.core.errors import UsageError
from dgbench.core.protocol import Protocol
from dgbench.training.frames import TrainingRow, rows_of_manifest


def training_rows(source: Any, protocol: Protocol) -> list[TrainingRow]:
    """Return the rows of the protocol's training people that ``source`` holds; test people are never among them.

    Raises:
        UsageError: the source has no manifest, or holds no image of a training person.
    """
    manifest: Callable[[], Any] | None = getattr(source, "manifest", None)
    if manifest is None:
        raise UsageError(
            f"{protocol.name}: training needs landmarks; run `dgbench data prepare {protocol.name}` "
            "and give the store as --data"
        )
    test = protocol.split.test
    rows = [
        row
        for row in rows_of_manifest(manifest().frames, protocol.split.train)
        if not test.matches(row.subject) and row.key in source
    ]
    if not rows:
        raise UsageError(
            f"{protocol.name}: these data hold no image of a training person; give a copy or store that does"
        )
    return rows
