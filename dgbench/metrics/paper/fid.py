"""StarGAN-v2's FID of source against generated images, as the DG group's script has it: never ranked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from dgbench.core.card import JudgeNetwork, MetricCard
from dgbench.core.digests import sha256_file
from dgbench.core.errors import UsageError
from dgbench.core.face import Image
from dgbench.io.weights import find_weight
from dgbench.metrics.contract import Features, Judges, OwnFeatures, PairView, SetResult
from dgbench.metrics.frechet import frechet
from dgbench.networks.torch_file import read_tensors
from dgbench.networks.torchvision_shim import import_torchvision

FILE = "inception_v3_google-0cc3c7bd.pth"
SIZE = 299
_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
_STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)


def load(weights: Path | None) -> CompatFid:
    """Load the metric with torchvision's ImageNet Inception from a weights folder.

    Raises:
        MissingError: the network is not here. UsageError: it is not a state of torchvision's Inception-v3.
    """
    import torch

    path = find_weight(FILE, folder=weights)
    import_torchvision()
    from torchvision.models import inception_v3

    network = inception_v3(weights=None, init_weights=False, transform_input=False, aux_logits=True)
    try:
        network.load_state_dict(read_tensors(path))
    except (RuntimeError, TypeError) as error:
        raise UsageError(f"{path}: is not the state of torchvision's Inception-v3; get {FILE} again") from error
    network.fc = torch.nn.Identity()
    return CompatFid(network.eval(), sha256_file(path))


def card(sha256: str) -> MetricCard:
    """Return the card with the network's digest."""
    return MetricCard(
        name="paper/fid-stargan2",
        version=2,
        title="FID of StarGAN-v2, source against generated (paper-compatible)",
        definition=(
            "Fréchet distance of pooled features of torchvision's ImageNet Inception-v3 (not the Inception of FID) of "
            "the generated images and of their SOURCE images, as metrics/fid.py of AvLab-CV/PASL computes it: bilinear "
            "resize to 299 px by Pillow, ImageNet normalisation, covariance over N-1."
        ),
        direction="lower",
        level="set",
        floor=None,
        failure_rule="a pair without a generated image is left out, as in the script",
        compat=True,
        judges=(JudgeNetwork(role="features", name="inception-v3-imagenet", sha256=sha256),),
        parameters={"size": SIZE, "resize": "Pillow bilinear", "real_side": "source", "canonical": "fid"},
    )


class CompatFid(OwnFeatures):
    """Fréchet distance of source and generated images in ImageNet features."""

    valid_range = (0.0, None)
    images = frozenset({"source"})

    @classmethod
    def card_by(cls, name: str, networks: Sequence[JudgeNetwork]) -> MetricCard:
        """Return the card without the digest of the network, which is not loaded for it."""
        return card("")

    @classmethod
    def make(cls, name: str, judges: Judges | None, *, weights: Path | None = None) -> CompatFid:
        """Load the metric with its network."""
        return load(weights)

    def __init__(self, network: Any, sha256: str) -> None:
        super().__init__(card(sha256))
        self._network = network
        self._last: tuple[str, Features] | None = None

    def rows(self, view: PairView) -> tuple[Features, Features] | None:
        """Return the features of the source and the generated image."""
        if view.generated is None or view.source_image is None:
            return None
        # Pairs come in order of id, which keeps pairs of one source together.
        if self._last is None or self._last[0] != view.pair.source:
            self._last = (view.pair.source, self._features(view.source_image))
        return self._last[1], self._features(view.generated)

    def compute(self, real: Features, generated: Features) -> SetResult:
        """Return the distance; ``None`` below two images a set."""
        if len(real) < 2:
            return SetResult(None, f"{len(real)} image(s): a Fréchet distance needs two")
        return SetResult(frechet(real, generated), f"N={len(real)}; compare with no FID, only with the script's number")

    def _features(self, image: Image) -> Features:
        import torch

        resized = PIL.Image.fromarray(image).resize((SIZE, SIZE), PIL.Image.Resampling.BILINEAR)
        value = (np.asarray(resized, dtype=np.float32) / 255 - _MEAN) / _STD
        with torch.inference_mode():
            return self._network(torch.from_numpy(value.transpose(2, 0, 1)[None].copy()))[0].numpy().astype(np.float32)
