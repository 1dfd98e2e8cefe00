"""Sharpness: equal to skimage's blur effect, falls with blur, needs no target."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data
from skimage.measure import blur_effect

from dgbench.core.face import Failure
from dgbench.core.pair import Pair
from dgbench.metrics.contract import PairView
from dgbench.metrics.registry import make_metric
from dgbench.metrics.sharpness import sharpness

PHOTO = np.ascontiguousarray(data.astronaut()[:256, 128:384])
PAIR = Pair(pair_id="a", relation="cross", source="s", reference="r", source_identity="1", reference_identity="2")


def test_is_the_complement_of_the_blur_effect() -> None:
    assert sharpness(PHOTO) == pytest.approx(1 - blur_effect(PHOTO, h_size=11, channel_axis=2), abs=1e-12)


def test_falls_with_every_step_of_blur() -> None:
    values = [sharpness(cv2.GaussianBlur(PHOTO, (0, 0), sigma)) for sigma in (0.5, 1, 2, 4, 8)]
    assert all(first > second + 0.02 for first, second in zip([sharpness(PHOTO), *values], values, strict=False))


def test_a_flat_image_has_none() -> None:
    assert sharpness(np.full((64, 64, 3), 90, np.uint8)) == 0.0
    assert sharpness(np.zeros((64, 64, 3), np.uint8)) == 0.0


def test_no_target_is_needed_and_a_missing_image_fails() -> None:
    metric = make_metric("sharpness")
    assert metric.applies(PAIR)
    assert metric.score(PairView(pair=PAIR, generated=PHOTO)) == sharpness(PHOTO)
    assert metric.score(PairView(pair=PAIR)) == Failure("missing", "no generated image")
