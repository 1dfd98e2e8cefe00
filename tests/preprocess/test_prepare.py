from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from disc_faces import face_image

from dgbench.core.errors import WorkFailedError
from dgbench.core.protocol import Frame
from dgbench.datasets.manifest import Manifest, make_frames
from dgbench.io.images import ImageError
from dgbench.io.locks import folder_lock
from dgbench.io.video import write_video
from dgbench.networks.judges import Judges, load_judges
from dgbench.preprocess.prepare import estimate_poses, prepare_store
from dgbench.preprocess.store import PreparedStore

EYE_MOUTH = Frame(size=64, crop="eye-mouth", landmarks=("yunet",))
ImageSet = Callable[..., Manifest]


def _bytes_of(store: Path) -> dict[str, str]:
    return {
        path.relative_to(store).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(store.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def _many(count: int) -> dict[str, np.ndarray]:
    return {f"{i:03d}": face_image(centre=(30 + i % 20, 25 + i % 9), radius=9 + i % 4) for i in range(count)}


def test_crops_are_where_the_face_is_and_landmarks_move_along(
    tmp_path: Path, image_set: ImageSet, disc_judges: Judges
) -> None:
    manifest = image_set({"a": face_image(centre=(25, 20), radius=10), "b": face_image(centre=(50, 35), radius=14)})
    done = prepare_store(manifest, manifest.frames["key"], EYE_MOUTH, disc_judges, out=tmp_path / "s")
    assert done.written == 2 and done.origins == {"disc": 2} and done.failed == {}
    store = PreparedStore(tmp_path / "s", frame=EYE_MOUTH)
    for key in ("k/a", "k/b"):
        image, found = store.image(key), store.landmarks(key)
        y, x = np.nonzero(image[..., 1] > 150)
        assert abs(x.mean() - 32) < 1.5 and abs(y.mean() - 0.54 * 64) < 1.5
        assert found is not None and found.origin == "disc"
        assert abs(found.points[:, 0].mean() - x.mean()) < 1.5
        # The stand-in network calls every point seen; preparation derives visibility from the pose it gives.
        assert found.visibility.min() < 0.7 < found.visibility.max()
    assert store.about["notes"]["judge detector"].startswith("disc ")


def test_same_bytes_for_any_worker_count_and_after_a_kill(
    tmp_path: Path, image_set: ImageSet, disc_judges: Judges
) -> None:
    manifest = image_set({**_many(100), "bad": b"no image", "none": face_image(radius=0)})
    keys = manifest.frames["key"].tolist()
    prepare_store(manifest, keys, EYE_MOUTH, disc_judges, out=tmp_path / "one", workers=1)
    prepare_store(manifest, keys[::-1], EYE_MOUTH, disc_judges, out=tmp_path / "four", workers=4)

    def kill(done: int, total: int) -> None:
        if done > total / 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_store(manifest, keys, EYE_MOUTH, disc_judges, out=tmp_path / "killed", workers=1, progress=kill)
    assert not (tmp_path / "killed/store.json").exists()
    parts = sorted((tmp_path / "killed/.parts").glob("*.npz"))
    assert parts
    parts[0].write_bytes(parts[0].read_bytes()[:100])
    prepare_store(manifest, keys, EYE_MOUTH, disc_judges, out=tmp_path / "killed", workers=2)
    assert _bytes_of(tmp_path / "one") == _bytes_of(tmp_path / "four") == _bytes_of(tmp_path / "killed")


def test_finished_parts_are_not_done_again(tmp_path: Path, image_set: ImageSet, disc_judges: Judges) -> None:
    manifest = image_set(_many(70))
    keys = manifest.frames["key"].tolist()
    looked: list[int] = []
    real = disc_judges.observe
    disc_judges.observe = lambda images, **more: looked.append(len(images)) or real(images, **more)  # type: ignore

    def kill(done: int, total: int) -> None:
        if done > 32:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_store(manifest, keys, EYE_MOUTH, disc_judges, out=tmp_path / "s", workers=1, progress=kill)
    kept = len(list((tmp_path / "s/.parts").glob("*.npz"))) * 8
    looked.clear()
    prepare_store(manifest, keys, EYE_MOUTH, disc_judges, out=tmp_path / "s", workers=1)
    assert kept >= 32 and sum(looked) == 70 - min(kept, 70)


def test_faces_unseen_are_mirrored_then_cropped_by_their_camera_then_failed(
    tmp_path: Path, image_set: ImageSet, disc_judges: Judges
) -> None:
    images = {f"seen{i}": face_image(centre=(40 + i, 30)) for i in range(3)}
    images["mirror"] = face_image(centre=(40, 30), half="mirror")
    images["unseen"] = face_image(radius=0)
    manifest = image_set(images)
    done = prepare_store(manifest, manifest.frames["key"], EYE_MOUTH, disc_judges, out=tmp_path / "s")
    assert done.origins == {"camera-median": 1, "disc": 3, "mirrored": 1} and done.failed == {}
    assert done.without_landmarks == 1
    store = PreparedStore(tmp_path / "s")
    assert store.landmarks("k/unseen") is None and store.image("k/unseen").shape == (64, 64, 3)
    index = store._table
    seen = index.loc["k/seen1", ["m0", "m2", "m5"]].to_numpy(float)
    np.testing.assert_allclose(index.loc["k/unseen", ["m0", "m2", "m5"]].to_numpy(float), seen, atol=0.8)
    mirror = index.loc["k/mirror", ["m0", "m2"]].to_numpy(float)
    np.testing.assert_allclose(mirror[0] * 40 + mirror[1], 32, atol=6)

    alone = image_set({"unseen": face_image(radius=0)}, camera=None)
    done = prepare_store(alone, alone.frames["key"], EYE_MOUTH, disc_judges, out=tmp_path / "t")
    assert done.failed == {"no-face": 1} and done.written == 0
    with pytest.raises(ImageError, match="no face was found"):
        PreparedStore(tmp_path / "t").image("k/unseen")


def test_every_image_that_cannot_be_prepared_is_a_row_with_its_reason(
    tmp_path: Path, image_set: ImageSet, disc_judges: Judges
) -> None:
    manifest = image_set({"good": face_image(width=60), "wide": face_image(), "bad": b"not an image", "empty": b""})
    (manifest.root / "gone.png").unlink(missing_ok=True)
    rows = manifest.frames.to_dict("records")
    gone = make_frames([*rows, {**rows[0], "key": "k/gone", "path": "gone.png"}])
    manifest = Manifest("multipie", manifest.root, gone)
    frame = Frame(size=64, crop="as-stored")
    done = prepare_store(manifest, manifest.frames["key"], frame, disc_judges, out=tmp_path / "s")
    assert done.asked == 5 and done.written == 1
    assert done.failed == {"missing": 1, "unreadable": 2, "wrong-size": 1}
    store = PreparedStore(tmp_path / "s")
    assert store.about["failures"] == done.failed
    assert all("k/" + name in store for name in ("good", "wide", "bad", "empty", "gone"))
    with pytest.raises(ImageError, match="must be square") as caught:
        store.image("k/wide")
    assert caught.value.kind == "wrong-size"


def test_a_face_is_not_needed_to_keep_an_image_as_stored(
    tmp_path: Path, image_set: ImageSet, disc_judges: Judges
) -> None:
    manifest = image_set({"unseen": face_image(width=60, radius=0), "seen": face_image(width=60)})
    done = prepare_store(
        manifest, manifest.frames["key"], Frame(size=64, crop="as-stored"), disc_judges, out=tmp_path / "s"
    )
    assert done.origins == {"as-stored": 2} and done.without_landmarks == 1


def test_a_video_is_decoded_once_and_a_tube_is_one_crop_for_the_clip(
    tmp_path: Path, disc_judges: Judges, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dgbench.preprocess.media as media

    root = tmp_path / "data"
    frames = [face_image(centre=(30 + i, 30)) for i in range(9)] + [face_image(centre=(68, 30), radius=10)]
    write_video(root / "a.mp4", frames, quality=5)
    (root / "b.mp4").write_bytes(b"broken")
    rows = [
        {"key": f"v/{name}/{i:07d}", "path": f"{name}.mp4", "container": "video", "frame": i}
        for name in "ab"
        for i in (0, 4, 8, 9)
    ]
    manifest = Manifest("voxceleb1", root, make_frames(rows))
    opened = []
    real = media.decode_frames
    monkeypatch.setattr(media, "decode_frames", lambda path, *more: opened.append(path.name) or real(path, *more))
    done = prepare_store(
        manifest, manifest.frames["key"], Frame(size=64, crop="fomm-tube"), disc_judges, out=tmp_path / "s"
    )
    assert sorted(opened) == ["a.mp4", "b.mp4"]
    assert done.written == 3 and done.failed == {"no-face": 1, "unreadable": 4}
    table = PreparedStore(tmp_path / "s")._table
    inside = table[table["failure"] == ""]
    assert len(inside[["m0", "m2", "m5"]].drop_duplicates()) == 1, "the crop is fixed, so head motion stays"
    assert "left the tube" in table.loc["v/a/0000009", "failure"]


def test_a_clip_without_a_face_is_no_unreadable_one(tmp_path: Path, image_set: ImageSet, disc_judges: Judges) -> None:
    manifest = image_set({"seen": face_image(), "unseen": face_image(radius=0)})
    frame = Frame(size=64, crop="fomm-tube")
    done = prepare_store(manifest, manifest.frames["key"], frame, disc_judges, out=tmp_path / "s")
    assert done.written == 1 and done.failed == {"no-face": 1}


def test_frozen_points_go_before_the_detector_where_the_frame_says_so(
    tmp_path: Path, image_set: ImageSet, disc_judges: Judges
) -> None:
    manifest = image_set({"a": face_image()})
    frozen = {"k/a": np.array([[0.2, 0.2], [0.4, 0.2], [0.3, 0.3], [0.2, 0.5], [0.4, 0.5]])}
    frame = Frame(size=64, crop="eye-mouth", landmarks=("frozen", "yunet"))
    done = prepare_store(manifest, ["k/a"], frame, disc_judges, out=tmp_path / "s", frozen=frozen)
    assert done.origins == {"frozen": 1}
    done = prepare_store(manifest, ["k/a"], EYE_MOUTH, disc_judges, out=tmp_path / "t", frozen=frozen)
    assert done.origins == {"disc": 1}


def test_poses_are_estimated_without_writing_images(tmp_path: Path, image_set: ImageSet, disc_judges: Judges) -> None:
    manifest = image_set({"a": face_image(centre=(25, 20), radius=10), "b": face_image(radius=0), "c": b""})
    table = estimate_poses(manifest, manifest.frames["key"], EYE_MOUTH, disc_judges, work=tmp_path / "w")
    assert table["key"].tolist() == ["k/a", "k/b", "k/c"]
    assert table["yaw"].iloc[0] == 15.0 and table["yaw"].iloc[1:].isna().all()
    assert set(table["pose_source"]) == {"disc-pose"}
    assert not list((tmp_path / "w").rglob("*.png"))


def test_one_writer_per_store(tmp_path: Path, image_set: ImageSet, disc_judges: Judges) -> None:
    manifest = image_set({"a": face_image()})
    with folder_lock(tmp_path / "s", purpose="test"), pytest.raises(WorkFailedError, match="in use by"):
        prepare_store(manifest, ["k/a"], EYE_MOUTH, disc_judges, out=tmp_path / "s")


def test_real_faces(tmp_path: Path, assets: Path) -> None:
    from dgbench.datasets.frll import read_frll

    manifest = read_frll(assets / "frll")
    judges = load_judges("open", weights=assets / "nets", roles=("detector", "landmarks", "pose"))
    keys = manifest.frames["key"].tolist()[:6]
    frame = Frame(size=128, crop="eye-mouth", landmarks=("yunet",))
    done = prepare_store(manifest, keys, frame, judges, out=tmp_path / "s", workers=1)
    assert done.written == 6 and done.without_landmarks == 0 and done.origins == {"yunet@0.7": 6}
    store = PreparedStore(tmp_path / "s")
    for key in keys:
        points = store.landmarks(key).points  # type: ignore[union-attr]
        eyes, mouth = points[36:48, :2].mean(axis=0), points[48:68, :2].mean(axis=0)
        assert abs((eyes[1] + mouth[1]) / 2 - 0.54 * 128) < 6 and abs(mouth[1] - eyes[1] - 0.27 * 128) < 6


def test_exif_orientation_is_applied_and_not_passed_on(
    tmp_path: Path, image_set: ImageSet, disc_judges: Judges
) -> None:
    from PIL import Image as Pillow

    manifest = image_set({"a": face_image(width=60, centre=(15, 40))})
    turned = Pillow.fromarray(np.rot90(face_image(width=60, centre=(15, 40)), 1).copy())
    exif = Pillow.Exif()
    exif[0x0112] = 6  # "turn by 90 degrees clockwise to see it upright"
    turned.save(manifest.root / "a.png", exif=exif)
    frame = Frame(size=60, crop="as-stored")
    prepare_store(manifest, ["k/a"], frame, disc_judges, out=tmp_path / "s")
    y, x = np.nonzero(PreparedStore(tmp_path / "s").image("k/a")[..., 1] > 150)
    assert abs(x.mean() - 15) < 1 and abs(y.mean() - 40) < 1
    (written,) = (tmp_path / "s/images").rglob("*.png")
    with Pillow.open(written) as picture:
        assert not picture.getexif()


def test_a_face_found_in_the_mirror_is_not_flipped(tmp_path: Path, image_set: ImageSet, disc_judges: Judges) -> None:
    manifest = image_set({"mirror": face_image(centre=(40, 30), half="mirror")})
    prepare_store(manifest, ["k/mirror"], EYE_MOUTH, disc_judges, out=tmp_path / "s")
    store = PreparedStore(tmp_path / "s")
    blue = np.nonzero(store.image("k/mirror")[..., 2] > 150)[1]
    green = np.nonzero(store.image("k/mirror")[..., 1] > 150)[1]
    assert blue.mean() > green.mean() + 2, "what lies at image-right stays there"
    landmarks = store.landmarks("k/mirror")
    assert landmarks is not None and landmarks.points[16, 0] > landmarks.points[0, 0], "points keep their sides"


_KILLED = """
import sys, time
from pathlib import Path
sys.path[:0] = [{here!r}, {repo!r}]
from disc_faces import DiscDetector, DiscLandmarks, DiscPose
from dgbench.core.protocol import Frame
from dgbench.datasets.manifest import Manifest
from dgbench.datasets.manifest_file import read_frames
from dgbench.networks.judges import Judges
from dgbench.preprocess.prepare import prepare_store

class Slow(DiscDetector):
    def detect_all(self, image):
        time.sleep(0.02)
        return super().detect_all(image)

frames = read_frames(Path({manifest!r}))
judges = Judges("open", detector=Slow(), landmarks=DiscLandmarks(), pose=DiscPose())
prepare_store(Manifest("multipie", Path({root!r}), frames), frames["key"].tolist(),
              Frame(size=64, crop="eye-mouth", landmarks=("yunet",)), judges, out=Path({out!r}), workers=2)
"""


def test_a_process_killed_outright_resumes_to_the_same_bytes(
    tmp_path: Path, image_set: ImageSet, disc_judges: Judges
) -> None:
    import subprocess
    import sys
    import time

    from dgbench.datasets.manifest_file import write_manifest

    manifest = image_set(_many(60))
    keys = manifest.frames["key"].tolist()
    write_manifest(tmp_path / "m.parquet", manifest)
    here = Path(__file__).parents[1] / "support"
    killed = tmp_path / "killed"
    code = _KILLED.format(
        here=str(here),
        repo=str(here.parents[1]),
        manifest=str(tmp_path / "m.parquet"),
        root=str(manifest.root),
        out=str(killed),
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 60
    while len(list((killed / ".parts").glob("*.npz"))) < 2 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not (killed / "store.json").exists(), "it was killed in the middle"
    assert list((killed / ".parts").glob("*.npz"))
    prepare_store(manifest, keys, EYE_MOUTH, disc_judges, out=killed, workers=1)
    prepare_store(manifest, keys, EYE_MOUTH, disc_judges, out=tmp_path / "whole", workers=1)
    left = {name: digest for name, digest in _bytes_of(killed).items() if not name.endswith(".tmp")}
    assert left == _bytes_of(tmp_path / "whole")
