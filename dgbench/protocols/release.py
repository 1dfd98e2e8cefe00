"""Writing a protocol's folder: ``protocol.yaml`` with the digests of the files beside it; never over a released one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import yaml
from numpy.typing import NDArray

from dgbench.core.errors import UsageError
from dgbench.core.protocol import Protocol
from dgbench.io.atomic import write_text
from dgbench.protocols.frozen_points import FILE as POINTS_FILE
from dgbench.protocols.frozen_points import write_points
from dgbench.protocols.pairs_file import write_pairs
from dgbench.protocols.samplers import sampler


def release(
    draft: Protocol,
    root: Path,
    *,
    frames: pd.DataFrame | None = None,
    points: Mapping[str, NDArray] | None = None,
    card: str,
) -> Protocol:
    """Write ``root/<id>/v<N>/`` and return the protocol with its counts and digests filled in.

    Args:
        draft: the protocol; for a frozen one, counts and digests may be placeholders.
        root: the folder of protocols.
        frames: the complete data set's frames, for a frozen pair list.
        points: key → (5, 2) shares, where the protocol ships the points of its crop.
        card: the text of ``CARD.md``.

    Raises:
        UsageError: the version is already there with other content: a released version never changes.
    """
    folder = root / draft.id / f"v{draft.version}"
    filled = draft
    if draft.pairs == "frozen":
        if frames is None:
            raise UsageError(f"{draft.name}: a frozen pair list needs the frames of the complete set")
        pairs = sampler(draft.pairing.sampler)(frames, draft)
        sha256 = write_pairs(folder / "pairs.csv.gz", pairs)
        filled = filled.model_copy(update={"pairs_sha256": sha256, "expected_pairs": len(pairs)})
    if points is not None:
        filled = filled.model_copy(update={"landmarks_sha256": write_points(folder / POINTS_FILE, points)})
    text = yaml.safe_dump(
        filled.model_dump(mode="json", exclude_none=True), sort_keys=False, allow_unicode=True, width=110
    )
    path = folder / "protocol.yaml"
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise UsageError(f"{path}: {draft.name} is released and differs; raise the version instead of changing it")
    write_text(path, text)
    write_text(folder / "CARD.md", card)
    return filled
