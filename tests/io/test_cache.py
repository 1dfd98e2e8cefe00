"""The cache folder of users without a home, and of those who may not write into it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from dgbench.io.cache import at_home, cache_folder, writable_cache_folder


@pytest.fixture
def no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "DGBENCH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)

    def unknown(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr("pwd.getpwuid", unknown)


@pytest.mark.usefixtures("no_home")
def test_a_user_without_a_home_has_a_cache_in_the_temporary_folder() -> None:
    assert cache_folder("observations") == Path(tempfile.gettempdir()) / f"dgbench-cache-{os.getuid()}/observations"
    assert at_home("~/x.pt") == Path("~/x.pt")


def test_a_cache_that_cannot_be_written_is_no_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DGBENCH_CACHE", str(tmp_path / "file"))
    assert writable_cache_folder("observations") is None
    assert "the cache cannot be written" in caplog.text
    monkeypatch.setenv("DGBENCH_CACHE", str(tmp_path / "cache"))
    assert writable_cache_folder("observations") == tmp_path / "cache" / "observations"


def test_a_temporary_cache_of_another_user_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("DGBENCH_CACHE", str(tmp_path / "cache"))
    assert writable_cache_folder("x") is not None
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
    assert writable_cache_folder("x") is None
