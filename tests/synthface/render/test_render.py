from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import tracemalloc

import numpy as np
import pytest

from dgbench.core.errors import UsageError
from dgbench.synthface.head.expressions import expression_of
from dgbench.synthface.head.parts import Part
from dgbench.synthface.person import figure
from dgbench.synthface.person.figure import figure_of, neutral_face
from dgbench.synthface.person.person import person
from dgbench.synthface.render.camera import camera_of
from dgbench.synthface.render.render import pose_points, render
from dgbench.synthface.render.scene import Background, Flash, Light, Scene, multipie_light


def test_shapes_types_and_pose(simple):
    done = render(simple, person(0), Scene(yaw=20, pitch=-5, roll=3, size=80))
    assert done.image.shape == (80, 80, 3) and done.image.dtype == np.uint8
    assert done.parts.shape == (80, 80) and set(np.unique(done.parts)) <= {int(p) for p in Part}
    assert done.landmarks.points.dtype == np.float32 and done.landmarks.origin == "truth"
    assert abs(float(done.landmarks.points[:, 2].mean())) < 1e-3
    assert done.pose == (20, -5, 3)


@pytest.mark.parametrize("size", [64, 128, 200])
def test_same_arguments_same_bytes(simple, size):
    scene = Scene(yaw=-35, size=size, light=multipie_light(4), background=Background("room", seed=2))
    one, two = render(simple, person(1), scene), render(simple, person(1), scene)
    assert one.image.tobytes() == two.image.tobytes()
    assert one.landmarks.visibility.tobytes() == two.landmarks.visibility.tobytes()


def test_a_fresh_process_gives_the_same_bytes(simple):
    script = textwrap.dedent("""
        import hashlib
        from analytic_head import analytic_head
        from dgbench.synthface.person.person import person
        from dgbench.synthface.render.render import render
        from dgbench.synthface.render.scene import Scene
        done = render(analytic_head(), person(1), Scene(yaw=40, size=96))
        print(hashlib.sha256(done.image.tobytes() + done.landmarks.points.tobytes()).hexdigest())
    """)
    import hashlib

    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}  # the simple head is a module of the tests
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=env)
    there = done.stdout.strip()
    here = render(simple, person(1), Scene(yaw=40, size=96))
    assert hashlib.sha256(here.image.tobytes() + here.landmarks.points.tobytes()).hexdigest() == there


def test_landmarks_reproject_to_half_a_pixel(simple):
    for scene in (Scene(yaw=50, pitch=20, roll=-12, size=300), Scene(zoom=1.4, shift=(0.1, 0.05), distance=70)):
        who = person(1)
        points = pose_points(simple, figure_of(simple, who, 0), scene)[simple.landmarks68]
        camera = camera_of(scene)
        expected = camera.to_pixels(camera.to_camera(points))
        got = render(simple, who, scene).landmarks.points[:, :2]
        assert np.abs(got - expected).max() < 0.01


def test_landmarks_do_not_depend_on_the_size_but_for_scale(simple):
    small, large = (render(simple, person(1), Scene(yaw=15, size=size)).landmarks.points for size in (64, 512))
    assert small * 8 == pytest.approx(large, abs=0.01)


def test_yaw_moves_the_nose_to_image_right_and_pitch_up(simple):
    def nose(**pose):
        points = render(simple, person(0), Scene(size=128, **pose)).landmarks.points
        return points[30, :2] - points[[0, 16], :2].mean(0)

    straight = nose()
    assert nose(yaw=30)[0] > straight[0] + 5
    assert nose(yaw=-30)[0] < straight[0] - 5
    assert nose(pitch=25)[1] < straight[1] - 5
    assert nose(roll=20)[0] == pytest.approx(straight[0] * np.cos(0.349) - straight[1] * np.sin(0.349), abs=2.0)


def test_sides_hide_at_ninety_degrees(simple):
    seen = render(simple, person(0), Scene(yaw=90, size=128)).landmarks.visibility
    assert seen[9:17].sum() == 0


def test_the_mirrored_pose_shows_the_mirrored_parts(simple):
    left, right = (render(simple, person(0), Scene(yaw=y, size=128)).landmarks.points[:, 0] for y in (-40, 40))
    # The simple head is symmetric up to its grid: jaw landmark k and 16 - k swap.
    assert (left[:17] - 64) == pytest.approx(64 - right[16::-1], abs=1.5)


def test_expressions_move_landmarks_and_gaze_moves_irises(simple):
    still = render(simple, person(1), Scene(size=128))
    open_mouth = render(simple, person(1), Scene(size=128, expression={"jawOpen": 1.0}))
    assert open_mouth.landmarks.points[57, 1] > still.landmarks.points[57, 1] + 5
    assert open_mouth.landmarks.points[27] == pytest.approx(still.landmarks.points[27], abs=0.2)

    def iris(gaze):
        done = render(simple, person(1), Scene(size=256, gaze=gaze))
        dark = (done.parts == Part.EYES) & (done.image.sum(2) < 330)
        return np.argwhere(dark).mean(0)

    middle = iris((0, 0))
    assert iris((25, 0))[1] > middle[1] + 1.5 and iris((-25, 0))[1] < middle[1] - 1.5
    assert iris((0, 20))[0] < middle[0] - 1.0


def test_light_from_one_side_lights_that_side(simple):
    def halves(x):
        light = Light(0.1, flashes=(Flash((x, 0, 0.3), 1.0),))
        done = render(simple, person(1), Scene(size=96, light=light))
        skin = done.parts == Part.SKIN
        level = done.image.astype(float).mean(2)
        return level[:, :48][skin[:, :48]].mean(), level[:, 48:][skin[:, 48:]].mean()

    left, right = halves(-1.0)
    assert left > right + 20
    left, right = halves(1.0)
    assert right > left + 20


def test_the_background_is_what_the_scene_says(simple):
    red = render(simple, person(0), Scene(size=64, background=Background("plain", (1.0, 0.0, 0.0))))
    assert (red.image[red.parts == Part.BACKGROUND][0] == [255, 0, 0]).all()
    rooms = [render(simple, person(0), Scene(size=64, background=Background("room", seed=k))).image for k in (0, 1)]
    assert (rooms[0] != rooms[1]).any()
    with pytest.raises(UsageError):
        render(simple, person(0), Scene(size=64, background=Background("beach")))


def test_bad_expressions_are_refused(simple):
    with pytest.raises(UsageError, match="jawOpen"):
        render(simple, person(0), Scene(expression={"jawOpne": 0.5}))
    with pytest.raises(UsageError):
        render(simple, person(0), Scene(expression={"jawOpen": 1.5}))


def test_memory_is_flat_in_the_number_of_images(simple, monkeypatch):
    monkeypatch.setattr(figure, "_KEEP", 2)
    for number in (2, 1, 0):
        render(simple, person(number), Scene(size=64))
    assert len(figure._figures) == 2
    tracemalloc.start()
    for k in range(5):
        render(simple, person(0), Scene(yaw=k, size=64))
    before = tracemalloc.get_traced_memory()[0]
    for k in range(40):
        render(simple, person(0), Scene(yaw=k, size=64))
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after < before + 1e6


def test_people_keep_their_size_and_differ_in_shape(scanned):
    faces = np.array([neutral_face(scanned, person(k))[scanned.landmarks68] for k in range(12)])
    spread = np.linalg.norm(faces - faces.mean(0), axis=2).mean()
    assert 0.2 < spread < 1.5
    width = faces[:, 16, 0] - faces[:, 0, 0]
    assert (width > 11).all() and (width < 19).all()


def test_masculinity_widens_the_jaw(scanned):
    from dataclasses import replace

    who = person(9)
    man, woman = (neutral_face(scanned, replace(who, masculinity=m))[scanned.landmarks68] for m in (1.0, -1.0))
    assert man[12, 0] - man[4, 0] > woman[12, 0] - woman[4, 0] + 0.1


def test_parts_of_a_real_face_lie_where_landmarks_say(scanned):
    who = next(
        p for p in map(person, range(60)) if p.hair_style == "crop" and p.glasses == "none" and p.beard == "none"
    )
    done = render(scanned, who, Scene(size=256, expression=expression_of(who, "surprised")))
    marks = done.landmarks.points

    def at(point):
        return done.parts[round(float(point[1])), round(float(point[0]))]

    assert at(marks[30]) == Part.SKIN
    assert at(marks[36:42].mean(0)) == Part.EYES and at(marks[42:48].mean(0)) == Part.EYES
    assert at(marks[60:68].mean(0)) == Part.MOUTH
    assert at((marks[57] + marks[66]) / 2) == Part.LIPS
    assert at(marks[27] - [0, 0.33 * 256, 0]) == Part.HAIR
    assert (done.parts[-2] == Part.CLOTHES).any()
    assert done.parts[2, 2] == Part.BACKGROUND
    box = marks[:, 1].max() - marks[:, 1].min()
    assert 0.4 * 256 < box < 0.66 * 256
