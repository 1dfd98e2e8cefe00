"""The resize before Inception is torch-fidelity's, bit by bit: FID is known to move with every other one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from dgbench.networks.inception_input import inception_input
from dgbench.networks.torchvision_shim import import_torchvision


@pytest.mark.parametrize("shape", [(8, 8), (64, 64), (96, 120), (256, 256), (299, 299), (512, 333)])
def test_every_bit_is_torch_fidelitys(shape: tuple[int, int]) -> None:
    import_torchvision()
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    planes = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    theirs = (interpolate_bilinear_2d_like_tensorflow1x(planes, size=(299, 299), align_corners=False) - 128) / 128
    np.testing.assert_array_equal(inception_input(image, 299), theirs.numpy())
    if shape != (299, 299):
        usual = cv2.resize(image.astype(np.float32), (299, 299), interpolation=cv2.INTER_LINEAR)
        assert np.abs((usual.transpose(2, 0, 1) - 128) / 128 - theirs[0].numpy()).max() > 0.01


def test_a_read_only_view_gives_the_same() -> None:
    image = np.random.default_rng(1).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    mirrored = image[:, ::-1]
    frozen = mirrored.copy()
    frozen.flags.writeable = False
    np.testing.assert_array_equal(inception_input(mirrored, 50), inception_input(frozen, 50))
    assert image.flags.writeable and not np.array_equal(inception_input(image, 50), inception_input(frozen, 50))
