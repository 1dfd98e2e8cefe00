"""Every baseline in the repository: card, worker, README and requirements agree, and Python 3.7 can read them."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dgbench.core.errors import UsageError
from dgbench.methods.baseline_card import baseline_names, baselines_folder, load_card

BASELINES = Path(__file__).parents[2] / "baselines"
NAMES = baseline_names(BASELINES)
WANTED = {
    "first-order-model", "freenet", "x2face", "tpsmm", "lia", "dagan", "mcnet", "face-vid2vid", "monkey-net",
    "pirender", "liveportrait", "hyperreenact", "stylemask", "dg-official",
}  # fmt: skip


def worker_python() -> str:
    """The oldest Python here that workers promise to run on, else this one."""
    found = shutil.which(os.environ.get("DGBENCH_OLD_PYTHON", "python3.7"))
    works = found and subprocess.run([found, "-c", "pass"], capture_output=True).returncode == 0
    return found if found and works else sys.executable


def test_all_baselines_are_there():
    assert set(NAMES) == WANTED
    assert baselines_folder() == BASELINES


@pytest.mark.parametrize("name", NAMES)
def test_card_and_worker_say_the_same(name):
    card = load_card(name, folder=BASELINES)
    done = subprocess.run([sys.executable, "-S", "-B", str(card.worker), "--describe"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr  # -S: not even site-packages are needed to describe a worker
    said = json.loads(done.stdout)
    assert said["method"] == card.name
    assert said["motion"] == card.motion == "absolute"
    assert said["needs"] == sorted(card.needs)
    assert said["size"] == card.size
    assert said["gpu_only"] == (card.device == "cuda")
    assert said["can_batch"] == card.can_batch
    assert said["options"] == {key: option.default for key, option in card.options.items()}
    files = {weight.file for weight in card.weights} if card.checkpoint == "folder" else set()
    assert set(said["checkpoint_files"]) == files


@pytest.mark.parametrize("name", NAMES)
def test_a_method_can_be_trained_or_says_why_not(name):
    card = load_card(name, folder=BASELINES)
    assert card.trainer.is_file() != bool(card.training), "train.py, or the reason why there is none"
    if card.trainer.is_file():
        done = subprocess.run([sys.executable, "-S", "-B", str(card.trainer), "--describe"], capture_output=True)
        assert json.loads(done.stdout)["method"] == name
        assert "dgbench train baseline" in (card.folder / "README.md").read_text()


def test_a_method_that_draws_noise_takes_one_pair_at_a_time():
    assert not load_card("mcnet", folder=BASELINES).can_batch


@pytest.mark.parametrize("name", NAMES)
def test_option_values_of_card_and_worker_are_the_same(name):
    card = load_card(name, folder=BASELINES)
    text = card.worker.read_text() + (BASELINES / "_runtime" / "dgbench_worker" / "crops.py").read_text()
    for key, option in card.options.items():
        for value in option.values:
            assert f'"{value}"' in text, (key, value)


@pytest.mark.parametrize("name", NAMES)
def test_readme_tells_commit_folder_and_deviations(name):
    card = load_card(name, folder=BASELINES)
    readme = (card.folder / "README.md").read_text()
    assert card.commit in readme and card.repository in readme and card.variable in readme
    for deviation in card.deviations:
        assert deviation in readme
    assert (card.folder / "requirements.txt").read_text().strip()
    for weight in card.weights:
        assert weight.file in readme


@pytest.mark.parametrize("path", sorted(BASELINES.rglob("*.py")), ids=lambda path: str(path.relative_to(BASELINES)))
def test_python_37_can_read_every_file(path):
    ast.parse(path.read_text(), feature_version=(3, 7))


def test_the_runtime_needs_the_standard_library_alone():
    allowed = set(sys.stdlib_module_names) | {"dgbench_worker", "dgbench_trainer"}
    for path in sorted((BASELINES / "_runtime").rglob("*.py")):
        for node in ast.parse(path.read_text()).body:  # module level; functions may import the method's packages
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert {name.split(".")[0] for name in names} <= allowed, path
        assert "import dgbench\n" not in path.read_text() and "from dgbench." not in path.read_text()


def test_an_old_interpreter_describes_a_worker():
    command = [worker_python(), "-B", str(BASELINES / "first-order-model" / "worker.py"), "--describe"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and json.loads(done.stdout)["method"] == "first-order-model"


def test_an_unknown_baseline_gets_the_nearest_name():
    with pytest.raises(UsageError, match=r"no baseline 'x2fase'.*Did you mean 'x2face'\?"):
        load_card("x2fase", folder=BASELINES)


def test_a_card_with_a_foreign_key_or_commit_is_refused(tmp_path):
    text = (BASELINES / "lia" / "baseline.yaml").read_text()
    for old, new, word in (
        ("motion: absolute", "motion: absolut", "motion"),
        ("name: lia", "name: lia\nspeed: 3", "speed"),
    ):
        (tmp_path / "lia").mkdir(exist_ok=True)
        (tmp_path / "lia" / "baseline.yaml").write_text(text.replace(old, new))
        with pytest.raises(UsageError, match=word):
            load_card("lia", folder=tmp_path)


def test_nothing_of_the_authors_is_in_the_repository():
    """Each folder holds our six files and nothing else: no copied modules, configurations or weights."""
    ours = {"worker.py", "train.py", "parity.py", "baseline.yaml", "README.md", "requirements.txt"}
    for name in NAMES:
        held = {path.name for path in (BASELINES / name).iterdir() if path.name != "__pycache__"}
        assert held <= ours, held - ours
        assert not re.search(r"class \w+\(nn\.Module\)", (BASELINES / name / "worker.py").read_text())
