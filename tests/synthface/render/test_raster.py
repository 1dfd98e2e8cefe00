from __future__ import annotations

import numpy as np
import pytest
from analytic_head import analytic_head

from dgbench.synthface.render.raster import cull_strands, landmark_visibility, rasterize

FULL = np.full((128, 128), 255, np.uint8)


def draw(xy, depth, triangles, mode, size=16, uv=None, alpha=FULL):
    buffer = np.zeros((size, size), np.float32)
    ids = np.full((size, size), -1, np.int32)
    xy, depth = np.asarray(xy, np.float64), np.asarray(depth, np.float64)
    uv = np.zeros((len(xy), 2), np.float32) if uv is None else np.asarray(uv, np.float32)
    rasterize(xy, depth, np.asarray(triangles, np.int32), np.asarray(mode, np.uint8), uv, alpha, buffer, ids)
    return buffer, ids


SQUARE = [(2, 2), (2, 14), (14, 14), (14, 2)]
FRONT = [(0, 1, 2), (0, 2, 3)]  # y runs down: this order is counter-clockwise as seen


def test_square_covers_exactly_the_pixel_centres_inside_it_without_a_seam():
    _, ids = draw(SQUARE, [0.01] * 4, FRONT, [1, 1])
    assert (ids[2:14, 2:14] >= 0).all()
    assert (ids >= 0).sum() == 144


def test_mesh_of_random_triangles_has_no_pinholes():
    rng = np.random.default_rng(3)
    side = 24
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij"), -1).reshape(-1, 2)[:, ::-1]
    xy = grid * 2.7 + rng.uniform(-0.9, 0.9, grid.shape)
    index = np.arange(side * side).reshape(side, side)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    triangles = np.concatenate([np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)])
    _, ids = draw(xy, np.full(len(xy), 0.01), triangles, np.full(len(triangles), 2), size=64)
    assert (ids[3:59, 3:59] >= 0).all()


def test_back_faces_are_left_out_in_mode_1_and_drawn_in_mode_2():
    back = [t[::-1] for t in FRONT]
    assert (draw(SQUARE, [0.01] * 4, back, [1, 1])[1] == -1).all()
    assert (draw(SQUARE, [0.01] * 4, back, [2, 2])[1] >= 0).sum() == 144
    assert (draw(SQUARE, [0.01] * 4, FRONT, [0, 0])[1] == -1).all()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_nearer_triangle_wins_in_either_order(order):
    xy = SQUARE[:3] * 2
    triangles = np.array([(0, 1, 2), (3, 4, 5)])[list(order)]
    _, ids = draw(xy, [0.01] * 3 + [0.02] * 3, triangles, [1, 1])
    near = list(order).index(1)
    assert set(np.unique(ids)) == {-1, near}


def test_depth_is_the_exact_plane_and_crossing_planes_split_where_they_meet():
    # Two planes tilted against each other: nearness grows with x on one and falls on the other.
    xy = SQUARE * 2
    slope = [0.010, 0.010, 0.022, 0.022]
    buffer, ids = draw(xy, slope + slope[2:] + slope[:2], [*FRONT, (4, 5, 6), (4, 6, 7)], [1] * 4)
    x = np.arange(2, 14) + 0.5
    expected = np.maximum(0.010 + 0.001 * (x - 2), 0.022 - 0.001 * (x - 2))
    np.testing.assert_allclose(buffer[7, 2:14], expected, rtol=1e-6)
    assert (ids[7, 2:8] >= 2).all() and (ids[7, 8:14] < 2).all()


def test_strand_mode_follows_the_tile_and_cloth_mode_the_sign_of_v():
    alpha = np.zeros((128, 128), np.uint8)
    alpha[:, 64:] = 255
    uv = [(0, 0), (0, 1), (1, 1), (1, 0)]
    _, ids = draw(SQUARE, [0.01] * 4, FRONT, [3, 3], uv=np.multiply(uv, 0.999), alpha=alpha)
    assert (ids[3:13, 2:8] == -1).all() and (ids[3:13, 8:14] >= 0).all()
    signed = [(0, -1), (0, 1), (0, 1), (0, -1)]
    _, ids = draw(SQUARE, [0.01] * 4, FRONT, [5, 5], uv=signed)
    assert (ids[2:8, 2:14] == -1).all() and (ids[8:14, 2:14] >= 0).all()


def test_triangles_outside_or_degenerate_draw_nothing_and_do_not_fail():
    far = [(-500, -500), (-400, -500), (-450, -300)]
    line = [(1, 1), (5, 5), (9, 9)]
    _, ids = draw(far + line + [(3, 3)] * 3, [0.01] * 9, [(0, 1, 2), (3, 4, 5), (6, 7, 8)], [2, 2, 2])
    assert (ids == -1).all()


def test_huge_triangle_fills_the_picture():
    _, ids = draw([(-1e5, -1e5), (-1e5, 3e5), (3e5, -1e5)], [0.01] * 3, [(0, 1, 2)], [1])
    assert (ids == 0).all()


def test_sphere_depth_equals_the_ray_it_stands_for():
    head = analytic_head(64, 96)
    points = head.vertices[: 64 * 96].astype(np.float64)
    keep = (head.triangles < len(points)).all(1) & (head.surface == 0)
    inverse = 1.0 / (120.0 - points[:, 2])
    xy = 32 + points[:, :2] * [1, -1] * 200 * inverse[:, None]
    buffer, ids = draw(xy, inverse, head.triangles[keep], np.ones(keep.sum()), size=64)
    eye = np.array([0.0, 0.0, 120.0])
    triangles = points[head.triangles[keep]]
    for y, x in ((20, 32), (32, 20), (40, 40), (30, 31), (8, 30)):
        ray = np.array([(x + 0.5 - 32) / 200, -(y + 0.5 - 32) / 200, -1.0])
        distance = first_hit(eye, ray, triangles)
        assert np.isfinite(distance) == (ids[y, x] >= 0)
        if np.isfinite(distance):
            assert 1.0 / buffer[y, x] == pytest.approx(distance, abs=1e-3)


def first_hit(eye, ray, triangles):
    """Möller & Trumbore (1997), all triangles at once: the smallest parameter of a hit, or infinity."""
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    e1, e2 = b - a, c - a
    p = np.cross(ray, e2)
    det = (e1 * p).sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = eye - a
        u = (t * p).sum(1) / det
        q = np.cross(t, e1)
        v = (q @ ray) / det
        s = (e2 * q).sum(1) / det
    hit = (np.abs(det) > 1e-12) & (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9) & (s > 1e-9)
    return s[hit].min() if hit.any() else np.inf


def test_visibility_needs_the_picture_the_front_and_nothing_nearer():
    depth = np.full((32, 32), 1 / 100.0, np.float32)
    xy = np.array([(16.0, 16), (16, 16), (16, 16), (-3, 16), (16, 16)])
    inverse = 1 / np.array([100.0, 101.5, 100.5, 100, 100])
    facing = np.array([1.0, 1, 1, 1, -0.9])
    seen = landmark_visibility(xy, inverse, facing, depth, 0.7, 1.0)
    assert seen.tolist() == [1, 0, 1, 0, 0]


def test_culling_takes_only_ribbons_turned_away_above_the_hanging_height():
    triangles = np.array([(0, 1, 2), (3, 4, 5), (6, 7, 8)], np.int32)
    normals = np.repeat(np.array([(0, 0, -1), (0, 0, 1), (0, 0, -1)], np.float32), 3, 0)
    points = np.zeros((9, 3), np.float32)
    points[:6, 1], points[6:, 1] = 5, -5
    mode = np.full(3, 3, np.uint8)
    kept = cull_strands(mode, triangles, 0, normals, np.array([0.0, 0, 1]), points, -1.0)
    assert kept.tolist() == [0, 3, 3]
    assert cull_strands(mode, triangles, 3, normals, np.array([0.0, 0, 1]), points, -1.0).tolist() == [3, 3, 3]
