"""An embedded network as a file that a launcher reads without dgbench: arrays, and a list of layers as JSON."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dgbench.networks.embedded.blocks import InvertedResidual


def exported_network(body: nn.Sequential, *, taps: tuple[int, ...]) -> bytes:
    """Return an npz file of the layers up to the last tap, each batch norm folded into its convolution.

    Args:
        body: convolution blocks and inverted residuals, as in ``IdentityTrain.body``; in evaluation mode.
        taps: indices of the layers whose output the reader returns.
    """
    arrays: dict[str, NDArray[Any]] = {}
    layers = []
    for index, layer in enumerate(body):
        if index > max(taps):
            break
        if isinstance(layer, InvertedResidual):
            steps: list[dict[str, object]] = [{"residual": _steps(list(layer.body), arrays)}]
        else:
            steps = _steps([layer], arrays)
        layers.append({"steps": steps, "tap": index in taps})
    buffer = io.BytesIO()
    text = np.frombuffer(json.dumps(layers).encode(), dtype=np.uint8)
    stored: dict[str, Any] = {"layers": text, **arrays}
    np.savez(buffer, **stored)
    return buffer.getvalue()


def _steps(parts: list[nn.Module], arrays: dict[str, NDArray[Any]]) -> list[dict[str, object]]:
    """Return the convolutions of a chain of blocks, or of bare convolutions each with its batch norm."""
    flat: list[nn.Module] = []
    for part in parts:
        flat += list(part) if isinstance(part, nn.Sequential) else [part]
    steps: list[dict[str, object]] = []
    for place, part in enumerate(flat):
        if not isinstance(part, nn.Conv2d):
            continue
        norm = flat[place + 1]
        assert isinstance(norm, nn.BatchNorm2d) and norm.running_mean is not None and norm.running_var is not None
        assert isinstance(part.stride[0], int) and isinstance(part.padding[0], int)
        factor = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach()
        name = f"conv{len(arrays) // 2}"
        arrays[f"{name}_weight"] = (part.weight.detach() * factor[:, None, None, None]).numpy()
        arrays[f"{name}_bias"] = (norm.bias.detach() - norm.running_mean * factor).numpy()
        relu = place + 2 < len(flat) and isinstance(flat[place + 2], nn.ReLU)
        steps.append(
            {"name": name, "stride": part.stride[0], "padding": part.padding[0], "groups": part.groups, "relu": relu}
        )
    return steps
