"""Pinned values, made by other implementations, of metrics over inputs that are formulas."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from dgbench.doctor.golden import FILE, differing, golden_values, shipped_values
from dgbench.metrics.frechet import frechet_of_features, frechet_of_moments
from dgbench.metrics.kid import kid
from dgbench.metrics.l1 import l1
from dgbench.metrics.moments import Moments
from dgbench.metrics.psnr import psnr
from dgbench.metrics.ssim import ssim

GOLDEN = json.loads((Path(__file__).parent / "metrics.json").read_text())


def test_every_metric_has_its_golden_value(request):
    """``dgbench doctor`` holds every machine against these; a new metric, or a new version, gets its value by
    ``pytest tests/golden --update-golden``, and the difference is looked at in the commit."""
    found = golden_values()
    if request.config.getoption("--update-golden"):
        text = json.dumps({name: found[name] for name in sorted(found)}, indent=2)
        Path(str(resources.files("dgbench.doctor") / FILE)).write_text(text + "\n")
    shipped = shipped_values()
    assert differing(found, shipped) == []
    assert set(found) == set(shipped), "run pytest tests/golden --update-golden"


def pattern() -> np.ndarray:
    y, x = np.mgrid[0:32, 0:40]
    return np.stack([(x * 6) % 256, (y * 7) % 256, (x * y) % 256], axis=2).astype(np.uint8)


CHANGES = {
    "shifted": lambda image: np.roll(image, 1, axis=1),
    "darker": lambda image: (image // 2).astype(np.uint8),
    "bgr": lambda image: np.ascontiguousarray(image[..., ::-1]),
}


def features() -> tuple[np.ndarray, np.ndarray]:
    i, j = np.mgrid[0:40, 0:6]
    first = (np.sin((1.0 + i * 0.37) * (j + 1)) + 0.1 * j).astype(np.float32)
    return first, np.cos((0.3 + i * 0.29) * (j + 2)).astype(np.float32)[:30]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("metric", [ssim, psnr, l1], ids=lambda metric: metric.__name__)
def test_pixel_metrics(change, metric):
    value = metric(pattern(), CHANGES[change](pattern()))
    assert value == pytest.approx(GOLDEN["pixel"][change][metric.__name__], rel=1e-9)


def test_set_metrics():
    first, second = features()
    assert frechet_of_features(first, second) == pytest.approx(GOLDEN["set"]["frechet"], rel=1e-7)
    assert frechet_of_moments(Moments.of(first), Moments.of(second)) == pytest.approx(
        GOLDEN["set"]["frechet"], rel=1e-7
    )
    assert kid(first[:30], second, subset_size=30)[0] == pytest.approx(GOLDEN["set"]["kernel"], rel=1e-9)
