"""What a training run tells: TensorBoard scalars and image grids, and one JSON line per logging step."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dgbench.io.atomic import write_bytes
from dgbench.io.images import encode_png

#: Width of the labels of a grid, pixels.
_MARGIN = 76


class TrainingJournal:
    """Writes under ``OUT/log``; on other processes than the first it does nothing.

    ``curves.jsonl`` holds what TensorBoard shows, so that curves can be drawn without it; lines after the step
    that a resumed run begins at are dropped.
    """

    def __init__(self, out: Path, *, active: bool, from_step: int = 0) -> None:
        self._active = active
        self._path = out / "log" / "curves.jsonl"
        self._grids = out / "grids"
        self._writer: Any = None
        if active:
            from torch.utils.tensorboard import SummaryWriter

            self._keep_until(from_step)
            self._writer = SummaryWriter(str(out / "log"), purge_step=from_step + 1)  # type: ignore[no-untyped-call]

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Record named values of one step."""
        if not self._active:
            return
        for name, value in sorted(values.items()):
            self._writer.add_scalar(name, value, step)
        with self._path.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps({"step": step, **values}, sort_keys=True) + "\n")

    def grid(self, step: int, name: str, rows: list[Tensor], labels: Sequence[str] = ()) -> None:
        """Record an image grid; each row is (N, 3, S, S) in [0, 1], with its label in front where there are labels.

        Also written as ``OUT/grids/<name>-<step>.png``.
        """
        if not self._active:
            return
        picture = grid_image(rows, labels)
        self._writer.add_image(name, picture, step, dataformats="HWC")
        write_bytes(self._grids / f"{name}-{step:09d}.png", encode_png(picture))

    def close(self) -> None:
        """Flush and close."""
        if self._writer is not None:
            self._writer.close()

    def _keep_until(self, step: int) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if not self._path.is_file():
            return
        kept = []
        for line in self._path.read_text(encoding="utf-8").splitlines():
            try:
                if json.loads(line)["step"] <= step:
                    kept.append(line)
            except (json.JSONDecodeError, KeyError):
                continue  # a line cut by a crash
        write_bytes(self._path, "".join(f"{line}\n" for line in kept).encode())


def grid_image(rows: list[Tensor], labels: Sequence[str] = ()) -> NDArray[np.uint8]:
    """Lay rows of (N, 3, S, S) images in [0, 1] out as one uint8 HWC picture, one row under the other.

    Labels stand in black on white before their rows.
    """
    lines = [torch.cat(list(row.detach().float().cpu().clamp(0, 1)), dim=2) for row in rows]
    pixels = (torch.cat(lines, dim=1) * 255).round().to(torch.uint8)
    picture: NDArray[np.uint8] = np.ascontiguousarray(pixels.permute(1, 2, 0).numpy())
    if not labels:
        return picture
    margin = [_label(text, height=row.shape[2]) for text, row in zip(labels, rows, strict=True)]
    return np.concatenate([np.concatenate(margin), picture], axis=1)


def _label(text: str, *, height: int) -> NDArray[np.uint8]:
    canvas = np.full((height, _MARGIN, 3), 255, np.uint8)
    cv2.putText(canvas, text, (4, height // 2 + 4), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
    return canvas
