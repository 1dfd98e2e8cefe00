from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dgbench.synthface.head.expressions import expression_of
from dgbench.synthface.head.parts import Part
from dgbench.synthface.person.beard import grow_beard
from dgbench.synthface.person.clothing import make_clothes
from dgbench.synthface.person.eyes import paint_eye
from dgbench.synthface.person.fields import front_points, texture_field
from dgbench.synthface.person.figure import figure_of, neutral_face
from dgbench.synthface.person.glasses import make_glasses
from dgbench.synthface.person.hair import grow_hair, radius_map
from dgbench.synthface.person.noise import noise
from dgbench.synthface.person.person import COLLARS, GLASSES_KINDS, person
from dgbench.synthface.person.pigments import hair_color, iris_color, skin_color
from dgbench.synthface.person.skin import mip_levels, paint_skin
from dgbench.synthface.person.strands import strand_tiles
from dgbench.synthface.render.camera import PIVOT
from dgbench.synthface.render.occlusion import light_arriving
from dgbench.synthface.render.render import pose_points, render
from dgbench.synthface.render.scene import Scene

STYLED = ("buzz", "crop", "side-part", "swept-back", "curly", "afro", "bowl", "bob", "long", "bun", "ponytail")


def test_pigments_darken_and_redden():
    pale, dark = skin_color(0.05, 0.4, 0.2), skin_color(0.9, 0.4, 0.2)
    assert (dark < 0.4 * pale).all()
    flushed = skin_color(0.05, 1.0, 0.2)
    assert flushed[0] / flushed[1] > 1.2 * pale[0] / pale[1]
    assert pale[0] > pale[1] > pale[2] and dark[0] > dark[1] > dark[2]
    blond, black, grey = hair_color(0.15, 0.1, 0), hair_color(1.0, 0.1, 0), hair_color(0.5, 0.1, 1.0)
    assert blond.sum() > 6 * black.sum()
    assert np.ptp(grey) < 0.05
    assert iris_color(0.0)[2] > iris_color(0.0)[0] and iris_color(1.0)[0] > iris_color(1.0)[2]


def test_noise_repeats_for_a_seed_and_is_smooth():
    points = np.random.default_rng(0).uniform(-9, 9, (500, 3)).astype(np.float32)
    one, two = (noise(np.random.default_rng(4), points, 0.7, 2) for _ in range(2))
    assert one.tobytes() == two.tobytes()
    near = noise(np.random.default_rng(4), points + np.float32(1e-3), 0.7, 2)
    assert np.abs(near - one).max() < 0.02
    assert one.std() > 0.2


def test_texels_know_where_they_lie(scanned):
    field = texture_field(scanned)
    nose = scanned.vertices[scanned.landmarks68[30]]
    away = np.linalg.norm(field.position - nose, axis=-1)
    assert away.min() < 0.1
    lifted = front_points(field, nose[None, 0], nose[None, 1])[0]
    assert lifted == pytest.approx(nose, abs=0.25)


def test_skin_has_lips_brows_hair_and_the_tone_of_its_pigments(simple):
    texture = paint_skin(simple, person(1))
    parts = texture[..., 3] & 15
    assert {Part.SKIN, Part.LIPS, Part.BROWS, Part.HAIR} <= {Part(int(p)) for p in np.unique(parts)}
    dark = paint_skin(simple, replace(person(1), melanin=0.9))
    both = (parts == Part.SKIN) & ((dark[..., 3] & 15) == Part.SKIN)
    assert texture[both, :3].mean() > 1.6 * dark[both, :3].mean()
    lips, skin = texture[parts == Part.LIPS, :3].mean(0), texture[parts == Part.SKIN, :3].mean(0)
    assert lips[0] / lips[1] > skin[0] / skin[1]


def test_freckles_and_age_change_the_texture(simple):
    calm = replace(person(1), freckles=0.0, age=20.0)
    plain = paint_skin(simple, calm)
    assert (paint_skin(simple, replace(calm, freckles=1.0)) != plain).any()
    assert (paint_skin(simple, replace(calm, age=75.0)) != plain).any()


def test_halved_textures_keep_the_mean(simple):
    levels = mip_levels(paint_skin(simple, person(1)))
    assert [level.shape[0] for level in levels] == [512, 256, 128]
    means = [level[..., :3].mean() for level in levels]
    assert means == pytest.approx([means[0]] * 3, abs=2.0)


def test_iris_follows_the_eye_color():
    blue, brown = (paint_eye(replace(person(0), eye_color=c)) for c in (0.0, 1.0))
    ring = np.s_[80 + 14 : 80 + 20, 78:82]
    assert blue[ring][..., 2].mean() > blue[ring][..., 0].mean()
    assert brown[ring][..., 0].mean() > brown[ring][..., 2].mean()
    assert paint_eye(person(0))[80, 80].max() < 0.05  # the pupil


@pytest.mark.parametrize("style", STYLED)
def test_every_style_grows_on_the_head_and_stays_outside_it(scanned, style):
    who = replace(person(4), hair_style=style)
    rest = neutral_face(scanned, who)
    pieces = grow_hair(scanned, who, rest)
    points = np.concatenate([piece.points for piece in pieces]).astype(np.float64)
    assert np.isfinite(points).all() and len(points) > 2000
    roots = pieces[0].points[:: len(pieces[0].points) // 500]
    table = radius_map(rest[np.unique(scanned.triangles[scanned.surface == 0])])
    away = roots - np.array([0.0, 3.0, 0.0])
    row = ((90 - np.degrees(np.arcsin(away[:, 1] / np.linalg.norm(away, axis=1)))) / 2).astype(int).clip(0, 89)
    column = ((np.degrees(np.arctan2(away[:, 0], away[:, 2])) + 180) / 2).astype(int) % 180
    inside = np.linalg.norm(away, axis=1) < table[row, column] - 1.0
    assert inside.mean() < 0.05
    long = points[:, 1].min() < -8
    assert long == (style in ("bob", "long", "ponytail"))


def test_the_bald_have_no_strands(simple):
    assert grow_hair(simple, replace(person(0), hair_style="bald"), simple.vertices) == []


def test_beards_move_with_the_jaw(scanned):
    who = replace(person(1), beard="full", masculinity=0.8)
    figure = figure_of(scanned, who, 0)
    rest = pose_points(scanned, figure, Scene())
    opened = pose_points(scanned, figure, Scene(expression={"jawOpen": 1.0}))
    beard = np.unique(figure.triangles[figure.part == Part.BEARD])
    beard = beard[beard >= len(scanned.vertices)]
    moved = opened[beard, 1] - rest[beard, 1]
    assert moved.min() < -1.5
    hair = np.unique(figure.triangles[figure.part == Part.HAIR])
    hair = hair[hair >= len(scanned.vertices)]
    assert (opened[hair] == rest[hair]).all()
    assert grow_beard(scanned, replace(who, beard="none"), rest, rest) == []


def test_glasses_sit_before_the_eyes(scanned):
    for kind in GLASSES_KINDS:
        who = replace(person(3), glasses=kind)
        rest = neutral_face(scanned, who)
        pieces = make_glasses(scanned, who, rest)
        if kind == "none":
            assert pieces == []
            continue
        points = np.concatenate([piece.points for piece in pieces])
        eyes = rest[scanned.landmarks68[36:48]]
        front = points[points[:, 2] > eyes[:, 2].max()]
        assert front[:, 0].min() < eyes[:, 0].min() and front[:, 0].max() > eyes[:, 0].max()
        assert front[:, 1].max() > eyes[:, 1].max() and front[:, 1].min() < eyes[:, 1].min()
        assert points[:, 2].min() < 2.0  # the arms reach the ears


def test_outfits_change_clothes_but_not_the_face(scanned):
    who = person(13)
    one, two = (render(scanned, who, Scene(size=128, outfit=k)) for k in (0, 1))
    assert (one.image != two.image).any()
    head = (one.parts != Part.CLOTHES) & (two.parts != Part.CLOTHES)
    head[100:] = False
    # Coloured cloth reflects nothing on the face here; only its shade differs.
    assert np.abs(one.image[head].astype(int) - two.image[head]).mean() < 1.0
    assert one.landmarks.points.tobytes() == two.landmarks.points.tobytes()


def test_every_collar_covers_the_chest(scanned):
    who = person(13)
    figure = figure_of(scanned, who, 0)
    rest, normals = figure.rest[: len(scanned.vertices)], figure.normals[: len(scanned.vertices)]
    covers = set()
    for outfit in range(12):
        pieces = make_clothes(scanned, who, rest, normals, outfit)
        inside = pieces[0].points[pieces[0].uv[:, 1] > 0]
        assert inside[:, 1].max() < -5 and inside[:, 1].min() < -13
        covers.add((len(pieces), round(float(inside[:, 1].max()))))
    assert len(covers) >= 3 and len(COLLARS) == 4


def test_shadow_falls_behind_what_stands_in_the_light(scanned):
    figure = figure_of(scanned, person(13), 0)
    shape = (figure.triangles, figure.shadow_mode, figure.uv, figure.strand_alpha)
    lit = light_arriving(figure.rest, np.asarray(PIVOT), *shape, np.array([0.0, 0.0, 1.0]), side=144)
    marks = scanned.landmarks68
    assert lit[marks[30]] > 0.9
    skull = np.unique(scanned.triangles[scanned.surface == 0])
    behind = skull[figure.rest[skull, 2] < -5]
    assert len(behind) > 100 and lit[behind].mean() < 0.1


def test_creases_of_the_face_are_darker_than_its_front(scanned):
    figure = figure_of(scanned, person(13), 0)
    marks = scanned.landmarks68
    nose, brow, corner = (figure.occlusion[marks[k]] for k in (30, 19, 39))
    assert nose > 0.9 and brow > 0.7 and corner < nose


def test_strand_tile_thins_towards_the_tips():
    alpha, shade = strand_tiles()
    assert alpha.shape == shade.shape == (128, 128)
    assert alpha[:64].mean() > 1.5 * alpha[110:].mean()


def test_every_expression_changes_the_picture(scanned):
    who = person(13)
    still = render(scanned, who, Scene(size=96)).image.astype(int)
    for name in ("angry", "contemptuous", "disgusted", "fearful", "happy", "sad", "surprised", "squint", "scream"):
        moved = render(scanned, who, Scene(size=96, expression=expression_of(who, name))).image
        assert np.abs(moved - still).mean() > 0.3, name
