"""A torch network run by onnxruntime: the same numbers to float32 rounding, on single images in a third of the time."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgbench.networks.sessions import open_session

_OPSET = 17


class ExportedNetwork:
    """A frozen torch network of one float32 input and a fixed input shape, exported in memory.

    Batch norms and activations are joined to their convolutions and the layout is chosen once, which torch does not do
    for a network that it runs eagerly. The shape is fixed, so an image's numbers cannot depend on what else is in a
    batch; :meth:`run` may be called from several threads.

    Args:
        network: a ``torch.nn.Module`` in evaluation mode, on the CPU; its outputs are tensors.
        shape: of the one input.
        threads: threads per call; changes the speed and not the numbers.
    """

    def __init__(self, network: Any, shape: tuple[int, ...], *, threads: int = 1) -> None:
        import torch

        if network.training:
            raise ValueError("only a network in evaluation mode can be exported")
        model: Any = io.BytesIO()
        with torch.no_grad(), warnings.catch_warnings():
            # The exporter that traces needs onnx alone; torch announces it as the older of two.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network, (torch.zeros(shape),), model, dynamo=False, input_names=["input"], opset_version=_OPSET
            )
        self.shape = shape
        self._session: Any = open_session(model.getvalue(), threads=threads)

    def run(self, value: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Return every output for one float32 input of the fixed shape, in the network's order."""
        outputs: list[NDArray[np.float32]] = self._session.run(None, {"input": np.ascontiguousarray(value)})
        return outputs
