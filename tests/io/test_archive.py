from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from dgbench.core.errors import UsageError
from dgbench.io.archive import extract


def _zip(path: Path, members: dict[str, bytes], *, mode: int | None = None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            if mode is not None:
                info.external_attr = mode << 16
            archive.writestr(info, data)
    return path


def test_zip_and_tar_unpack_to_the_same_files(tmp_path: Path) -> None:
    members = {"a/b#1/_x-.txt": b"one", "c.txt": b"two"}
    _zip(tmp_path / "x.zip", members)
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
        folder = tarfile.TarInfo("./")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    for file in ("x.zip", "x.tar.gz"):
        out = tmp_path / f"out-{file}"
        assert extract(tmp_path / file, out) == sorted(members)
        assert {name: (out / name).read_bytes() for name in members} == members


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "a\\..\\x", "C:/x"])
def test_members_outside_the_folder_are_refused_and_leave_nothing(tmp_path: Path, name: str) -> None:
    archive = _zip(tmp_path / "x.zip", {"fine": b"1", name: b"2"})
    with pytest.raises(UsageError, match="outside the folder"):
        extract(archive, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.zip"]


def test_links_are_refused(tmp_path: Path) -> None:
    archive = _zip(tmp_path / "x.zip", {"link": b"/etc/passwd"}, mode=0o120777)
    with pytest.raises(UsageError, match="link or a device"):
        extract(archive, tmp_path / "out")
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(UsageError, match="link or a device"):
        extract(tmp_path / "x.tar", tmp_path / "out")


def test_bombs_and_case_clashes_and_damage_are_refused(tmp_path: Path) -> None:
    big = _zip(tmp_path / "big.zip", {"a": b"\0" * 100_000})
    with pytest.raises(UsageError, match="more than 1000 bytes"):
        extract(big, tmp_path / "out", max_bytes=1000)
    with pytest.raises(UsageError, match="more than 1 files"):
        extract(_zip(tmp_path / "two.zip", {"a": b"", "b": b""}), tmp_path / "out", max_files=1)
    with pytest.raises(UsageError, match="case aside"):
        extract(_zip(tmp_path / "case.zip", {"aB": b"", "Ab": b""}), tmp_path / "out")
    whole = _zip(tmp_path / "cut.zip", {"a": bytes(range(256)) * 100}).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UsageError, match=r"neither zip nor tar|cannot be unpacked"):
        extract(tmp_path / "cut.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()
