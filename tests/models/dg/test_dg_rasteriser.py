"""Landmark maps: pixel for pixel what OpenCV draws, and the lines that each rule shows."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from dgbench.models.dg.config import MapConfig
from dgbench.models.dg.map_lines import LINES, lines_shown
from dgbench.models.dg.rasteriser import MapRasteriser


def faces(count: int, size: int, seed: int = 0, spread: float = 0.05) -> torch.Tensor:
    """Landmarks on a rough face with noise, as shares of the side."""
    generator = torch.Generator().manual_seed(seed)
    angle = torch.linspace(0, 6.28, 68)
    mean = torch.stack([0.5 + 0.3 * torch.cos(angle), 0.5 + 0.3 * torch.sin(angle), 0 * angle], dim=1)
    return mean + spread * torch.randn(count, 68, 3, generator=generator)


def by_opencv(points: torch.Tensor, lines: list[tuple[int, int]], size: int, width: int = 2) -> np.ndarray:
    canvas = np.zeros((size, size), np.uint8)
    pixels = (points[:, :2] * size).trunc().int().numpy()
    for first, last in lines:
        cv2.line(canvas, tuple(map(int, pixels[first])), tuple(map(int, pixels[last])), 255, width)
    return canvas > 0


@pytest.mark.parametrize(("size", "width"), [(64, 2), (256, 2), (128, 1), (64, 3)])
def test_maps_equal_opencv(size: int, width: int) -> None:
    points = faces(4, size)
    maps = MapRasteriser(MapConfig(rule="all", width=width), size)(points, torch.ones(4, 68))
    assert maps.shape == (4, 3, size, size) and maps.dtype == torch.float32
    assert set(maps.unique().tolist()) == {0.0, 1.0}
    shown = lines_shown(points, torch.ones(4, 68), MapConfig(rule="all"))
    for index in range(4):
        lines = [line for line, keep in zip(LINES, shown[index], strict=True) if keep]
        assert np.array_equal(maps[index, 0].numpy() > 0, by_opencv(points[index], lines, size, width))
        assert torch.equal(maps[index, 0], maps[index, 2])


def test_points_outside_the_image_do_not_wrap_around() -> None:
    points = torch.full((1, 68, 3), 5.0)
    points[0, :, 0] = torch.linspace(-3, 3, 68)
    assert MapRasteriser(MapConfig(rule="all"), 64)(points, torch.ones(1, 68)).sum() == 0


def test_lines_that_leave_the_image_are_cut_at_its_border() -> None:
    points = faces(1, 64, spread=0.0)
    points[0, 0] = torch.tensor([-0.2, 0.5, 0.0])
    maps = MapRasteriser(MapConfig(rule="all"), 64)(points, torch.ones(1, 68))[0, 0].numpy() > 0
    lines = [line for line in LINES if line not in ((51, 62), (57, 66))]
    expected = by_opencv(points[0], lines, 64)
    assert expected[:, 0].any()  # a line does leave the image
    # OpenCV clips before it draws, which may move the cut line by one pixel; never by more.
    near = [cv2.dilate(one.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0 for one in (maps, expected)]
    assert not (maps & ~near[1]).any() and not (expected & ~near[0]).any()


def test_value_scales_the_lines() -> None:
    points = faces(1, 64)
    bright = MapRasteriser(MapConfig(rule="all"), 64)(points, torch.ones(1, 68))
    faint = MapRasteriser(MapConfig(rule="all", value=1 / 255), 64)(points, torch.ones(1, 68))
    assert torch.allclose(bright / 255, faint)


def test_batch_and_order_change_nothing() -> None:
    points = faces(5, 64, seed=4)
    together = MapRasteriser(MapConfig(), 64)(points, torch.ones(5, 68))
    fresh = MapRasteriser(MapConfig(), 64)
    for index in (3, 0, 4, 1, 2):
        assert torch.equal(fresh(points[index : index + 1], torch.ones(1, 68))[0], together[index])


def names(mask: torch.Tensor) -> set[tuple[int, int]]:
    return {line for line, keep in zip(LINES, mask, strict=True) if keep}


def test_visible_rule_keeps_lines_whose_ends_are_seen() -> None:
    seen = torch.ones(1, 68)
    everything = names(lines_shown(faces(1, 64), seen, MapConfig())[0])
    assert len(everything) == 16 + 4 + 4 + 3 + 4 + 6 + 6 + 12 + 8 and (51, 62) not in everything
    seen[0, 3] = 0.4
    assert everything - names(lines_shown(faces(1, 64), seen, MapConfig())[0]) == {(2, 3), (3, 4)}
    seen[0, 54] = 0.0
    half = names(lines_shown(faces(1, 64), seen, MapConfig())[0])
    assert {(51, 62), (57, 66)} <= half and (53, 54) not in half  # a half-hidden mouth is closed


def test_profile_rule_of_the_released_code() -> None:
    points = faces(3, 256, spread=0.0)
    for index, (x36, x39, x42, x45, x30) in enumerate(
        [(0.40, 0.45, 0.50, 0.55, 0.60), (0.40, 0.45, 0.50, 0.55, 0.30), (0.30, 0.40, 0.60, 0.70, 0.50)]
    ):
        for point, x in ((36, x36), (39, x39), (42, x42), (45, x45), (30, x30)):
            points[index, point, 0] = x
    right, left, front = (names(one) for one in lines_shown(points, torch.ones(3, 68), MapConfig(rule="profile")))
    assert (12, 13) not in right and (0, 1) in right and (36, 37) in right and (42, 43) not in right
    assert {(48, 49), (50, 51), (57, 58), (59, 48), (60, 61), (66, 67), (67, 60), (51, 62), (57, 66)} <= right
    assert (51, 52) not in right and (33, 34) not in right
    assert (3, 4) not in left and (4, 5) in left and (42, 43) in left and (36, 37) not in left
    assert {(51, 52), (56, 57), (62, 63), (65, 66), (51, 62), (57, 66)} <= left and (48, 49) not in left
    assert len(front) == 63 and (51, 62) not in front and (30, 33) not in front


def test_not_finite_landmarks_are_refused() -> None:
    points = faces(1, 64)
    points[0, 5, 1] = float("nan")
    with pytest.raises(ValueError, match="not finite"):
        MapRasteriser(MapConfig(), 64)(points, torch.ones(1, 68))


def test_lines_on_a_finer_grid_are_thin_and_lie_where_they_should() -> None:
    points = faces(1, 64)
    plain = MapRasteriser(MapConfig(rule="all", width=3), 256)(points, torch.ones(1, 68))
    fine = MapRasteriser(MapConfig(rule="all", width=3, fine=4), 64)(points, torch.ones(1, 68))
    assert fine.shape == (1, 3, 64, 64) and torch.equal(fine, torch.nn.functional.avg_pool2d(plain, 4))
    assert 0 < fine[fine > 0].min() < 1 and torch.equal(fine[:, 0], fine[:, 2])
    # An eye of 10 by 3 pixels: as released its lines fill it, on the finer grid it is open.
    eye = torch.zeros(1, 68, 3)
    corners = [(27, 32.5), (30, 31), (34, 31), (37, 32.5), (34, 34), (30, 34)]
    eye[0, 36:42, :2] = torch.tensor(corners) / 64
    seen = torch.zeros(1, 68)
    seen[0, 36:42] = 1.0
    released = MapRasteriser(MapConfig(), 64)(eye, seen)[0, 0]
    thin = MapRasteriser(MapConfig(fine=4, width=3), 64)(eye, seen)[0, 0]
    assert released[32, 30:34].min() == 1.0 and thin[32, 30:34].max() < 0.3


def test_parts_of_the_face_have_a_channel_each() -> None:
    points, seen = faces(2, 64, spread=0.0), torch.ones(2, 68)
    together = MapRasteriser(MapConfig(rule="all"), 64)(points, seen)[:, 0]
    parts = MapRasteriser(MapConfig(rule="all", by_part=True), 64)(points, seen)
    assert torch.equal(parts.amax(dim=1), together)
    for channel, (first, last) in enumerate(((0, 17), (36, 48), (48, 68))):
        alone = torch.zeros(2, 68)
        alone[:, first:last] = 1.0
        map_of_part = MapRasteriser(MapConfig(by_part=True), 64)(points, alone)
        assert map_of_part[:, channel].sum() > 0
        assert sum(map_of_part[:, other].sum() for other in range(3) if other != channel) == 0
