"""``dgbench weights import-official`` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from test_dg_official import random_state, small_files
from typer.testing import CliRunner

from dgbench.cli.app import app
from dgbench.core.errors import MissingError, UsageError


def call(*arguments: object) -> tuple[int, str, BaseException | None]:
    result = CliRunner().invoke(app, ["weights", "import-official", *(str(a) for a in arguments)])
    return result.exit_code, result.stdout, result.exception


def test_import_says_what_is_there_and_what_is_missing(tmp_path: Path) -> None:
    rfg, idsg = small_files(tmp_path)
    code, text, error = call(rfg, "--out", tmp_path / "out", "--json")
    assert code == 0, error
    first = json.loads(text)
    assert first["parts"] == ["rfg"] and first["missing"] == ["idsg"] and first["size"] == 256
    code, text, _ = call(idsg, "--out", tmp_path / "out")
    assert code == 0 and "30000_nets_ema.ckpt" in text and "missing" not in text
    assert (tmp_path / "out" / "model.safetensors").is_file()


def test_bad_values_and_files_are_refused(tmp_path: Path) -> None:
    rfg, _ = small_files(tmp_path)
    for arguments, kind in (
        ((rfg, "--out", tmp_path / "o", "--map-value", "0"), UsageError),
        ((tmp_path / "absent.ckpt", "--out", tmp_path / "o"), MissingError),
    ):
        code, _, error = call(*arguments)
        assert code != 0 and isinstance(error, kind)
    torch.save({"other": random_state({"a": [2]})}, tmp_path / "other.ckpt")
    code, _, error = call(tmp_path / "other.ckpt", "--out", tmp_path / "o")
    assert isinstance(error, UsageError) and not (tmp_path / "o").exists()
