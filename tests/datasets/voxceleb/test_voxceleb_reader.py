from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from vox_trees import clip_folder, clip_mp4, frames, png, put

from dgbench.core.errors import UsageError
from dgbench.datasets.manifest import Manifest
from dgbench.datasets.voxceleb import reader
from dgbench.datasets.voxceleb.people import VOX1, VOX1_TEST, VOX2, VOX2_TEST
from dgbench.datasets.voxceleb.poses import pose_file, write_poses


def read_voxceleb1(root: Path) -> Manifest:
    return reader.read_voxceleb1(root, opening=reader.Opening(step=10, train_clips=2))


def read_voxceleb2(root: Path) -> Manifest:
    return reader.read_voxceleb2(root, opening=reader.Opening(step=10, train_clips=2))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))


def test_the_official_test_people() -> None:
    assert len(VOX1_TEST) == 40 and VOX1_TEST[0] == "id10270" and VOX1_TEST[-1] == "id10309"
    assert len(set(VOX2_TEST)) == 118 and all(VOX2.owns(person) for person in VOX2_TEST)
    assert not any(VOX1.owns(person) for person in VOX2_TEST) and not any(map(VOX2.owns, VOX1_TEST))
    assert VOX1.owns("id11251") and not VOX1.owns("id11252") and not VOX1.owns("id1028") and not VOX2.owns("n000012")


def test_mp4_files_and_folders_named_mp4_give_the_same_keys(tmp_path: Path) -> None:
    name = "id10280#NXjT3732Ekg#001093#001192.mp4"
    clip_mp4(tmp_path / "a", f"test/{name}", 25)
    clip_folder(tmp_path / "b", f"test/{name}", 25)
    video, folder = read_voxceleb1(tmp_path / "a"), read_voxceleb1(tmp_path / "b")
    wanted = [f"vox1/id10280/NXjT3732Ekg/001093-001192/{i:07d}" for i in (0, 10, 20)]
    assert video.frames["key"].tolist() == folder.frames["key"].tolist() == wanted
    assert video.frames["frame"].tolist() == [0, 10, 20]
    assert set(video.frames["variant"]) == {"vp-mp4"} and set(folder.frames["variant"]) == {"vp-png"}
    assert set(video.frames["container"]) == {"video"} and set(folder.frames["container"]) == {"image"}
    assert folder.frames["path"].iloc[1] == f"test/{name}/0000010.png"
    assert video.frames["source_frame"].isna().all(), "the rate of a re-encoded clip is not known"
    assert video.found["frames"] == 25 and video.frames["width"].tolist() == [16] * 3


def test_both_copies_of_a_clip_are_one_clip_and_the_lossless_one_is_used(tmp_path: Path) -> None:
    name = "id10280#NXjT3732Ekg#001093#001192.mp4"
    clip_mp4(tmp_path, f"mp4/test/{name}", 12)
    clip_folder(tmp_path, f"png/test/{name}", 12)
    manifest = read_voxceleb1(tmp_path)
    assert set(manifest.frames["variant"]) == {"vp-png"} and manifest.found["clips"] == 1
    assert manifest.skipped["vp-mp4 copy of a clip that is here as vp-png"] == [f"mp4/test/{name}"]


def test_video_ids_with_dash_underscore_and_case_are_kept_whole(tmp_path: Path) -> None:
    for video in ("-_a-b_c-d_e", "_XjT3732Ekg", "abcdefghijk", "ABCDEFGHIJK"):
        clip_mp4(tmp_path, f"test/id10280#{video}#000000#000099.mp4", 3)
    manifest = read_voxceleb1(tmp_path)
    assert set(manifest.frames["video"]) == {"-_a-b_c-d_e", "_XjT3732Ekg", "abcdefghijk", "ABCDEFGHIJK"}
    assert manifest.found["clips"] == 4
    assert manifest.found["clips whose names differ only in case"] == 2


def test_generated_names_keep_their_inner_txt(tmp_path: Path) -> None:
    clip_mp4(tmp_path, "test/id10281#NXjT3732Ekg#00012.txt#000.mp4", 3)
    clip_folder(tmp_path, "test/id10281#NXjT3732Ekg#00012.txt#001.mp4", 3)
    assert sorted(set(read_voxceleb1(tmp_path).frames["clip"])) == ["00012.000", "00012.001"]


def test_leaked_test_people_are_left_out_of_training_whatever_the_folder_says(tmp_path: Path) -> None:
    clip_mp4(tmp_path, "train/id10282#hgB5ziAudzU#000000#000099.mp4", 3)
    clip_mp4(tmp_path, "test/id10282#hgB5ziAudzU#000100#000199.mp4", 3)
    clip_mp4(tmp_path, "train/id10500#hgB5ziAudzU#000200#000299.mp4", 3)
    manifest = read_voxceleb1(tmp_path)
    assert dict(zip(manifest.frames["clip"], manifest.frames["split_official"], strict=True)) == {
        "000100-000199": "test",
        "000200-000299": "dev",
    }
    assert manifest.skipped["test person in a training folder (identity leak)"] == [
        "train/id10282#hgB5ziAudzU#000000#000099.mp4"
    ]


def test_official_mp4_with_tracks_and_metadata(tmp_path: Path) -> None:
    clip_mp4(tmp_path, "dev/mp4/id00012/21Uxsk56VDQ/00001.mp4", 25)
    clip_mp4(tmp_path, "test/mp4/id00017/-1Uxsk56VD_/00002.mp4", 11)
    put(
        tmp_path,
        "test/txt/id00017/-1Uxsk56VD_/00002.txt",
        b"Identity  : \tid00017\nReference : \t-1Uxsk56VD_\nOffset    : \t-2\nFV Conf   : \t20.1\t(1)\n"
        b"ASD Conf  : \t3.2\n\nFRAME \tX \tY \tW \tH \n000250 \t0.319 \t0.067 \t0.424 \t0.753 \n",
    )
    put(tmp_path, "vox2_meta.csv", b"VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set \nid00017 ,n000017 ,m ,test \n")
    put(tmp_path, "dev/aac/id00012/21Uxsk56VDQ/00001.m4a")
    manifest = read_voxceleb2(tmp_path)
    test = manifest.frames[manifest.frames["split_official"] == "test"]
    assert test["source_frame"].tolist() == [250, 260] and test["sex"].tolist() == ["m", "m"]
    assert set(manifest.frames["subject"]) == {"id00012", "id00017"}
    assert manifest.found["people"] == 2 and manifest.expected["people"] == 6112
    assert manifest.skipped["audio"] == ["dev/aac/id00012/21Uxsk56VDQ/00001.m4a"]


@pytest.mark.parametrize(
    "track", [b"\xff", b"no table", b"FRAME X Y W H\nx 1 2 3 4\n", b"FRAME X Y W H\n" + b"9" * 19 + b" 1 2 3 4\n",
              b"FRAME X Y W H\n" + b"9" * 30 + b" 1 2 3 4\n", b"FRAME X Y W H\n-3 1 2 3 4\n"]
)  # fmt: skip
def test_a_damaged_track_is_one_counted_entry_and_its_clip_stays(tmp_path: Path, track: bytes) -> None:
    clip_mp4(tmp_path, "test/mp4/id00017/-1Uxsk56VD_/00002.mp4", 11)
    path = "test/txt/id00017/-1Uxsk56VD_/00002.txt"
    put(tmp_path, path, track)
    manifest = read_voxceleb2(tmp_path)
    assert manifest.frames["frame"].tolist() == [0, 10] and manifest.frames["source_frame"].isna().all()
    ((reason, paths),) = [item for item in manifest.skipped.items() if "track that cannot be read" in item[0]]
    assert paths == [path] and str(tmp_path) not in reason and len(reason) < 200


def test_stelabou_trees(tmp_path: Path) -> None:
    base = "id10280/NXjT3732Ekg"
    for chunk, number in ((0, 0), (0, 25), (0, 50), (1, 100)):
        put(tmp_path, f"{base}/frames_cropped/{chunk:02d}_{number:06d}.png")
        put(tmp_path, f"{base}/frames/{chunk:02d}_{number:06d}.png")
    put(tmp_path, f"{base}/chunk_videos/NXjT3732Ekg#00001#0-75.mp4")
    clip_mp4(tmp_path, "id10281/NXjT3732Ekg/chunk_videos/NXjT3732Ekg#00002#100-111.mp4", 11)
    manifest = read_voxceleb1(tmp_path)
    cropped = manifest.frames[manifest.frames["variant"] == "stelabou"]
    assert cropped["source_frame"].tolist() == [0, 25, 50, 100] and cropped["frame"].tolist() == [0, 1, 2, 0]
    assert cropped["clip"].tolist() == ["c00", "c00", "c00", "c01"]
    chunk = manifest.frames[manifest.frames["variant"] == "stelabou-chunk"]
    assert chunk["source_frame"].tolist() == [100, 110] and set(chunk["subject"]) == {"id10281"}
    assert sum(map(len, manifest.skipped.values())) == 5


def test_folders_by_name_need_the_metadata(tmp_path: Path) -> None:
    put(tmp_path, "unzippedFaces/Eartha_Kitt/1.6/NXjT3732Ekg/0000375.jpg")
    put(tmp_path, "unzippedFaces/Eartha_Kitt/1.6/NXjT3732Ekg/0000025.jpg")
    put(tmp_path, "unzippedFaces/Robert_Downey_Jr/1.6/_XjT3732Ekg/0005000.jpg")
    put(tmp_path, "unzippedFaces/Nobody/1.6/_XjT3732Ekg/0005000.jpg")
    for i in range(12):
        put(tmp_path, f"unzippedIntervalFaces/data/Eartha_Kitt/1.6/NXjT3732Ekg/3/{i:07d}.jpg")
    with pytest.raises(UsageError, match=r"vox1_meta\.csv is missing"):
        read_voxceleb1(tmp_path)
    put(
        tmp_path,
        "vox1_meta.csv",
        b"VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet\nid10280\tEartha_Kitt\tf\tUSA\ttest\n"
        b"id10500\tRobert_Downey_Jr.\tm\tUSA\tdev\n",
    )
    manifest = read_voxceleb1(tmp_path)
    sparse = manifest.frames[manifest.frames["variant"] == "cmb-1fps"]
    assert sparse["subject"].tolist() == ["id10280", "id10280", "id10500"]
    assert sparse["source_frame"].tolist() == [25, 375, 5000] and sparse["sex"].tolist() == ["f", "f", "m"]
    dense = manifest.frames[manifest.frames["variant"] == "cmb-dense"]
    assert dense["frame"].tolist() == [0, 10]
    assert [len(paths) for reason, paths in manifest.skipped.items() if "person's name" in reason] == [1]


def test_strips_and_frame_trees(tmp_path: Path) -> None:
    put(tmp_path, "test/id10283#NXjT3732Ekg#000000#000099.png", png(np.hstack(frames(21))))
    put(tmp_path, "test/id10284#NXjT3732Ekg#000000#000099.png", png(np.zeros((16, 40, 3), np.uint8)))
    for i in range(11):
        put(tmp_path, f"id10285/NXjT3732Ekg/00003/{i:04d}.jpg")
    manifest = read_voxceleb1(tmp_path)
    strip = manifest.frames[manifest.frames["container"] == "strip"]
    assert strip["frame"].tolist() == [0, 10, 20] and strip["width"].tolist() == [16] * 3
    assert manifest.frames[manifest.frames["variant"] == "frames"]["frame"].tolist() == [0, 10]
    assert any("no row of square frames" in reason for reason in manifest.skipped)


def test_bad_clips_are_one_counted_failure_each(tmp_path: Path) -> None:
    clip_mp4(tmp_path, "test/id10280#NXjT3732Ekg#000000#000099.mp4", 3)
    whole = (tmp_path / "test/id10280#NXjT3732Ekg#000000#000099.mp4").read_bytes()
    put(tmp_path, "test/id10280#NXjT3732Ekg#000100#000199.mp4", whole[: len(whole) // 2])
    put(tmp_path, "test/id10280#NXjT3732Ekg#000200#000299.mp4")
    put(tmp_path, "test/NXjT3732Ekg#000000#000099.mp4", whole)
    put(tmp_path, "test/id00017#NXjT3732Ekg#000000#000099.mp4", whole)
    put(tmp_path, "test/.DS_Store")
    put(tmp_path, "256/data.mdb")
    manifest = read_voxceleb1(tmp_path)
    assert manifest.found["clips"] == 1
    bad = [path for reason, paths in manifest.skipped.items() if "cannot be read" in reason for path in paths]
    assert sorted(bad) == [f"test/id10280#NXjT3732Ekg#000{i}00#000{i}99.mp4" for i in (1, 2)]
    assert sum(map(len, manifest.skipped.values())) == 6, manifest.skipped


def test_training_clips_beyond_the_first_few_are_rows_without_frames(tmp_path: Path) -> None:
    for i in range(5):
        clip_mp4(tmp_path, f"dev/mp4/id00012/21Uxsk56VDQ/{i:05d}.mp4", 2)
    manifest = read_voxceleb2(tmp_path)
    assert manifest.found["clips not opened"] == 3 and manifest.found["clips"] == 5
    unopened = manifest.frames[manifest.frames["frame"].isna()]
    assert len(unopened) == 3 and all(key.count("/") == 3 for key in unopened["key"])
    again = read_voxceleb2(tmp_path)
    assert again.frames.equals(manifest.frames)


def test_clip_list_tells_what_is_missing(tmp_path: Path) -> None:
    clip_mp4(tmp_path, "test/id10280#NXjT3732Ekg#001093#001192.mp4", 3)
    put(
        tmp_path,
        "vox-metadata.csv",
        b"video_id,start,end,bbox,fps,width,height,partition,person_id\n"
        b"NXjT3732Ekg,1093,1192,624-48-1018-553,25,1280,720,test,id10280\n"
        b"NXjT3732Ekg,1093,1192,624-48-1018-553,25,1280,720,test,id10280\n"
        b"-XjT3732Ek_,0,100,624-48-1018-553,25,1280,720,test,id10281\n"
        b"hgB5ziAudzU,0,100,-6--4-1018-553,25,1280,720,train,id10282\n"
        b"hgB5ziAudzU,zero,100,624-48-1018-553,25,1280,720,train,id10282\n",
    )
    manifest = read_voxceleb1(tmp_path)
    assert manifest.expected["test clips (vox-metadata.csv)"] == 2
    assert manifest.found["test clips (vox-metadata.csv)"] == 1
    assert manifest.found["repeated rows of vox-metadata.csv"] == 1
    assert manifest.skipped["row of vox-metadata.csv that is not understood"] == ["vox-metadata.csv line 6"]


def test_poses_are_joined_by_key(tmp_path: Path) -> None:
    import pandas as pd

    clip_mp4(tmp_path, "test/mp4/id00017/21Uxsk56VDQ/00001.mp4", 21)
    keys = read_voxceleb2(tmp_path).frames["key"].tolist()
    table = pd.DataFrame(
        {
            "key": keys[::-1][:2],
            "yaw": [50.0, np.nan],
            "pitch": [1.0, np.nan],
            "roll": [0.0, np.nan],
            "pose_source": ["fsanet", "fsanet"],
        }
    )
    write_poses(pose_file(tmp_path), table)
    joined = read_voxceleb2(tmp_path).frames
    assert joined["yaw"].tolist()[2] == 50.0 and np.isnan(joined["yaw"].tolist()[0])
    assert joined["pose_source"].tolist() == [None, "fsanet", "fsanet"]
    pose_file(tmp_path).write_text("key,yaw\na,1\n")
    with pytest.raises(UsageError, match="not a pose table"):
        read_voxceleb2(tmp_path)


def test_another_data_set_is_refused_with_what_was_there(tmp_path: Path) -> None:
    put(tmp_path, "wav/id10271/_YimahVgI1A/00003.wav")
    with pytest.raises(UsageError, match="1 x audio"):
        read_voxceleb1(tmp_path)
