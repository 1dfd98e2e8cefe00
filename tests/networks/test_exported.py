"""Networks run by onnxruntime say what torch says, for any company that an image keeps."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from dgbench.networks.embedded.store import load_features, load_identity, load_landmarks
from dgbench.networks.exported import ExportedNetwork

LOADERS: dict[str, Callable[[], tuple[torch.nn.Module, str]]] = {
    "identity-measure-2": lambda: load_identity("identity-measure-2"),
    "identity-train": lambda: load_identity("identity-train"),
    "landmarks": load_landmarks,
    "features": load_features,
}
SHAPE = (1, 3, 64, 64)
SHAPES = {"identity-measure-2": (1, 3, 80, 80)}


@pytest.mark.parametrize("name", sorted(LOADERS))
def test_shipped_networks_say_what_torch_says(name: str) -> None:
    network, _ = LOADERS[name]()
    shape = SHAPES.get(name, SHAPE)
    exported = ExportedNetwork(network, shape)
    rng = np.random.default_rng(0)
    for _ in range(5):
        value = rng.random(shape, dtype=np.float32)
        with torch.inference_mode():
            expected = network(torch.from_numpy(value))
            other = network(torch.from_numpy(value[..., ::-1].copy()))
        assert not torch.allclose(expected[0], other[0], atol=1e-3)  # not a constant that anything equals
        expected = expected if isinstance(expected, tuple) else (expected,)
        for ours, theirs in zip(exported.run(value), expected, strict=True):
            scale = float(theirs.abs().max())
            np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-5 * scale, rtol=0)


def test_threads_that_share_a_network_change_no_bit() -> None:
    network, _ = load_identity("identity-train")
    values = np.random.default_rng(1).random((12, *SHAPE), dtype=np.float32)
    alone = [ExportedNetwork(network, SHAPE).run(value)[0] for value in values]
    shared = ExportedNetwork(network, SHAPE)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda value: shared.run(value)[0], values))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_view_with_other_strides_is_read_as_what_it_shows() -> None:
    exported = ExportedNetwork(load_features()[0], SHAPE)
    value = np.random.default_rng(2).random(SHAPE, dtype=np.float32)
    flipped = value[..., ::-1]
    np.testing.assert_array_equal(exported.run(flipped)[0], exported.run(flipped.copy())[0])
    assert not np.array_equal(exported.run(flipped)[0], exported.run(value)[0])


def test_a_network_in_training_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="evaluation"):
        ExportedNetwork(torch.nn.Conv2d(3, 3, 3), SHAPE)
