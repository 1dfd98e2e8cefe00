"""What git may do around a check: a hook's variables name another repository, and a clone may want other line ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from forgery import ROOT, git, make_repository

from dgbench.results.checks.history import problems


def test_a_hooks_variables_do_not_turn_the_check_to_another_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = make_repository(tmp_path / "repo")
    for name, value in (("GIT_DIR", "/nowhere"), ("GIT_INDEX_FILE", "/nowhere/index"), ("GIT_WORK_TREE", "/")):
        monkeypatch.setenv(name, value)
    assert problems(results, results.parent / "protocols", base="main") == []
    record = next(results.glob("*/v1/dg/*/record.json"))
    record.unlink()
    assert [problem.kind for problem in problems(results, results.parent / "protocols", base="main")] == ["removed"]


def test_a_clone_with_other_line_ends_has_the_same_bytes(tmp_path: Path) -> None:
    """Digests and tables are compared to the byte; 171 problems came of a clone with core.autocrlf."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, so there is nothing to clone")
    git(tmp_path, "clone", "-q", "--shared", "-c", "core.autocrlf=true", str(ROOT), str(tmp_path / "clone"))
    listed = git(ROOT, "ls-files", "-z", "results", "protocols", "dgbench").split("\0")
    texts = [name for name in listed if name.endswith((".json", ".yaml", ".csv", ".md", ".py"))]
    assert len(texts) > 600
    turned = [
        name
        for name in texts
        if (ROOT / name).is_file()
        and (tmp_path / "clone" / name).is_file()
        and (tmp_path / "clone" / name).read_bytes().count(b"\r\n") != (ROOT / name).read_bytes().count(b"\r\n")
    ]
    assert turned == []
