"""The exported network gives, without dgbench, what the network gives."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from toy_world import RUNTIME

from dgbench.networks.embedded.store import load_identity
from dgbench.training.baselines.losses import TAPS
from dgbench.training.baselines.perceptual import exported_network

_READ = """
import sys
import numpy, torch
from dgbench_trainer import perceptual
assert not any(name.split(".")[0] == "dgbench" for name in sys.modules)
images = torch.from_numpy(numpy.load(sys.argv[2]))
found = getattr(perceptual, sys.argv[3])(*sys.argv[1:2] * (sys.argv[3] == "from_network"))()(images)
numpy.savez(sys.argv[4], **{str(i): x.numpy() for i, x in enumerate(found)})
"""


def read(tmp_path, function):
    images = np.random.default_rng(0).random((2, 3, 32, 32), dtype=np.float32)
    np.save(tmp_path / "images.npy", images)
    places = [tmp_path / "network.npz", tmp_path / "images.npy", function, tmp_path / "out.npz"]
    command = [sys.executable, "-c", _READ, *map(str, places)]
    subprocess.run(command, check=True, env={"PYTHONPATH": str(RUNTIME)}, timeout=120)
    with np.load(tmp_path / "out.npz") as found:
        return images, [found[str(index)] for index in range(len(found.files))]


@pytest.mark.slow  # imports torch in an interpreter of its own
def test_the_image_and_five_activations_come_out_as_they_do_here(tmp_path):
    body = load_identity("identity-train")[0].eval().body
    (tmp_path / "network.npz").write_bytes(exported_network(body, taps=TAPS))
    images, found = read(tmp_path, "from_network")
    assert np.array_equal(found[0], images) and len(found) == 6
    x, expected = torch.from_numpy(images) * 2 - 1, []
    with torch.no_grad():
        for index, layer in enumerate(body):
            x = layer(x)
            expected += [x.numpy()] if index in TAPS else []
    for ours, theirs in zip(found[1:], expected[:5], strict=True):
        assert ours.shape == theirs.shape and theirs.std() > 0.05
        np.testing.assert_allclose(ours, theirs, atol=2e-4)


@pytest.mark.slow
def test_pixels_are_the_image_its_differences_and_its_means(tmp_path):
    images, found = read(tmp_path, "pixels")
    assert np.array_equal(found[0], images)
    right, down = np.diff(images, axis=3).reshape(2, -1), np.diff(images, axis=2).reshape(2, -1)
    np.testing.assert_allclose(found[1], np.concatenate([right, down], axis=1), atol=1e-6)
    for side, mean in zip((2, 4, 8), found[2:], strict=True):
        blocks = images.reshape(2, 3, 32 // side, side, 32 // side, side).mean(axis=(3, 5))
        np.testing.assert_allclose(mean, blocks, atol=1e-6)
