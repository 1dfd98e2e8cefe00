"""Eye transfer: take over the reference's eyelid opening, scaled to the generated eye (test time, an option)."""

from __future__ import annotations

import torch
from torch import Tensor

#: Upper lid point, lower lid point, for both eyes (iBUG).
_LIDS = ((37, 41), (38, 40), (43, 47), (44, 46))
_CORNERS = (36, 39)


def transfer_eyes(generated: Tensor, reference: Tensor) -> Tensor:
    """Rebuild upper lid points from lower ones with the reference's opening.

    The ratio of the widths of the image-left eye serves both eyes, as in the released demo.

    Args:
        generated: (B, 68, D) landmarks of the shape generator, D ≥ 2.
        reference: (B, 68, D') landmarks of the reference in the same unit, D' ≥ 2.

    Returns:
        (B, 68, D): ``generated`` with the x and y of four points replaced; the argument is left as it was.
    """
    result = generated.clone()
    widths = [
        torch.linalg.vector_norm(points[:, _CORNERS[0], :2] - points[:, _CORNERS[1], :2], dim=1)
        for points in (generated, reference)
    ]
    ratio = (widths[0] / widths[1].clamp_min(1e-6))[:, None]
    for upper, lower in _LIDS:
        opening = reference[:, upper, :2] - reference[:, lower, :2]
        result[:, upper, :2] = generated[:, lower, :2] + ratio * opening
    return result
