"""Embeddings of source images by the identity cosine's network: each computed once, when it is first asked for."""

from __future__ import annotations

import torch
from torch import Tensor

from dgbench.training.dg.frames import FrameBank
from dgbench.training.dg.frozen import Embedder


class SourceEmbeddings:
    """Embeddings of the bank's images as they are stored, kept in memory (512 bytes each at 128 values).

    Every image is embedded alone and in full precision, so that a resumed run has the same numbers.
    """

    def __init__(self, bank: FrameBank, network: Embedder | None) -> None:
        self._bank, self._network = bank, network
        self._kept: dict[int, Tensor] = {}

    @torch.no_grad()
    def of(self, rows: Tensor) -> Tensor | None:
        """Return (B, D) for bank rows (B,) on their device; ``None`` where there is no network."""
        if self._network is None:
            return None
        for row in rows.tolist():
            if row not in self._kept:
                self._kept[row] = self._embedded(row, rows.device)
        return torch.stack([self._kept[row] for row in rows.tolist()])

    def _embedded(self, row: int, device: torch.device) -> Tensor:
        assert self._network is not None
        image = self._bank.images(torch.tensor([row]).numpy()).to(device)
        with torch.autocast(device.type, enabled=False):
            return self._network.embedding(image, self._bank.points[row : row + 1].to(device))[0]
