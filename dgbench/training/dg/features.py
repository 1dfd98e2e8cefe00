"""Features of the frozen face encoder for every training image: computed once, kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import safetensors.numpy
import torch
from safetensors import SafetensorError
from torch import Tensor

from dgbench.core.digests import digest, sha256_bytes
from dgbench.io.atomic import write_bytes
from dgbench.models.dg.face_encoder import Joined
from dgbench.training.dg.frames import FrameBank

_CHUNK = 32


def cached_features(
    bank: FrameBank,
    encoder: Joined,
    *,
    names: tuple[str, ...],
    folder: Path | None,
    progress: Callable[[int, int], None] | None = None,
) -> Tensor:
    """Return float32 (N, D) features of the bank's rows, from the cache where it has them.

    The cache is named by the encoders, what they make of the first image, and what the images hold, so that other
    data, encoders or weights never meet it;
    a damaged file is computed again.
    """
    image, landmarks = bank.original(0)
    probe = sha256_bytes(encoder.encode([image], [landmarks]).tobytes())  # tells weights of one name apart
    name = digest({"encoders": list(names), "dimension": encoder.dimension, "data": bank.content(), "probe": probe})
    path = folder / f"features-{name[:16]}.safetensors" if folder else None
    if path is not None and path.is_file():
        stored = _read(path)
        if stored is not None and stored.shape == (len(bank), encoder.dimension):
            return stored
    rows = []
    for start in range(0, len(bank), _CHUNK):
        items = [bank.original(index) for index in range(start, min(start + _CHUNK, len(bank)))]
        rows.append(encoder.encode([image for image, _ in items], [landmarks for _, landmarks in items]))
        if progress is not None:
            progress(min(start + _CHUNK, len(bank)), len(bank))
    features = np.ascontiguousarray(np.concatenate(rows).astype(np.float32))
    if path is not None:
        write_bytes(path, safetensors.numpy.save({"features": features}))
    return torch.from_numpy(features)


def _read(path: Path) -> Tensor | None:
    try:
        return torch.from_numpy(safetensors.numpy.load(path.read_bytes())["features"])
    except (SafetensorError, KeyError, OSError):
        return None
