"""CSIM without alignment, as the DG group's published script has it: for comparison with papers, never ranked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dgbench.core.card import JudgeNetwork, MetricCard
from dgbench.core.errors import UsageError
from dgbench.core.face import Failure, Image
from dgbench.io.weights import find_weight
from dgbench.metrics.contract import Judges, PairMetric, PairView
from dgbench.metrics.csim import cosine
from dgbench.networks.sessions import OnnxNetwork

FILE = "ir50_ms1m_epoch120.onnx"
SIZE = 112


def load(weights: Path | None) -> CsimNoAlign:
    """Load the metric with its network from a weights folder.

    Raises:
        MissingError: the network is not here. UsageError: it does not take 1x3x112x112.
    """
    path = find_weight(FILE, folder=weights)
    network = OnnxNetwork(path)
    if list(network.input_shape[1:]) != [3, SIZE, SIZE]:
        raise UsageError(f"{path}: takes {network.input_shape}, an IR-50 for faces takes 1x3x{SIZE}x{SIZE}")
    return CsimNoAlign(network)


def card(sha256: str) -> MetricCard:
    """Return the card with the network's digest."""
    return MetricCard(
        name="paper/csim-ir50",
        version=2,
        title="CSIM, IR-50 without alignment (paper-compatible)",
        definition=(
            "Cosine of IR-50 ArcFace embeddings of the generated and the source image as in metrics/eval.py of "
            "AvLab-CV/PASL: no detection, no alignment, the whole frame resized bilinearly to 112 px, RGB on [-1, 1]. "
            "A frame without a face has an embedding too."
        ),
        direction="higher",
        level="pair",
        floor=-1.0,
        failure_rule="a pair without a generated image scores -1 (the script leaves it out)",
        compat=True,
        judges=(JudgeNetwork(role="identity", name="ir50-ms1m", sha256=sha256),),
        parameters={"size": SIZE, "resize": "bilinear, no antialiasing", "canonical": "csim"},
    )


class CsimNoAlign(PairMetric):
    """CSIM of generated and source, whole frames."""

    valid_range = (-1.0, 1.0)
    images = frozenset({"source"})

    @classmethod
    def card_by(cls, name: str, networks: Sequence[JudgeNetwork]) -> MetricCard:
        """Return the card without the digest of the network, which is not loaded for it."""
        return card("")

    @classmethod
    def make(cls, name: str, judges: Judges | None, *, weights: Path | None = None) -> CsimNoAlign:
        """Load the metric with its network."""
        return load(weights)

    def __init__(self, network: OnnxNetwork) -> None:
        super().__init__(card(network.sha256))
        self._network = network

    def score(self, view: PairView) -> float | Failure:
        """Return the cosine of the pair."""
        if view.generated is None or view.source_image is None:
            return Failure("missing", f"the {'generated' if view.generated is None else 'source'} image is not here")
        value = cosine(self._embed(view.generated), self._embed(view.source_image))
        return value if np.isfinite(value) else Failure("not-finite", "an embedding is zero or not finite")

    def _embed(self, image: Image) -> NDArray[np.float32]:
        resized = cv2.resize(image.astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
        return self._network.run((resized / 127.5 - 1.0).transpose(2, 0, 1)[None].astype(np.float32))[0].ravel()
