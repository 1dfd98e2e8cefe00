"""Landmarks → landmark maps, batched and on the device, pixel for pixel what OpenCV's ``line`` draws."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from dgbench.models.dg.config import MapConfig
from dgbench.models.dg.map_lines import LINES, lines_shown


class MapRasteriser(nn.Module):
    """Draws 8-connected lines of a given thickness without anti-aliasing.

    End points are whole pixels, so the shape of a line depends on its offset (dx, dy) alone. OpenCV draws each
    offset once, at first sight; its pixels then stay on the device, and a batch of maps is one gather and one
    scatter. Holds no weights; the bank of strokes is not part of a checkpoint.
    """

    _ends: Tensor
    _slot: Tensor
    _bank: Tensor

    def __init__(self, config: MapConfig, size: int) -> None:
        super().__init__()
        self.config = config
        self.size = size
        self._reach = 2 * size  # offsets beyond are clamped: both ends are then far outside the image
        side = 2 * self._reach + 1
        self._strokes: list[np.ndarray] = []
        self.register_buffer("_ends", torch.tensor(LINES), persistent=False)
        self.register_buffer("_slot", torch.full((side * side,), -1, dtype=torch.int32), persistent=False)
        self.register_buffer("_bank", torch.zeros(0, 1, 2, dtype=torch.int32), persistent=False)

    @torch.no_grad()
    def forward(self, points: Tensor, visibility: Tensor) -> Tensor:
        """Draw maps.

        Args:
            points: (B, 68, ≥2) as shares of the image side; may lie outside the image.
            visibility: (B, 68) in [0, 1].

        Returns:
            float32 (B, 3, S, S): 0, or the configured value on lines; three equal channels.

        Raises:
            ValueError: a coordinate is not finite.
        """
        if not bool(torch.isfinite(points).all()):
            raise ValueError("landmarks are not finite; no map can be drawn")
        shown = lines_shown(points, visibility, self.config)
        margin = self.size // 2
        pixels = (points[..., :2] * self.size).trunc().clamp(-margin, self.size + margin).long()
        start, end = pixels[:, self._ends[:, 0]], pixels[:, self._ends[:, 1]]
        strokes = self._lookup((end - start)[shown])
        owner = shown.nonzero()[:, 0]
        drawn = strokes + start[shown][:, None]
        inside = ((drawn >= 0) & (drawn < self.size)).all(dim=2)
        cells = (owner[:, None] * self.size + drawn[..., 1]) * self.size + drawn[..., 0]
        maps = torch.zeros(len(points) * self.size**2, device=points.device)
        maps[cells[inside]] = self.config.value
        return maps.view(-1, 1, self.size, self.size).expand(-1, 3, -1, -1)

    def _lookup(self, offsets: Tensor) -> Tensor:
        """(N, 2) offsets → (N, K, 2) pixels of their strokes relative to the start, padded by repetition."""
        flat = (offsets[:, 1] + self._reach) * (2 * self._reach + 1) + offsets[:, 0] + self._reach
        slots = self._slot[flat]
        missing = slots < 0
        if bool(missing.any()):
            self._learn(torch.unique(flat[missing]).cpu())
            slots = self._slot[flat]
        return self._bank[slots.long()].long()

    def _learn(self, flat: Tensor) -> None:
        side = 2 * self._reach + 1
        for value in flat.tolist():
            dy, dx = value // side - self._reach, value % side - self._reach
            self._slot[value] = len(self._strokes)
            self._strokes.append(_stroke(dx, dy, self.config.width))
        longest = max(len(stroke) for stroke in self._strokes)
        bank = np.stack([np.resize(stroke, (longest, 2)) for stroke in self._strokes])
        self._bank = torch.from_numpy(bank).to(self._slot.device)


def _stroke(dx: int, dy: int, width: int) -> np.ndarray:
    """Return int32 (K, 2) the x, y offsets of the pixels of a line from (0, 0) to (dx, dy)."""
    margin = width + 2
    left, top = margin - min(dx, 0), margin - min(dy, 0)
    canvas = np.zeros((abs(dy) + 2 * margin + 1, abs(dx) + 2 * margin + 1), np.uint8)
    cv2.line(canvas, (left, top), (left + dx, top + dy), 255, width)
    y, x = np.nonzero(canvas)
    return np.stack([x - left, y - top], axis=1).astype(np.int32)
