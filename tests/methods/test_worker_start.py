"""What a worker checks before its first pair: each thing that is missing or wrong is one clear line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from dgbench.cli.app import app
from dgbench.core.digests import sha256_file
from dgbench.core.errors import MissingError, UsageError, WorkFailedError
from dgbench.methods import baseline_card
from dgbench.methods.baseline_card import find_setup, load_card
from dgbench.methods.contract import LoadContext
from dgbench.methods.worker import IsolatedReenactor


def one_line(caught) -> str:
    text = str(caught.value)
    assert "\n" not in text and len(text) < 500, text
    return text


def test_hello_says_what_runs(toy):
    method = toy.method()
    hello = method.hello
    assert hello.commit == method.card.commit
    assert hello.checkpoint_sha256 == sha256_file(toy.checkpoint) == method.parameters()["weights_sha256"]
    assert hello.motion == method.motion == "absolute"
    assert hello.versions["python"] == sys.version.split()[0] and "numpy" in hello.versions
    assert hello.network in ("namespace", "python")


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"repo": None}, MissingError, "missing checkout (git clone https://example.org/toy-a && git checkout"),
        ({"repo": Path("/nowhere")}, MissingError, "checkout at /nowhere (no such path)"),
        ({"python": Path("/nowhere/python")}, MissingError, "interpreter at /nowhere/python"),
        ({"checkpoint": Path("/nowhere/w.pth")}, MissingError, "weights at /nowhere/w.pth"),
        ({"options": {"mode": "sideways"}}, UsageError, "option mode=sideways is not one of absolute, relative"),
        ({"options": {"speed": "1"}}, UsageError, "no option 'speed' (it has: fault, mode)"),
        ({"options": {"fault": "die"}}, WorkFailedError, "ended before it was ready: exit status 7"),
        ({"options": {"fault": "gone"}}, MissingError, "first inference failed (AttributeError: module 'torch' has no"),
    ],
)
def test_what_is_missing_or_wrong_is_one_line(toy, changes, error, words, monkeypatch):
    monkeypatch.delenv("DGBENCH_BASELINE_TOY_A", raising=False)
    with pytest.raises(error) as caught:
        toy.method(**changes)
    assert words in one_line(caught)


def test_a_trial_that_fails_for_its_made_up_picture_is_no_broken_environment(toy, make_task):
    made = toy.method(options={"fault": "picky"}).reenact([make_task()])[0]
    assert isinstance(made, np.ndarray)


def test_a_folder_that_is_another_checkout_is_refused(toy, tmp_path):
    with pytest.raises(MissingError) as caught:
        toy.method(repo=tmp_path)
    assert "it lacks modules/net.py" in one_line(caught)


def test_another_commit_is_refused_unless_told(toy, tmp_path):
    repo = tmp_path / "moved"
    shutil.copytree(toy.repos["toy-a"], repo)
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", *who, "commit", "-q", "--allow-empty", "-m", "later"], cwd=repo, check=True)
    with pytest.raises(UsageError) as caught:
        toy.method(repo=repo)
    assert "was verified at" in one_line(caught) and "git checkout" in one_line(caught)
    told = toy.method(repo=repo, any_commit=True)
    assert told.hello.commit != told.card.commit
    assert told.parameters()["upstream_commit"] == "any"


def test_changed_source_files_are_refused(toy, tmp_path):
    repo = tmp_path / "changed"
    shutil.copytree(toy.repos["toy-a"], repo)
    (repo / "modules" / "util.py").write_text("BRIGHTNESS = 0\n")
    with pytest.raises(UsageError) as caught:
        toy.method(repo=repo)
    assert "local changes (modules/util.py)" in one_line(caught)


def test_a_download_without_git_has_no_known_commit(toy, tmp_path):
    repo = tmp_path / "zip"
    shutil.copytree(toy.repos["toy-a"], repo, ignore=shutil.ignore_patterns(".git"))
    with pytest.raises(UsageError, match="commit unknown"):
        toy.method(repo=repo)


def test_a_missing_package_is_named_with_the_interpreter(toy):
    worker = toy.baselines / "toy-b" / "worker.py"
    text = worker.read_text()
    worker.write_text(text.replace('("numpy", "PIL")', '("numpy", "no_such_package")'))
    try:
        with pytest.raises(MissingError) as caught:
            toy.method("toy-b")
    finally:
        worker.write_text(text)
    assert "'no_such_package' cannot be imported in" in one_line(caught) and "requirements.txt" in one_line(caught)


def test_a_worker_whose_motion_is_not_the_cards_is_refused(toy):
    worker = toy.baselines / "toy-b" / "worker.py"
    text = worker.read_text()
    worker.write_text(text.replace("    size = 32", '    size = 32\n    motion = "relative"'))
    try:
        with pytest.raises(UsageError, match="relative motion, the card says absolute"):
            toy.method("toy-b")
    finally:
        worker.write_text(text)


def test_a_gpu_method_says_so_before_anything_starts(toy):
    card = load_card("hyperreenact")
    here = {"repo": toy.repos["toy-a"], "python": toy.python, "checkpoint": toy.repos["toy-a"]}
    with pytest.raises(MissingError) as caught:
        IsolatedReenactor(card, **here).load(LoadContext(size=256))
    assert "CUDA GPU only" in one_line(caught) and caught.value.exit_code == 3


def test_gpu_only_workers_exit_with_3_when_run_alone(toy, tmp_path):
    for name in ("hyperreenact", "stylemask"):
        card = load_card(name)
        command = [sys.executable, str(card.worker), "--repo", str(tmp_path), "--checkpoint", str(tmp_path)]
        for marker in ("run_inference.py", "libs/models/hypernetwork_reenact.py", "libs/models/mask_predictor.py"):
            (tmp_path / marker).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / marker).touch()
        command += ["--any-commit", "--pairs", str(tmp_path / "p.csv"), "--out", str(tmp_path / "o")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 3 and "CUDA GPU only" in done.stderr, done.stderr


def test_a_batch_is_refused_where_the_method_takes_one(toy):
    with pytest.raises(UsageError, match="one pair at a time"):
        toy.method("toy-b", batch=2, load=False)
    method = toy.method("toy-b", load=False)
    with pytest.raises(UsageError, match="one pair at a time"):
        method.batch_size = 2
    assert method.batch_size == method.parameters()["batch"] == 1


def test_the_command_line_refuses_such_a_batch_too(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(baseline_card, "baselines_folder", lambda: toy.baselines)
    call = ["run", "--protocol", "frll-self@1", "--method", "toy-b", "--batch-size", "2", "--out", tmp_path / "run"]
    call += ["--repo", toy.repos["toy-b"], "--python", toy.python, "--checkpoint", toy.checkpoint, "--data", tmp_path]
    refused = CliRunner().invoke(app, [str(word) for word in call]).exception
    assert isinstance(refused, UsageError) and refused.exit_code == 2
    assert str(refused) == "toy-b: batch 2 is not possible; this method runs one pair at a time"
    assert not (tmp_path / "run").exists()


def test_setup_is_found_by_environment_and_arguments_win(toy, tmp_path):
    card = load_card("first-order-model")
    here = {"DGBENCH_BASELINE_FIRST_ORDER_MODEL": str(tmp_path), "DGBENCH_BASELINE_FIRST_ORDER_MODEL_PYTHON": "/no/py"}
    setup = find_setup(card, environment=here)
    assert setup.repo == tmp_path and len(setup.missing) == 2
    assert "interpreter at /no/py" in setup.missing[0] and setup.missing[1].startswith("weights (vox-cpk.pth.tar")
    assert find_setup(card, repo=Path("/other"), environment=here).repo == Path("/other")


def test_two_methods_with_the_same_module_names_run_side_by_side(toy, make_task):
    """Both checkouts have modules/net.py and modules/util.py; in one interpreter one would get the other's."""
    task = make_task()
    first, second = toy.method("toy-a"), toy.method("toy-b")
    for _ in range(2):
        a, b = first.reenact([task])[0].astype(int), second.reenact([task])[0].astype(int)
        assert np.abs(a - np.clip(0.75 * task.source + 0.25 * task.reference + 10, 0, 255)).max() <= 1
        assert np.abs(b - np.clip(0.5 * task.source + 0.25 * task.reference + 60, 0, 255)).max() <= 1


def test_any_change_of_the_worker_changes_the_methods_digest(toy):
    before = toy.method(load=False).parameters()
    assert before == toy.method(load=False).parameters()
    assert before != toy.method(load=False, options={"mode": "relative"}).parameters()
    runtime = toy.baselines / "_runtime" / "dgbench_worker" / "shims.py"
    text = runtime.read_text()
    runtime.write_text(text + "\n# changed\n")
    try:
        assert toy.method(load=False).parameters()["worker_sha256"] != before["worker_sha256"]
    finally:
        runtime.write_text(text)


def test_check_verb_prints_items_and_fails_with_the_method(toy, monkeypatch, capsys):
    from dgbench.cli.methods import check
    from dgbench.methods import baseline_card

    monkeypatch.setattr(baseline_card, "baselines_folder", lambda: toy.baselines)
    here = {"repo": toy.repos["toy-a"], "python": toy.python, "checkpoint": toy.checkpoint, "size": 64}
    check("toy-a", **here, as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] and len(said["items"]) == 11
    with pytest.raises(WorkFailedError, match=r"1 of 11 checks failed \(reference gives the motion\)"):
        check("toy-a", **here, option=["mode=relative"])
    assert "fail  reference gives the motion" in capsys.readouterr().out


def test_a_file_option_must_be_there_and_enters_the_digest_by_content(toy, tmp_path):
    card = load_card("pirender")
    with pytest.raises(MissingError) as caught:
        IsolatedReenactor(card, options={"coefficients": str(tmp_path / "none.npz")})
    assert "option coefficients: no file at" in one_line(caught)
    digests = []
    for content in (b"one", b"two", b"one"):
        (tmp_path / "c.npz").write_bytes(content)
        method = IsolatedReenactor(card, options={"coefficients": str(tmp_path / "c.npz")})
        digests.append(method.parameters()["option.coefficients"])
    assert digests[0] == digests[2] != digests[1]
