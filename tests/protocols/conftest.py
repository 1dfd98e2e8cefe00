"""The command line inside this process: exit code and both streams of one verb."""

from __future__ import annotations

import sys

import pytest
from said import Said, Verb

from dgbench.cli import app


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Verb:
    def call(*words: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["dgbench", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            app.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Said(int(stopped.value.code or 0), out, err)

    return call
