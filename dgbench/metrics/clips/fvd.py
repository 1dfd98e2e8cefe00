"""FVD: the Fréchet distance of clips in the features of a video network that the user gives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dgbench.core.card import JudgeNetwork, MetricCard
from dgbench.core.errors import UsageError
from dgbench.core.face import Failure, Image
from dgbench.core.record import MetricValue
from dgbench.io.weights import find_weight
from dgbench.metrics.frechet import frechet
from dgbench.networks.sessions import OnnxNetwork

FILE = "fvd.onnx"
HEADLINE_N = 2048
Row = NDArray[np.float32]


def load(weights: Path | None) -> Fvd:
    """Load FVD with its video network from a weights folder.

    Raises:
        MissingError: the network is not here. UsageError: it does not take 1x3xTxSxS.
    """
    path = find_weight(FILE, folder=weights)
    network = OnnxNetwork(path)
    shape = network.input_shape
    if len(shape) != 5 or shape[1] != 3 or not all(isinstance(side, int) for side in shape[2:]) or shape[3] != shape[4]:
        raise UsageError(f"{path}: takes {shape}; a video network here takes 1x3xTxSxS with fixed T and S")
    return Fvd(network)


class Fvd:
    """FVD by one network of T frames of S x S px.

    Attributes:
        card: definition with the network's digest.
    """

    def __init__(self, network: OnnxNetwork) -> None:
        self._network = network
        self._frames, self._size = int(network.input_shape[2]), int(network.input_shape[3])
        self.card = MetricCard(
            name="fvd",
            version=1,
            title="FVD",
            definition=(
                f"Fréchet distance of a video network's features (first output) of generated and real clips: the first "
                f"{self._frames} frames, resized to {self._size} px (bilinear up, area down), RGB on [-1, 1]."
            ),
            direction="lower",
            level="set",
            floor=None,
            failure_rule=(
                "a frame that was not generated enters as black; a clip with fewer frames than the network takes is "
                "left out on both sides and counted"
            ),
            judges=(JudgeNetwork(role="video", name="given", sha256=network.sha256),),
            parameters={"frames": self._frames, "size": self._size, "headline_n": HEADLINE_N},
        )

    def rows(self, generated: Sequence[Image | Failure], real: Sequence[Image]) -> tuple[Row, Row] | Failure:
        """Return the (real, generated) feature rows of one clip, or why it has none."""
        if len(real) < self._frames:
            return Failure("missing", f"a clip of {len(real)} frames, the network takes {self._frames}")
        black = np.zeros_like(real[0])
        made = [black if isinstance(frame, Failure) else frame for frame in generated[: self._frames]]
        return self._features(real[: self._frames]), self._features(made)

    def value(self, rows: Sequence[tuple[Row, Row] | Failure]) -> MetricValue:
        """Return the distance over all clips; the number is ``None`` below two."""
        there = [row for row in rows if not isinstance(row, Failure)]
        distance = None
        note = f"{len(there)} clip(s): a Fréchet distance needs two"
        if len(there) >= 2:
            distance = frechet(np.stack([row[0] for row in there]), np.stack([row[1] for row in there]))
            note = "" if len(there) >= HEADLINE_N else f"small N: {len(there)} clips < {HEADLINE_N}, biased upwards"
        failed = len(rows) - len(there)
        return MetricValue(
            name="fvd",
            card=self.card,
            card_digest=self.card.digest,
            value=distance,
            measured_only=distance,
            n_expected=len(rows),
            n_scored=len(there),
            failures={"missing": failed} if failed else {},
            note=note,
        )

    def _features(self, frames: Sequence[Image]) -> Row:
        resized = [self._resized(frame).astype(np.float32) / 127.5 - 1 for frame in frames]
        value = np.stack(resized).transpose(3, 0, 1, 2)[None]
        return self._network.run(value.astype(np.float32))[0].ravel().astype(np.float32)

    def _resized(self, frame: Image) -> Image:
        way = cv2.INTER_AREA if max(frame.shape[:2]) > self._size else cv2.INTER_LINEAR
        return cv2.resize(frame, (self._size, self._size), interpolation=way).astype(np.uint8)
