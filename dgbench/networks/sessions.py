"""ONNX networks on the CPU with a pinned provider, so that a measured number does not depend on the machine's luck."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgbench.core.digests import sha256_file
from dgbench.core.errors import UsageError


def open_session(model: Path | bytes, *, threads: int = 1) -> Any:
    """Return an onnxruntime session on the CPU, one operator after another, on ``threads`` threads.

    Args:
        model: an ONNX file, or its content.
        threads: threads within an operator.

    Raises:
        UsageError: the file is not a readable ONNX network.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    source = model if isinstance(model, bytes) else str(model)
    try:
        return onnxruntime.InferenceSession(source, sess_options=options, providers=["CPUExecutionProvider"])
    except Exception as error:
        # onnxruntime raises a family of its own classes for a damaged file; none is public API.
        if type(error).__module__.split(".")[0] != "onnxruntime":
            raise
        where = "a network in memory" if isinstance(model, bytes) else model
        raise UsageError(f"{where}: not a readable ONNX network; get the file again and check its sha256") from error


class OnnxNetwork:
    """One ONNX file, run one input at a time.

    Inputs are never batched: a batched matrix product may round differently from a single one, and the same
    image must give the same number for any batch size. The two threads of a session split one operator's
    outputs among themselves without changing the order of any sum.

    Attributes:
        sha256: digest of the file.
        input_shape: the first input's shape as the file states it.
    """

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        self._session: Any = open_session(path, threads=threads)
        self.sha256 = sha256_file(path)
        first = self._session.get_inputs()[0]
        self._input: str = first.name
        self.input_shape: list[Any] = list(first.shape)
        self.output_names: list[str] = [output.name for output in self._session.get_outputs()]

    def run(self, value: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Return every output for one float32 NCHW input, in the file's order."""
        outputs: list[NDArray[np.float32]] = self._session.run(None, {self._input: np.ascontiguousarray(value)})
        return outputs
