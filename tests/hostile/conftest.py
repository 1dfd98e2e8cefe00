"""The command line in this process, and a trap that shows whether anything hostile was run or written."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from colour_judges import ColourJudges

from dgbench.cli.app import main


@dataclass(frozen=True)
class Said:
    """What a call came to."""

    code: int
    out: str
    line: str


Call = Callable[..., Said]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Return a caller of ``dgbench``; what a refusal says must be one line and no traceback."""
    monkeypatch.setattr("dgbench.engine.score.scorer.load_judges", lambda name, weights=None: ColourJudges())

    def run(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["dgbench", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        lines = [line for line in err.splitlines() if line.startswith("dgbench: ")]
        assert "Traceback" not in err + out
        assert len(lines) == (1 if code else 0), err
        return Said(code, out, lines[0] if lines else "")

    return run


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A path that only hostile code would write; the test fails if anybody did."""
    path = tmp_path / "sprung"
    yield path  # type: ignore[misc]
    assert not path.exists(), "hostile code was run"
