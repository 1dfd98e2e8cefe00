"""``dgbench weights import-official`` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from test_dg_official import random_state, small_files
from typer.testing import CliRunner

from dgbench.cli.app import app
from dgbench.cli.train import _notes
from dgbench.core.errors import MissingError, UsageError
from dgbench.models.dg.checkpoint import load_checkpoint


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


@pytest.mark.parametrize(("given", "declared"), [((), ["VoxCeleb1"]), (("MPIE", "RaFD"), ["MPIE", "RaFD"])])
def test_what_the_files_were_trained_on_is_declared(
    tmp_path: Path, given: tuple[str, ...], declared: list[str]
) -> None:
    options = [word for name in given for word in ("--trained-on", name)]
    code, text, error = call(*small_files(tmp_path), "--out", tmp_path / "out", *options, "--json")
    assert code == 0, error
    assert json.loads(text)["training_data"] == declared
    model = load_checkpoint(tmp_path / "out")
    assert model.notes["training_data"] == declared
    assert _notes(["frll-cross@1"], "small", model)["training_data"] == [*declared, "frll-cross@1 training people"]


def test_each_half_keeps_what_it_was_trained_on(tmp_path: Path) -> None:
    rfg, idsg = small_files(tmp_path)
    out = ("--out", tmp_path / "out")
    for arguments, declared in (
        ((rfg, "--trained-on", "MPIE"), ["MPIE"]),
        ((idsg,), ["MPIE", "VoxCeleb1"]),
        ((rfg, "--trained-on", "VoxCeleb1"), ["VoxCeleb1"]),
    ):
        assert call(*arguments, *out)[0] == 0
        assert sorted(load_checkpoint(tmp_path / "out").notes["training_data"]) == declared


def test_bad_values_and_files_are_refused(tmp_path: Path) -> None:
    rfg, _ = small_files(tmp_path)
    for arguments, kind in (
        ((rfg, "--out", tmp_path / "o", "--map-value", "0"), UsageError),
        ((rfg, "--out", tmp_path / "o", "--trained-on", "=1+1"), UsageError),
        ((tmp_path / "absent.ckpt", "--out", tmp_path / "o"), MissingError),
    ):
        code, _, error = call(*arguments)
        assert code != 0 and isinstance(error, kind)
    torch.save({"other": random_state({"a": [2]})}, tmp_path / "other.ckpt")
    code, _, error = call(tmp_path / "other.ckpt", "--out", tmp_path / "o")
    assert isinstance(error, UsageError) and not (tmp_path / "o").exists()
