"""The standard feature network: the official Inception through torch-fidelity, whose distance alone is called FID."""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgbench.core.card import JudgeNetwork
from dgbench.core.digests import sha256_file
from dgbench.core.errors import UsageError
from dgbench.core.face import Image
from dgbench.networks.features import FeatureNetwork
from dgbench.networks.torchvision_shim import import_torchvision

#: The Inception weights converted from the TensorFlow release of 2015-12-05; the one file that gives a FID.
OFFICIAL_SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"


class Inception(FeatureNetwork):
    """Inception-v3 pool features (2048) of torch-fidelity's ``inception-v3-compat``, float32.

    torch-fidelity would unpickle the file without limits; here it is read as tensors only and handed on from
    memory, so no code in it can run. Images of one size go through in blocks of exactly 16 (the last one filled
    up), so that the numbers do not depend on how many images there are.

    The name is ``fid`` for the official file and ``fd[inception-<digest>]`` for any other.
    """

    FILE = "weights-inception-2015-12-05-6726825d.pth"
    BLOCK = 16
    dimension = 2048

    def __init__(self, path: Path) -> None:
        import torch

        import_torchvision()
        from torch_fidelity.utils import create_feature_extractor

        digest = sha256_file(path)
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
            raise UsageError(f"{path}: not a file of tensors alone; get {self.FILE} from its release") from error
        memory = io.BytesIO()
        torch.save(state, memory)
        memory.seek(0)
        try:
            network = create_feature_extractor(
                "inception-v3-compat", ["2048"], cuda=False, feature_extractor_weights_path=memory, verbose=False
            )
        except RuntimeError as error:
            raise UsageError(f"{path}: its tensors are not those of Inception-v3; get {self.FILE}") from error
        self._network: Any = _folded(network).to(memory_format=torch.channels_last)
        self.name = "fid" if digest == OFFICIAL_SHA256 else f"fd[inception-{digest[:8]}]"
        self.network = JudgeNetwork(role="features", name="inception-v3-compat", sha256=digest)

    def features(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """See :meth:`FeatureNetwork.features`."""
        result = np.zeros((len(images), self.dimension), dtype=np.float32)
        groups: dict[tuple[int, ...], list[int]] = {}
        for index, image in enumerate(images):
            groups.setdefault(image.shape, []).append(index)
        for members in groups.values():
            for start in range(0, len(members), self.BLOCK):
                block = members[start : start + self.BLOCK]
                result[block] = self._block(np.stack([images[index] for index in block]))
        return result

    def _block(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        import torch

        filled = np.zeros((self.BLOCK, *images.shape[1:]), dtype=np.uint8)
        filled[: len(images)] = images
        batch = torch.from_numpy(filled).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            (features,) = self._network(batch)
        values: NDArray[np.float32] = features[: len(images)].numpy().astype(np.float32)
        return values


def _folded(network: Any) -> Any:
    """Put every batch norm into the convolution before it: a fifth less work, features equal to 1e-6 (relative)."""
    import torch
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    for module in network.modules():
        if isinstance(getattr(module, "bn", None), torch.nn.BatchNorm2d):
            module.conv = fuse_conv_bn_eval(module.conv, module.bn)
            module.bn = torch.nn.Identity()
    return network
