"""Render one person in one scene: image, landmarks with visibility, pose and part mask."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dgbench.core.errors import UsageError, did_you_mean
from dgbench.core.face import Image, Landmarks, Pose
from dgbench.synthface.head.geometry import add_shapes, follow, project, turn, turn_eye, vertex_normals
from dgbench.synthface.head.model import Head
from dgbench.synthface.person.figure import Figure, figure_of
from dgbench.synthface.person.person import Person
from dgbench.synthface.render.background import paint_background
from dgbench.synthface.render.camera import PIVOT, camera_of
from dgbench.synthface.render.occlusion import SHADOW_SIDE, light_arriving
from dgbench.synthface.render.raster import cull_strands, landmark_visibility, mark_used, rasterize
from dgbench.synthface.render.scene import Light, Scene
from dgbench.synthface.render.shading import light_vertices, resolve

#: Changes whenever any pixel, landmark or visibility of any render does; written beside shipped renders.
APPEARANCE_VERSION = 1
#: A landmark is hidden when something lies nearer by more than this, centimetres (lips and lids overlap themselves).
DEPTH_TOLERANCE = 0.7
#: Hair below this height, centimetres, hangs free of the skull.
HANGING = -1.0
#: Teeth and tongue are drawn when the lips are farther apart than this, centimetres.
MOUTH_GAP = 0.12


@dataclass(frozen=True, eq=False)
class Rendered:
    """One picture and its exact truth.

    Attributes:
        image: uint8 (S, S, 3) RGB.
        landmarks: iBUG 68 in pixels, z in pixels at the head's distance, visibility from the z-buffer.
        pose: degrees, as in the scene.
        parts: uint8 (S, S), values of ``parts.Part``.
    """

    image: Image
    landmarks: Landmarks
    pose: Pose
    parts: NDArray[np.uint8]


def samples_of(size: int) -> int:
    """Return how many samples one side of a pixel gets at an image size: small pictures get more."""
    return 4 if size < 96 else 2


@functools.cache
def srgb_tables() -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return sRGB byte → linear (256,) and linear in 4096 steps → sRGB byte (4096,)."""
    code = np.arange(256) / 255.0
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    light = np.arange(4096) / 4095.0
    encoded = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return linear.astype(np.float32), np.rint(encoded * 255).astype(np.uint8)


def expression_weights(head: Head, expression: Mapping[str, float]) -> NDArray[np.float64]:
    """Return one weight per shape of the head.

    Raises:
        UsageError: an unknown shape, or a weight that is not within 0..1.
    """
    weights = np.zeros(len(head.expression_names))
    position = {name: index for index, name in enumerate(head.expression_names)}
    for name, value in expression.items():
        if name not in position:
            raise UsageError(f"no expression shape {name!r}.{did_you_mean(name, list(position))}")
        if not 0.0 <= value <= 1.0:
            raise UsageError(f"weight of {name} is {value}; give 0 to 1")
        weights[position[name]] = value
    return weights


def gaze_weights(gaze: tuple[float, float]) -> dict[str, float]:
    """Return how the lids follow a gaze in degrees (right +, up +)."""
    right, up = gaze[0] / 35.0, gaze[1] / 30.0
    moves = {
        "eyeLookUp": max(up, 0.0),
        "eyeLookDown": max(-up, 0.0),
        # In the model's names L is the person's left, at image-right.
        "Out_L": max(right, 0.0),
        "In_L": max(-right, 0.0),
    }
    return {
        "eyeLookUp_L": moves["eyeLookUp"],
        "eyeLookUp_R": moves["eyeLookUp"],
        "eyeLookDown_L": moves["eyeLookDown"],
        "eyeLookDown_R": moves["eyeLookDown"],
        "eyeLookOut_L": moves["Out_L"],
        "eyeLookIn_R": moves["Out_L"],
        "eyeLookIn_L": moves["In_L"],
        "eyeLookOut_R": moves["In_L"],
    }


def pose_points(head: Head, figure: Figure, scene: Scene) -> NDArray[np.float32]:
    """Return the figure's vertices (V, 3) in head space with the scene's expression and gaze."""
    weights = expression_weights(head, scene.expression)
    for name, value in gaze_weights(scene.gaze).items():
        if name in head.expression_names and value:
            index = head.expression_names.index(name)
            weights[index] = min(1.0, weights[index] + value)
    points = figure.rest.copy()
    if weights.any():
        add_shapes(points, head.shape_start, head.shape_vertex, head.shape_offset, weights)
        follow(points, figure.rest, figure.anchor, len(head.vertices))
    if scene.gaze != (0.0, 0.0):
        yaw, pitch = np.radians(scene.gaze)
        for first, last in head.eye_vertices:
            turn_eye(points, first, last, float(yaw), float(pitch))
    return points


def _lamps(light: Light) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    count = len(light.flashes)
    directions, colors, reach = np.zeros((count, 3)), np.zeros((count, 3)), np.zeros(count)
    for k, flash in enumerate(light.flashes):
        direction = np.asarray(flash.direction, np.float64)
        directions[k] = direction / np.linalg.norm(direction)
        colors[k] = np.asarray(flash.color) * flash.strength
        reach[k] = flash.distance or 0.0
    return np.asarray(light.color, np.float64) * light.ambient, directions, colors, reach


def render(head: Head, person: Person, scene: Scene) -> Rendered:
    """Render ``person`` on ``head`` in ``scene``; the same arguments give the same bytes.

    Raises:
        UsageError: the scene names an expression shape that the head does not have.
    """
    figure = figure_of(head, person, scene.outfit)
    samples = samples_of(scene.size)
    camera = camera_of(scene)
    points = pose_points(head, figure, scene)
    count = len(points)
    normals = figure.normals.copy()
    vertex_normals(points, figure.triangles, figure.smooth, normals)
    in_camera = np.empty((count, 3), np.float32)
    xy = np.empty((count, 2))
    inverse_depth = np.empty(count)
    project(
        points,
        np.asarray(PIVOT),
        camera.rotation,
        camera.distance,
        camera.focal * samples,
        camera.center[0] * samples,
        camera.center[1] * samples,
        in_camera,
        xy,
        inverse_depth,
    )
    turned = np.empty_like(normals)
    turn(normals, camera.rotation, turned)
    tangents = np.empty_like(normals)
    turn(figure.tangents, camera.rotation, tangents)
    side = scene.size * samples
    depth = np.zeros((side, side), np.float32)
    ids = np.full((side, side), -1, np.int32)
    lips = points[head.landmarks68[[61, 62, 63, 67, 66, 65]]]
    open_mouth = float(np.linalg.norm(lips[:3] - lips[3:], axis=1).max()) > MOUTH_GAP
    mode = figure.mode if open_mouth else figure.closed_mode
    towards = camera.rotation[2]
    mode = cull_strands(mode, figure.triangles, figure.smooth, figure.normals, towards, points, HANGING)
    rasterize(xy, inverse_depth, figure.triangles, mode, figure.uv, figure.strand_alpha, depth, ids)
    chosen = head.landmarks68
    spots = in_camera[chosen].astype(np.float64)
    sight = np.array([0.0, 0.0, camera.distance]) - spots
    facing = (turned[chosen] * sight).sum(1) / np.linalg.norm(sight, axis=1)
    visibility = landmark_visibility(
        xy[chosen], inverse_depth[chosen], facing, depth, DEPTH_TOLERANCE, side * scene.zoom / 512.0
    )
    # Lashes come after the visibility test: they hide nothing that a person would call hidden.
    rasterize(xy, inverse_depth, figure.triangles, figure.lash_mode, figure.uv, figure.strand_alpha, depth, ids)
    ambient, directions, colors, reach = _lamps(scene.light)
    used = np.zeros(count, np.uint8)
    mark_used(ids, figure.triangles, used)
    shadow = np.ones(count, np.float32)
    if len(directions):
        lamp = directions[0] @ camera.rotation
        shadow = light_arriving(
            points,
            np.asarray(PIVOT),
            figure.triangles,
            cull_strands(figure.shadow_mode, figure.triangles, figure.smooth, figure.normals, lamp, points, HANGING),
            figure.uv,
            figure.strand_alpha,
            lamp,
            side=SHADOW_SIDE,
            used=used,
        )
    light = np.zeros((count, 6), np.float32)
    light_vertices(
        in_camera,
        turned,
        tangents,
        figure.vertex_material,
        figure.base,
        figure.gloss,
        figure.occlusion,
        ambient,
        directions,
        colors,
        reach,
        shadow,
        camera.distance,
        used,
        light,
    )
    linear, encode = srgb_tables()
    image = np.empty((scene.size, scene.size, 3), np.uint8)
    parts = np.empty((scene.size, scene.size), np.uint8)
    resolve(
        ids,
        samples,
        figure.triangles,
        xy,
        inverse_depth,
        figure.material,
        figure.part,
        figure.uv,
        light,
        figure.skin[0 if scene.size * scene.zoom > 300 else 1 if scene.size * scene.zoom > 140 else 2],
        figure.eye,
        figure.strand_shade,
        linear,
        encode,
        paint_background(scene.background, scene.size),
        image,
        parts,
    )
    flat = xy[chosen] / samples
    away = -spots[:, 2] * camera.focal / camera.distance
    marks = np.column_stack([flat, away - away.mean()]).astype(np.float32)
    return Rendered(
        image=image,
        landmarks=Landmarks(marks, visibility, "truth"),
        pose=Pose(scene.yaw, scene.pitch, scene.roll),
        parts=parts,
    )
