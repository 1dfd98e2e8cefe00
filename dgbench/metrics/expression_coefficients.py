"""Expression error in the coefficients of a 3DMM or blendshape network that the user gives."""

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
from dgbench.networks.sessions import OnnxNetwork

FILE = "expression_coefficients.onnx"
CAP = 10.0


def load(weights: Path | None) -> ExpressionCoefficients:
    """Load the metric with its network from a weights folder.

    Raises:
        MissingError: the network is not here. UsageError: it does not take 1x3xSxS.
    """
    path = find_weight(FILE, folder=weights)
    network = OnnxNetwork(path)
    sizes = network.input_shape[1:]
    if len(sizes) != 3 or sizes[0] != 3 or not isinstance(sizes[1], int) or sizes[1] != sizes[2]:
        raise UsageError(f"{path}: takes {network.input_shape}; it must take 1x3xSxS with a fixed S")
    return ExpressionCoefficients(network)


def card(sha256: str, size: int) -> MetricCard:
    """Return the card with the network's digest."""
    return MetricCard(
        name="expression_coefficients",
        version=1,
        title="Expression error (coefficients)",
        definition=(
            "Mean absolute difference of the expression coefficients (a given network's first output) of the generated "
            "image and of the reference. The whole frame is resized by area to the network's input, RGB on [0, 1]. "
            "Values of different networks are on different scales; the card's digest keeps them apart. A value above "
            "10 is read as 10."
        ),
        direction="lower",
        level="pair",
        floor=CAP,
        failure_rule="a pair without a generated image scores 10, the cap",
        judges=(JudgeNetwork(role="expression", name="given", sha256=sha256),),
        parameters={"size": size, "cap": CAP, "compared_with": "reference"},
    )


class ExpressionCoefficients(PairMetric):
    """Mean absolute difference of expression coefficients of generated and reference."""

    valid_range = (0.0, CAP)
    images = frozenset({"reference"})

    @classmethod
    def card_by(cls, name: str, networks: Sequence[JudgeNetwork]) -> MetricCard:
        """Return the card without the digest of the network, which is not loaded for it."""
        return card("", 0)

    @classmethod
    def make(cls, name: str, judges: Judges | None, *, weights: Path | None = None) -> ExpressionCoefficients:
        """Load the metric with its network."""
        return load(weights)

    def __init__(self, network: OnnxNetwork) -> None:
        self._size = int(network.input_shape[2])
        super().__init__(card(network.sha256, self._size))
        self._network = network

    def score(self, view: PairView) -> float | Failure:
        """Return the error of the pair."""
        if view.generated is None or view.reference_image is None:
            which = "generated" if view.generated is None else "reference"
            return Failure("missing", f"the {which} image is not here")
        difference = self._coefficients(view.generated) - self._coefficients(view.reference_image)
        value = float(np.abs(difference).mean())
        return min(value, CAP) if np.isfinite(value) else Failure("not-finite", "a coefficient is not finite")

    def _coefficients(self, image: Image) -> NDArray[np.float64]:
        resized = cv2.resize(image, (self._size, self._size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        return self._network.run(resized.transpose(2, 0, 1)[None])[0].ravel().astype(np.float64)
