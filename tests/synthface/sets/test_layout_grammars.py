"""The grammars: names, counts and head-counts of the real sets, keys that resolve, scenes that follow from them."""

from __future__ import annotations

import math
import re

import pytest

from dgbench.core.errors import UsageError
from dgbench.datasets.rafd import CAMERAS as RAFD_CAMERAS
from dgbench.datasets.rafd import WHO
from dgbench.datasets.voxceleb.people import VOX1_TEST, VOX2_TEST
from dgbench.synthface.render.scene import Flash, Light
from dgbench.synthface.sets.cells import FREE_PEOPLE, Shot, seen_from
from dgbench.synthface.sets.layouts import LAYOUTS, Layout, Selection, layout
from dgbench.synthface.sets.layouts.multipie import attendance
from dgbench.synthface.sets.layouts.staging import someone

ALL = Selection()


def shots_of(grammar: Layout, subject: str, selection: Selection = ALL) -> list[Shot]:
    return [shot for unit in grammar.units(subject, selection) for shot in grammar.shots(unit, selection)]


def test_rafd_has_its_8040_names_each_once():
    grammar = layout("rafd")
    names = [shot.path for subject in grammar.subjects() for shot in shots_of(grammar, subject)]
    assert len(grammar.subjects()) == 67
    assert len(names) == len(set(names)) == 8040
    form = re.compile(
        r"Rafd(000|045|090|135|180)_\d\d_(Caucasian|Moroccan|Kid)_(female|male)_"
        r"(angry|contemptuous|disgusted|fearful|happy|neutral|sad|surprised)_(frontal|left|right)\.jpg"
    )
    assert all(form.fullmatch(name) for name in names)


def test_rafd_people_look_like_what_their_names_say():
    grammar = layout("rafd")
    for subject, (group, sex) in WHO.items():
        person = someone(grammar.person_of(subject), 0)
        assert (person.masculinity > 0) == (sex == "m")
        assert (person.melanin >= 0.25) if group == "Moroccan" else (person.melanin <= 0.3)


def test_rafd_cameras_see_one_performance_from_five_sides():
    grammar = layout("rafd")
    seen = [grammar.shot(f"synthface-rafd/05/{camera}/angry/left").scene for camera in RAFD_CAMERAS]
    assert [scene.yaw for scene in seen] == [90.0, 45.0, 0.0, -45.0, -90.0]
    assert len({(scene.pitch, scene.roll, scene.gaze, tuple(scene.expression.items())) for scene in seen}) == 1
    other = grammar.shot("synthface-rafd/05/090/angry/right").scene
    assert other.expression != seen[2].expression  # another moment, another take


def test_a_lamp_of_the_room_is_seen_elsewhere_from_another_camera():
    ahead = Light(flashes=(Flash((0.0, 0.2, 1.0)),))
    # The camera that sees the nose pointing to image-right sees the lamp before the face there too.
    assert seen_from(ahead, yaw=90.0).flashes[0].direction == pytest.approx((1.0, 0.2, 0.0), abs=1e-6)
    assert seen_from(ahead, yaw=-90.0).flashes[0].direction == pytest.approx((-1.0, 0.2, 0.0), abs=1e-6)
    x, y, z = seen_from(ahead, yaw=30.0).flashes[0].direction
    assert (math.hypot(x, z), y) == pytest.approx((1.0, 0.2), abs=1e-5)


def test_multipie_head_counts_are_the_published_ones():
    came = attendance()
    assert (len(came), min(came), max(came), 213 in came) == (337, 1, 346, False)
    assert [sum(session in sessions for sessions in came.values()) for session in (1, 2, 3, 4)] == [249, 203, 230, 239]
    assert sum(sessions == (1, 2, 3, 4) for sessions in came.values()) == 129
    assert sum(number <= 200 for number in came) == 200
    assert sum(number > 200 for number in came) == 137


def test_multipie_recordings_have_300_images_and_name_the_camera_without_underscore():
    grammar = layout("multipie")
    assert len(shots_of(grammar, "001", Selection(only={"session": frozenset({"01"})}))) == 2 * 15 * 20
    shot = grammar.shot("synthface-multipie/001/s1/r02/05_1/07")
    assert shot.path == "session01/multiview/001/02/05_1/001_01_02_051_07.png"
    assert (shot.row["expression"], shot.row["yaw_nominal"], shot.row["flash"]) == ("smile", 0.0, True)
    above = grammar.shot("synthface-multipie/001/s1/r02/08_1/19")
    assert (above.row["yaw_nominal"], above.row["elevated"], above.row["flash"]) == (None, True, False)
    assert above.scene.pitch < -15  # a camera above sees the face turned down


def test_multipie_expression_follows_session_and_recording():
    grammar = layout("multipie")
    at = {s: grammar.shot(f"synthface-multipie/{s}/05_1/00").row["expression"] for s in ("002/s4/r02", "002/s4/r03")}
    assert at == {"002/s4/r02": "neutral", "002/s4/r03": "scream"}


def test_voxceleb1_names_and_official_test_people():
    grammar = layout("voxceleb1")
    assert len(grammar.subjects()) == 1251
    assert tuple(s for s in grammar.subjects() if grammar.partition(s) == "test") == VOX1_TEST
    form = re.compile(r"(train|test)/id1\d{4}#[A-Za-z0-9_-]{11}#\d{6}#\d{6}\.mp4")
    for subject, folder in (("id10270", "test"), ("id10001", "train")):
        shots = shots_of(grammar, subject)
        assert all(form.fullmatch(shot.path) and shot.path.startswith(folder) for shot in shots)
        assert all(64 <= sum(s.path == path for s in shots) <= 110 for path in {shot.path for shot in shots})


def test_voxceleb2_has_6112_people_with_the_official_118():
    grammar = layout("voxceleb2")
    assert len(grammar.subjects()) == len(set(grammar.subjects())) == 6112
    assert tuple(s for s in grammar.subjects() if grammar.partition(s) == "test") == tuple(sorted(VOX2_TEST))
    path = shots_of(grammar, "id00017")[0].path
    assert re.fullmatch(r"test/mp4/id00017/[A-Za-z0-9_-]{11}/0000[12]\.mp4", path)


def test_a_clip_keeps_room_light_and_clothes_and_moves_the_head():
    grammar = layout("voxceleb1")
    shots = shots_of(grammar, "id10270")
    first = [shot.scene for shot in shots if shot.path == shots[0].path]
    assert len({(s.background, s.light, s.outfit, s.zoom) for s in first}) == 1
    assert len({s.yaw for s in first}) > len(first) // 2
    assert len({shot.scene.background for shot in shots}) == 2  # one room per video


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_keys_are_unique_and_lead_back_to_the_same_image(name: str):
    grammar, again = layout(name), layout(name)
    subject = grammar.subjects()[3]
    shots = shots_of(
        grammar, subject, Selection(frames=3, only={"shot": frozenset({"07"})} if name == "multipie" else {})
    )
    assert len({shot.key for shot in shots}) == len(shots)
    for shot in shots[:: max(1, len(shots) // 6)]:
        assert again.shot(shot.key) == shot == grammar.resolve(shot.key)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("rafd", "synthface-rafd/06/090/happy/frontal"),
        ("rafd", "synthface-rafd/01/090/happy"),
        ("rafd", "rafd/01/090/happy/frontal"),
        ("rafd", "synthface-rafd/99@01/090/happy/frontal"),
        ("multipie", "synthface-multipie/213/s1/r01/05_1/07"),
        ("multipie", "synthface-multipie/001/s1/r03/05_1/07"),
        ("multipie", "synthface-multipie/1/s1/r01/05_1/07"),
        ("voxceleb1", "synthface-voxceleb1/id10270/aaaaaaaaaaa/000000-000100/0000000"),
        ("frll", "synthface-frll/001/04"),
        ("frll", ""),
    ],
)
def test_keys_of_nothing_are_refused(name: str, key: str):
    with pytest.raises(UsageError, match="no image"):
        layout(name).resolve(key)


def test_a_clip_has_no_frame_after_its_last():
    grammar = layout("voxceleb1")
    clip = grammar.clips("id10270")[0]
    stem = f"synthface-voxceleb1/id10270/{clip.video}/{clip.start:06d}-{clip.end:06d}"
    assert grammar.shot(f"{stem}/{clip.frames - 1:07d}").row["frame"] == clip.frames - 1
    with pytest.raises(UsageError):
        grammar.shot(f"{stem}/{clip.frames:07d}")


def test_the_target_of_a_cross_pair_is_the_source_in_the_others_performance():
    grammar = layout("rafd")
    reference = grammar.shot("synthface-rafd/05/045/sad/left")
    target = grammar.resolve("synthface-rafd/01@05/045/sad/left")
    assert target == grammar.performed("01", reference)
    assert target.person == grammar.person_of("01") != reference.person
    assert target.scene == reference.scene


def test_a_target_in_video_keeps_the_sources_room_and_clothes():
    grammar = layout("voxceleb2")
    source, reference = shots_of(grammar, "id00017")[0], shots_of(grammar, "id00061")[40]
    target = grammar.performed(f"id00017+{source.row['video']}", reference)
    assert grammar.resolve(target.key) == target
    assert (target.scene.background, target.scene.outfit) == (source.scene.background, source.scene.outfit)
    moved = ("yaw", "pitch", "roll", "expression", "gaze", "light")
    assert [getattr(target.scene, name) for name in moved] == [getattr(reference.scene, name) for name in moved]


def test_no_two_worlds_share_a_person_and_none_is_one_of_the_free():
    used: dict[int, str] = dict.fromkeys(range(1, 161), "mini")
    for name in ("rafd", "multipie", "frll", "voxceleb1", "voxceleb2"):
        grammar = layout(name)
        for subject in grammar.subjects():
            number = grammar.person_of(subject)
            assert number not in used and number not in FREE_PEOPLE
            used[number] = name


def test_seeds_are_other_worlds():
    one, two = layout("voxceleb1", seed=0), layout("voxceleb1", seed=1)
    assert one.clips("id10270") == layout("voxceleb1", seed=0).clips("id10270")
    assert {clip.video for clip in one.clips("id10270")}.isdisjoint(clip.video for clip in two.clips("id10270"))


def test_people_are_chosen_evenly_among_those_who_have_a_wanted_image():
    grammar = layout("voxceleb1")
    assert grammar.chosen(Selection(identities=3)) == ("id10001", "id10418", "id10835")
    tested = Selection(identities=4, only={"partition": frozenset({"test"})})
    assert grammar.chosen(tested) == ("id10270", "id10280", "id10290", "id10300")
    assert layout("rafd").chosen(Selection(only={"subject": frozenset({"73", "02"})})) == ("02", "73")


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        (Selection(only={"camra": frozenset({"090"})}), "Did you mean 'camera'"),
        (Selection(only={"subject": frozenset({"74"})}), "no subject '74'"),
        (Selection(identities=0), "1..67"),
        (Selection(identities=68), "1..67"),
    ],
)
def test_a_selection_that_makes_no_sense_is_refused(selection: Selection, words: str):
    with pytest.raises(UsageError, match=re.escape(words)):
        layout("rafd").chosen(selection)


def test_unknown_layout_names_a_close_one():
    with pytest.raises(UsageError, match="Did you mean 'multipie'"):
        layout("multpie")


def test_voxceleb_tables_speak_their_sets_dialects():
    one = layout("voxceleb1").sidecars(("id10270",), ALL)
    people = one["vox1_meta.csv"].decode().splitlines()
    assert people[0].split("\t") == ["VoxCeleb1 ID", "VGGFace1 ID", "Gender", "Nationality", "Set"]
    assert people[1].startswith("id10270\t") and people[1].endswith("\ttest")
    clips = one["vox-metadata.csv"].decode().splitlines()
    assert clips[0] == "video_id,start,end,bbox,fps,width,height,partition,person_id"
    assert len(clips) == 5 and all(len(line.split(",")) == 9 for line in clips)
    two = layout("voxceleb2").sidecars(("id00017",), ALL)
    assert two["vox2_meta.csv"].decode().splitlines()[0] == "VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set "


@pytest.mark.parametrize(
    ("name", "subject", "unit"), [("voxceleb1", "id10270", "pixels"), ("voxceleb2", "id00017", "shares")]
)
def test_track_files_have_six_lines_of_head_and_boxes_in_the_sets_unit(name: str, subject: str, unit: str):
    grammar = layout(name)
    files = {path: text for path, text in grammar.sidecars((subject,), ALL).items() if path.startswith("txt/")}
    assert len(files) == len(grammar.clips(subject)) == 4
    lines = next(iter(files.values())).decode().splitlines()
    assert lines[5] == "" and lines[6] == "FRAME \tX \tY \tW \tH "
    values = [cell.strip() for cell in lines[7].split("\t")]
    assert len(values[0]) == 6 and values[0].isdecimal()
    box = [float(value) for value in values[1:5]]
    assert all(value < 1 for value in box) if unit == "shares" else all(value > 1 for value in box)


def test_sidecars_name_only_what_was_selected():
    some = layout("voxceleb1").sidecars(("id10270",), Selection(only={"utterance": frozenset({"00002"})}))
    assert sum(path.startswith("txt/") for path in some) == 2
    assert len(some["vox-metadata.csv"].decode().splitlines()) == 3


def test_the_crowd_shares_cells_within_a_group_and_keeps_people_apart():
    from dgbench.synthface.sets.cells import PEOPLE_BASE
    from dgbench.synthface.sets.layouts.crowd import TRAIN, VALIDATION, group_of

    grammar = layout("crowd")
    assert len(grammar.subjects()) == len(TRAIN) + len(VALIDATION) == 2032
    first, mate, stranger = (shots_of(grammar, subject) for subject in ("c0001", "c0008", "c0009"))
    assert (len(first), len(shots_of(grammar, "c2001"))) == (10, 12)
    for one, other in zip(first, mate, strict=True):
        scene, same = one.scene, other.scene
        assert one.row["camera"] == other.row["camera"] and (scene.yaw, scene.expression) == (same.yaw, same.expression)
        assert (scene.light, scene.zoom, scene.gaze) == (same.light, same.zoom, same.gaze)
        assert scene.background == first[0].scene.background != same.background
    assert {shot.scene.yaw for shot in first}.isdisjoint(shot.scene.yaw for shot in stranger)
    assert [int((shot.scene.yaw + 90) // 18) for shot in first] == list(range(10))
    assert (group_of(1), group_of(2000), group_of(2001)) == ("g000", "g249", "val")
    numbers = {grammar.person_of(subject) for subject in grammar.subjects()}
    assert min(numbers) > PEOPLE_BASE["crowd"] and not numbers & set(FREE_PEOPLE)
    for key in ("synthface-crowd/c0001/g001-03", "synthface-crowd/c2033/val-00", "synthface-rafd/c0001/g000-00"):
        with pytest.raises(UsageError, match="no image of synthface-crowd"):
            grammar.shot(key)
