from __future__ import annotations

import hashlib
import re
import zipfile
from pathlib import Path

import pytest

from dgbench.core.errors import MissingError, UsageError
from dgbench.io.weights import (
    KnownWeight,
    find_weight,
    known_weights,
    named_weights,
    obtain_weight,
    weight_status,
)


def _put(path: Path, data: bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, so that no library's cache of the machine is found."""
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_table_names_every_file_once_with_digest_licence_and_origin() -> None:
    rows = known_weights()
    assert len({row.name for row in rows}) == len(rows) == 10
    for row in rows:
        assert re.fullmatch(r"[0-9a-f]{10}|[0-9a-f]{64}", row.sha256), row
        assert row.url.startswith("https://")
        assert row.licence
        assert set(row.sets) <= {"open", "standard"}


def test_folder_comes_before_environment_before_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, environment, folder = tmp_path / "cache", tmp_path / "environment", tmp_path / "folder"
    monkeypatch.setenv("DGBENCH_CACHE", str(cache))
    monkeypatch.setenv("DGBENCH_WEIGHTS", str(environment))
    folder.mkdir()
    for place in (cache / "weights", environment, folder):
        _put(place / "own.onnx", b"weights")
        found = find_weight("own.onnx", folder=folder)
        assert found == place / "own.onnx"


def test_a_nested_name_is_found_flat_too(tmp_path: Path) -> None:
    sha256 = _put(tmp_path / "w600k_r50.onnx", b"x")
    assert find_weight("buffalo_l/w600k_r50.onnx", folder=tmp_path, sha256=sha256).parent == tmp_path


def test_library_cache_is_used(home: Path) -> None:
    path = home / ".cache" / "torch" / "hub" / "checkpoints" / "3DFAN4-7835d9f11d.pth.tar"
    sha256 = _put(path, b"fan")
    assert find_weight(path.name, folder=None, sha256=sha256) == path


def test_other_content_is_refused(tmp_path: Path) -> None:
    _put(tmp_path / "MobileFaceNet.onnx", b"<html>not found</html>")
    with pytest.raises(UsageError, match=r"MobileFaceNet.onnx: sha256 .* b7120c095d60094f.* is expected"):
        find_weight("MobileFaceNet.onnx", folder=tmp_path)


def test_missing_file_says_name_digest_and_where_to_get_it(home: Path, tmp_path: Path) -> None:
    with pytest.raises(
        MissingError, match=r"w600k_r50.onnx is not here \(sha256 4c06341c.*https://.*--weights"
    ) as told:
        find_weight("buffalo_l/w600k_r50.onnx", folder=tmp_path)
    assert "\n" not in str(told.value)
    assert told.value.exit_code == 3


def test_a_file_inside_an_archive_is_taken_out_of_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "server" / "buffalo_l.zip"
    bundle.parent.mkdir()
    with zipfile.ZipFile(bundle, "w") as archive:
        for name in ("det_10g.onnx", "w600k_r50.onnx", "genderage.onnx"):
            archive.writestr(f"buffalo_l/{name}", name.encode())

    def rows() -> tuple[KnownWeight, ...]:
        return tuple(
            KnownWeight(
                name=f"buffalo_l/{name}",
                sets=("standard",),
                role="x",
                sha256=hashlib.sha256(name.encode()).hexdigest(),
                licence="x",
                url="https://example.org/buffalo_l.zip",
                url_sha256=hashlib.sha256(bundle.read_bytes()).hexdigest(),
            )
            for name in ("det_10g.onnx", "w600k_r50.onnx")
        )

    calls: list[str] = []

    def fetched(url: str, path: Path, *, sha256: str, progress: object = None) -> Path:
        calls.append(url)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bundle.read_bytes())
        return path

    monkeypatch.setattr("dgbench.io.weights.known_weights", rows)
    monkeypatch.setattr("dgbench.io.weights.fetch", fetched)
    assert obtain_weight("buffalo_l/w600k_r50.onnx", folder=None).read_bytes() == b"w600k_r50.onnx"
    assert obtain_weight("buffalo_l/det_10g.onnx", folder=None).read_bytes() == b"det_10g.onnx"
    assert calls == ["https://example.org/buffalo_l.zip"]


def test_without_a_network_the_missing_file_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGBENCH_OFFLINE", "1")
    with pytest.raises(MissingError, match=r"w600k_r50.onnx is not here .*--weights.*DGBENCH_OFFLINE"):
        obtain_weight("buffalo_l/w600k_r50.onnx", folder=None)


def test_a_folder_that_is_none_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        find_weight("MobileFaceNet.onnx", folder=tmp_path / "absent")


def test_status_tells_here_other_and_missing(home: Path, assets: Path, tmp_path: Path) -> None:
    assert weight_status("MobileFaceNet.onnx", folder=assets / "nets")["state"] == "here"
    assert weight_status("MobileFaceNet.onnx", folder=tmp_path)["state"] == "missing"
    _put(tmp_path / "MobileFaceNet.onnx", b"x")
    assert weight_status("MobileFaceNet.onnx", folder=tmp_path)["state"] == "other"


def test_a_set_inception_or_a_file_is_what_can_be_named() -> None:
    assert {row.role for row in named_weights("open")} == {"detector", "identity", "landmarks", "pose"}
    assert [row.name for row in named_weights("inception")] == ["weights-inception-2015-12-05-6726825d.pth"]
    assert [row.name for row in named_weights("w600k_r50.onnx")] == ["buffalo_l/w600k_r50.onnx"]
    with pytest.raises(UsageError, match=r"no weights 'opne' .* Did you mean 'open'"):
        named_weights("opne")


def test_only_licences_that_forbid_nothing_are_free() -> None:
    assert {row.name: row.free for row in known_weights() if "non-commercial" in row.licence} == {
        "buffalo_l/det_10g.onnx": False,
        "buffalo_l/w600k_r50.onnx": False,
    }
    assert sum(not row.free for row in known_weights()) == 2
