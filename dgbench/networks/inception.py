"""The standard feature network: the official Inception through torch-fidelity, whose distance alone is called FID."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgbench.core.card import JudgeNetwork
from dgbench.core.digests import sha256_file
from dgbench.core.errors import UsageError
from dgbench.core.face import Image
from dgbench.io.weights import obtain_weight
from dgbench.networks.exported import ExportedNetwork
from dgbench.networks.features import FeatureNetwork
from dgbench.networks.inception_input import inception_input
from dgbench.networks.torch_file import read_tensors
from dgbench.networks.torchvision_shim import import_torchvision

#: The Inception weights converted from the TensorFlow release of 2015-12-05; the one file that gives a FID.
OFFICIAL_SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"


class Inception(FeatureNetwork):
    """Inception-v3 pool features (2048) of torch-fidelity's ``inception-v3-compat``, float32.

    torch-fidelity would unpickle the file without limits; here it is read as tensors only and handed on from
    memory, so no code in it can run. Images are brought to 299 px as torch-fidelity does; the network after it runs
    in onnxruntime, one image at a time, so that the numbers do not depend on how many images there are, and twice as
    many go through a core as in torch. Features equal torch-fidelity's to about 3e-7 (relative).

    The name is ``fid`` for the official file and ``fd[inception-<digest>]`` for any other.
    """

    FILE = "weights-inception-2015-12-05-6726825d.pth"
    SIZE = 299
    dimension = 2048

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        import torch

        import_torchvision()
        from torch_fidelity.utils import create_feature_extractor

        digest = sha256_file(path)
        state = read_tensors(path)
        memory = io.BytesIO()
        torch.save(state, memory)
        memory.seek(0)
        try:
            network = create_feature_extractor(
                "inception-v3-compat", ["2048"], cuda=False, feature_extractor_weights_path=memory, verbose=False
            )
        except RuntimeError as error:
            raise UsageError(f"{path}: its tensors are not those of Inception-v3; get {self.FILE}") from error
        self._body = ExportedNetwork(_body(network), (1, 3, self.SIZE, self.SIZE), threads=threads)
        self.name = "fid" if digest == OFFICIAL_SHA256 else f"fd[inception-{digest[:8]}]"
        self.network = JudgeNetwork(role="features", name="inception-v3-compat", sha256=digest)

    def features(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """See :meth:`FeatureNetwork.features`."""
        result = np.zeros((len(images), self.dimension), dtype=np.float32)
        for index, image in enumerate(images):
            (rows,) = self._body.run(inception_input(image, self.SIZE))
            result[index] = rows[0]
        return result


#: torch-fidelity's layers from the resized image to the pooled features, in order.
_LAYERS = (
    *("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "MaxPool_1", "Conv2d_3b_1x1", "Conv2d_4a_3x3", "MaxPool_2"),
    *("Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"),
    *("Mixed_7a", "Mixed_7b", "Mixed_7c", "AvgPool"),
)


def _body(network: Any) -> Any:
    import torch

    return torch.nn.Sequential(*(getattr(network, name) for name in _LAYERS), torch.nn.Flatten()).eval()


def load_inception(weights: Path | None, *, threads: int = 1) -> Inception:
    """Load the official Inception from a folder of weights, dgbench's cache or torch's, or by download.

    Raises:
        MissingError: the file is nowhere and cannot be downloaded. UsageError: it has another content.
    """
    return Inception(obtain_weight(Inception.FILE, folder=weights), threads=threads)
