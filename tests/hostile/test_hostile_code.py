"""Checkpoints and YAML that would run code: refused with one line, and nothing is run."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from drawn_frll import make_copy
from small_suite import TEXT

Call = Callable[..., Any]  # the fixture `call`


class _Evil:
    """Unpickled, it writes the trap."""

    def __init__(self, trap: Path) -> None:
        self.trap = trap

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"echo sprung > {self.trap}",)


def _torch_zip(trap: Path) -> bytes:
    buffer = io.BytesIO()
    torch.save({"generator": {"w": torch.zeros(1)}, "style_encoder": _Evil(trap)}, buffer)
    return buffer.getvalue()


def _torch_legacy(trap: Path) -> bytes:
    buffer = io.BytesIO()
    torch.save({"generator": _Evil(trap)}, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def _npz(trap: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("vertices", "identity"):
            array = io.BytesIO()
            np.save(array, np.array([_Evil(trap)], dtype=object), allow_pickle=True)
            archive.writestr(f"{name}.npy", array.getvalue())
    return buffer.getvalue()


KINDS = {
    "pickle": lambda trap: pickle.dumps({"generator": _Evil(trap)}),
    "torch": _torch_zip,
    "legacy-torch": _torch_legacy,
    "npz": _npz,
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_pickles_here_do_run_code_where_they_are_trusted(tmp_path: Path, kind: str) -> None:
    """The test of the tests: each of these files springs the trap once it is unpickled."""
    path, trap = tmp_path / "evil", tmp_path / "sprung-on-purpose"
    path.write_bytes(KINDS[kind](trap))
    with np.errstate(all="ignore"):
        if kind == "npz":
            with np.load(path, allow_pickle=True) as archive:
                archive["vertices"]
        elif kind == "pickle":
            pickle.loads(path.read_bytes())
        else:
            torch.load(path, weights_only=False)
    assert trap.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_that_would_run_code(call: Call, tmp_path: Path, trap: Path, kind: str) -> None:
    evil = tmp_path / "nets_ema.ckpt"
    evil.write_bytes(KINDS[kind](trap))
    said = call("weights", "import-official", evil, "--out", tmp_path / "dg")
    assert said.code == 2 and "nothing else is run" in said.line
    assert not (tmp_path / "dg").exists()
    run = ("run", "--protocol", "synthface-mini-self@1", "--method", "dg", "--limit", 1)
    said = call(*run, "--checkpoint", evil, "--out", tmp_path / "run")
    assert said.code == 2 and "pickled files are never run" in said.line

    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(evil.read_bytes())
    (folder / "dg.json").write_text(json.dumps({"format": "dgbench-dg", "version": 1, "config": {}, "parts": []}))
    said = call(*run, "--checkpoint", folder, "--out", tmp_path / "run")
    assert said.code == 2
    assert not (tmp_path / "run").exists()


def test_a_head_that_would_run_code(call: Call, tmp_path: Path, trap: Path) -> None:
    evil = tmp_path / "head.npz"
    evil.write_bytes(_npz(trap))
    said = call("data", "synth", "rafd", "--out", tmp_path / "tree", "--head", evil)
    assert said.code == 2 and not (tmp_path / "tree").exists()


TAGS = {
    "object": "!!python/object/apply:os.system ['echo sprung > {trap}']",
    "name": "!!python/name:os.system",
    "module": "!!python/module:subprocess",
    "new": "!!python/object/new:os.system ['echo sprung > {trap}']",
    "laughs": "&a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c]\ne: [*d,*d,*d,*d]",
    "date": "2001-99-99",
    "depth": "[" * 5000,
    "bytes": "\x00\x01",
}


@pytest.mark.parametrize("tag", TAGS)
def test_yaml_that_is_more_than_data(call: Call, tmp_path: Path, trap: Path, tag: str) -> None:
    text = TAGS[tag].replace("{trap}", str(trap))
    suite = tmp_path / "suite.yaml"
    suite.write_text(TEXT.replace("name: small", f"name: {text}"))
    said = call("suite", suite)
    assert said.code == 2 and str(suite) in said.line and len(said.line) < 600
    folder = tmp_path / "protocol"
    folder.mkdir()
    (folder / "protocol.yaml").write_text(f"id: {text}\n")
    said = call("run", "--protocol", folder, "--method", "copy-source", "--out", tmp_path / "run")
    assert said.code == 2 and "protocol.yaml" in said.line
    config = tmp_path / "train.yaml"
    config.write_text(f"seed: {text}\n")
    said = call("train", "dg", "--protocol", "synthface-mini-train", "--config", config, "--out", tmp_path / "model")
    assert said.code == 2 and "train.yaml" in said.line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["protocol", "suite.yaml", "train.yaml"]


def test_weights_of_another_content_are_refused(call: Call, tmp_path: Path, trap: Path) -> None:
    make_copy(tmp_path / "frll", people=2)
    nets = tmp_path / "nets"
    (nets / "buffalo_l").mkdir(parents=True)
    for name in ("w600k_r50.onnx", "det_10g.onnx", "face_detection_yunet_2023mar.onnx"):
        (nets / name).write_bytes(KINDS["pickle"](trap))
    said = call("doctor", "--weights", nets, "--results", tmp_path / "results")
    assert said.code == 1 and "broken: " in said.line
    assert "another content" in said.out or "is expected" in said.out
