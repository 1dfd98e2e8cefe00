"""The doctor: golden vectors of every metric, and the folder's locks and renames."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from dgbench.doctor import checks
from dgbench.doctor.golden import differing, golden_values, shipped_values
from dgbench.metrics import psnr
from dgbench.metrics.registry import metric_names


def test_every_metric_that_brings_no_network_has_its_golden_value_and_gives_it() -> None:
    shipped, found = shipped_values(), golden_values()
    assert differing(found, shipped) == []
    own_network = {"lpips", "paper/csim-ir50", "paper/fid-stargan2", "expression_coefficients"}
    named = {name for name in metric_names() if "[" not in name}
    assert named - own_network == {name for name in shipped if "[" not in name}
    assert set(found) == set(shipped)


def test_a_metric_that_is_computed_otherwise_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    real = psnr.psnr
    monkeypatch.setattr(psnr, "psnr", lambda *images: real(*images) + 0.01)
    (found,) = checks._golden()
    assert found.verdict == "broken" and found.detail.startswith("psnr is 11.75")


def test_a_folder_whose_locks_keep_nobody_out_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks._disk("results folder", tmp_path / "new").verdict == "ok"
    assert "GB free" in checks._disk("results folder", tmp_path).detail
    assert list(tmp_path.iterdir()) == []

    @contextlib.contextmanager
    def idle(folder: Path, *, purpose: str) -> Iterator[None]:
        yield

    monkeypatch.setattr(checks, "folder_lock", idle)
    found = checks._disk("results folder", tmp_path)
    assert found.verdict == "broken" and "keeps nobody out" in found.detail


def test_judges_that_are_not_here_are_missing_and_nothing_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DGBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DGBENCH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("dgbench.io.weights.fetch", lambda *_, **__: pytest.fail("the doctor downloads"))
    found = {check.name: check for check in checks._judges(None)}
    assert found["judges embedded"].verdict == "ok"
    assert found["judges standard"].verdict == found["judges open"].verdict == "missing"
    assert "5 of 5 files are not here" in found["judges open"].detail
