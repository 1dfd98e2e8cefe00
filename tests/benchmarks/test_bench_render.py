"""Speed of SynthFace's renderer with everything on, against a bare z-buffer of the same mesh in the same run."""

from __future__ import annotations

import time

import numpy as np
import pytest

from dgbench.synthface.head.expressions import expression_of
from dgbench.synthface.head.load import load_head
from dgbench.synthface.head.model import Head
from dgbench.synthface.person.person import person
from dgbench.synthface.render.camera import camera_of
from dgbench.synthface.render.raster import rasterize
from dgbench.synthface.render.render import render, samples_of
from dgbench.synthface.render.scene import Scene

PEOPLE = (1, 9, 13)  # side parting, curls, crop


def bare(head: Head, scene: Scene) -> None:
    """The peer: numpy normals, projection, and one z-buffer pass over the naked head with as many samples."""
    camera = camera_of(scene)
    points = camera.to_camera(head.vertices)
    corners = points[head.triangles]
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(points)
    for k in range(3):
        for axis in range(3):
            normals[:, axis] += np.bincount(head.triangles[:, k], face[:, axis], len(points))
    side = scene.size * samples_of(scene.size)
    xy = camera.to_pixels(points) * samples_of(scene.size)
    depth, ids = np.zeros((side, side), np.float32), np.full((side, side), -1, np.int32)
    mode, uv = np.ones(len(head.triangles), np.uint8), np.zeros((len(points), 2), np.float32)
    tile = np.zeros((128, 128), np.uint8)
    rasterize(xy, 1 / (camera.distance - points[:, 2]), head.triangles, mode, uv, tile, depth, ids)


@pytest.fixture(scope="module")
def head(assets):
    path = assets / "ict_facekit" / "ict_facekit.npz"
    if not path.exists():
        pytest.skip("needs the scanned head: ict_facekit/ict_facekit.npz in DGBENCH_TEST_ASSETS")
    return load_head(path)


@pytest.mark.parametrize("size", [128, 256])
def test_everything_on_costs_a_few_bare_passes(benchmark, head, size):
    scenes = [
        (person(k), Scene(yaw=yaw, size=size, expression=expression_of(person(k), "happy")))
        for k in PEOPLE
        for yaw in (-45, 0, 30)
    ]
    for who, scene in scenes:
        render(head, who, scene)
    bare(head, scenes[0][1])

    def all_scenes() -> None:
        for who, scene in scenes:
            render(head, who, scene)

    benchmark.pedantic(all_scenes, rounds=5)
    fastest = []
    for _ in range(5):
        start = time.process_time()
        for _, scene in scenes:
            bare(head, scene)
        fastest.append(time.process_time() - start)
    start = time.process_time()
    all_scenes()
    mine = time.process_time() - start
    benchmark.extra_info["images_per_cpu_second"] = len(scenes) / mine
    benchmark.extra_info["bare_passes"] = mine / min(fastest)
    assert mine < 6 * min(fastest)


def test_a_new_person_costs_little_beside_the_pictures_of_one(benchmark, head):
    """Building a figure (textures, hair, ambient occlusion) must stay below 200 renders at 128 px."""
    from dgbench.synthface.person.figure import build_figure

    build_figure(head, person(1))
    benchmark.pedantic(build_figure, args=(head, person(2)), rounds=3)
    start = time.process_time()
    build_figure(head, person(3))
    built = time.process_time() - start
    render(head, person(1), Scene(size=128))
    start = time.process_time()
    for yaw in range(20):
        render(head, person(1), Scene(yaw=yaw, size=128))
    assert built < 10 * (time.process_time() - start)
