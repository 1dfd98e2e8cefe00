"""Landmarks → landmark maps, batched and on the device, pixel for pixel what OpenCV's ``line`` draws."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dgbench.models.dg.config import MapConfig
from dgbench.models.dg.map_lines import LINE_PARTS, LINES, lines_shown


class MapRasteriser(nn.Module):
    """Draws 8-connected lines of a given thickness; without anti-aliasing, unless a finer grid is averaged down.

    End points are whole pixels, so the shape of a line depends on its offset (dx, dy) alone. OpenCV draws each
    offset once, at first sight; its pixels then stay on the device, and a batch of maps is one gather and one
    scatter. Holds no weights; the bank of strokes is not part of a checkpoint.
    """

    _ends: Tensor
    _parts: Tensor
    _slot: Tensor
    _bank: Tensor

    def __init__(self, config: MapConfig, size: int) -> None:
        super().__init__()
        self.config = config
        self.size = size
        self._fine = size * config.fine
        self._reach = 2 * self._fine  # offsets beyond are clamped: both ends are then far outside the image
        side = 2 * self._reach + 1
        self._strokes: list[np.ndarray] = []
        self.register_buffer("_ends", torch.tensor(LINES), persistent=False)
        parts = LINE_PARTS if config.by_part else [0] * len(LINES)
        self.register_buffer("_parts", torch.tensor(parts), persistent=False)
        self.register_buffer("_slot", torch.full((side * side,), -1, dtype=torch.int32), persistent=False)
        self.register_buffer("_bank", torch.zeros(0, 1, 2, dtype=torch.int32), persistent=False)

    @torch.no_grad()
    def forward(self, points: Tensor, visibility: Tensor) -> Tensor:
        """Draw maps.

        Args:
            points: (B, 68, ≥2) as shares of the image side; may lie outside the image.
            visibility: (B, 68) in [0, 1].

        Returns:
            float32 (B, 3, S, S): 0, or the configured value on lines (on a finer grid, its share of the pixel); three
            equal channels, or one per part of the face.

        Raises:
            ValueError: a coordinate is not finite.
        """
        if not bool(torch.isfinite(points).all()):
            raise ValueError("landmarks are not finite; no map can be drawn")
        shown = lines_shown(points, visibility, self.config)
        side, channels = self._fine, 3 if self.config.by_part else 1
        pixels = (points[..., :2] * side).trunc().clamp(-side // 2, side + side // 2).long()
        start, end = pixels[:, self._ends[:, 0]], pixels[:, self._ends[:, 1]]
        strokes = self._lookup((end - start)[shown])
        owner, line = shown.nonzero().unbind(1)
        drawn = strokes + start[shown][:, None]
        inside = ((drawn >= 0) & (drawn < side)).all(dim=2)
        plane = owner * channels + self._parts[line]
        cells = (plane[:, None] * side + drawn[..., 1]) * side + drawn[..., 0]
        maps = torch.zeros(len(points) * channels * side**2, device=points.device)
        maps[cells[inside]] = self.config.value
        maps = maps.view(-1, channels, side, side)
        if self.config.fine > 1:
            maps = F.avg_pool2d(maps, self.config.fine)
        return maps.expand(-1, 3, -1, -1)

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
