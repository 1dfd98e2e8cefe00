"""Which lines of the face a landmark map shows: all, those with visible ends, or the released profile rule."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from dgbench.models.dg.config import MapConfig


def _chain(*points: int) -> list[tuple[int, int]]:
    return list(itertools.pairwise(points))


def _run(first: int, last: int) -> list[tuple[int, int]]:
    return _chain(*range(first, last + 1))


_FRONT = [
    *_run(0, 16),
    *_run(17, 21),
    *_run(22, 26),
    *_run(27, 30),
    *_run(31, 35),
    *_chain(*range(36, 42), 36),
    *_chain(*range(42, 48), 42),
    *_chain(*range(48, 60), 48),
    *_chain(*range(60, 68), 60),
]
#: Lines from the outer to the inner lip that close a mouth whose far half is hidden.
_CLOSERS = [(51, 62), (57, 66)]
_RIGHT = [  # the face is turned to image-right: its image-left half is seen
    *_run(0, 12),
    *_run(17, 21),
    *_run(27, 30),
    *_run(31, 33),
    *_chain(*range(36, 42), 36),
    *_run(48, 51),
    *_chain(57, 58, 59, 48),
    *_run(60, 62),
    *_chain(66, 67, 60),
    *_CLOSERS,
]
_LEFT = [
    *_run(4, 16),
    *_run(22, 26),
    *_run(27, 30),
    *_run(33, 35),
    *_chain(*range(42, 48), 42),
    *_run(51, 57),
    *_run(62, 66),
    *_CLOSERS,
]

#: Every line that any rule can draw, in a fixed order.
LINES: tuple[tuple[int, int], ...] = tuple(dict.fromkeys([*_FRONT, *_CLOSERS]))
#: Channel of each line in a map by part: 0 outline and nose, 1 brows and eyes, 2 mouth.
LINE_PARTS: tuple[int, ...] = tuple(
    2 if first >= 48 else 1 if 17 <= first < 27 or 36 <= first < 48 else 0 for first, _ in LINES
)
_INDEX = {line: index for index, line in enumerate(LINES)}
_MOUTH = slice(48, 68)


def _mask(lines: list[tuple[int, int]]) -> Tensor:
    mask = torch.zeros(len(LINES), dtype=torch.bool)
    mask[[_INDEX[line] for line in lines]] = True
    return mask


def lines_shown(points: Tensor, visibility: Tensor, config: MapConfig) -> Tensor:
    """Choose the lines of each face.

    Args:
        points: (B, 68, ≥2) as shares of the image side.
        visibility: (B, 68) in [0, 1]; a point is seen from 0.5 on.
        config: the rule.

    Returns:
        bool (B, len(LINES)).
    """
    device = points.device
    front = _mask(_FRONT).to(device)
    if config.rule == "all":
        return front.expand(len(points), -1)
    if config.rule == "visible":
        seen = visibility >= 0.5
        ends = torch.tensor(LINES, device=device)
        shown = seen[:, ends[:, 0]] & seen[:, ends[:, 1]]
        half_mouth = ~seen[:, _MOUTH].all(dim=1, keepdim=True)
        return shown & (front | half_mouth)
    # Distances are compared in whole pixels in the released code; shares are what any size has in common.
    x = points[..., 0]
    right = (x[:, 42] - x[:, 36] <= config.profile_gap) & (x[:, 30] > x[:, 42])
    left = (x[:, 45] - x[:, 39] <= config.profile_gap) & (x[:, 30] < x[:, 42]) & ~right
    choice = torch.stack([front, _mask(_RIGHT).to(device), _mask(_LEFT).to(device)])
    return choice[right.long() + 2 * left.long()]
