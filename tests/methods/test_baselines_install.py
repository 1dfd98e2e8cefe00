"""Each baseline's environment as its README makes it: the pinned packages install, and worker and trainer import them.

Set DGBENCH_TEST_INSTALL to the names of baselines, or to ``all``; a venv with PyTorch is made for each.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from dgbench.methods.baseline_card import baseline_names, load_card

ASKED = os.environ.get("DGBENCH_TEST_INSTALL", "").split()


@pytest.mark.install
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", baseline_names())
def test_the_pinned_packages_install_and_import(name, tmp_path):
    if name not in ASKED and "all" not in ASKED:
        pytest.skip("set DGBENCH_TEST_INSTALL to this baseline's name, or to all")
    card = load_card(name)
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", "-r", str(card.folder / "requirements.txt")], check=True)
    for script in (card.worker, card.trainer):
        if script.is_file():
            done = subprocess.run([python, "-s", "-B", str(script), "--imports"], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", baseline_names())
def test_every_package_that_is_imported_is_required_and_pinned(name):
    """What worker.py and train.py name is in requirements.txt, each with one exact version."""
    wheels = {"PIL": "pillow", "yaml": "pyyaml", "cv2": "opencv-python-headless", "skimage": "scikit-image"}
    wheels |= {"sklearn": "scikit-learn"}
    card = load_card(name)
    lines = [line for line in (card.folder / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    pinned = dict(line.split("==") for line in lines)
    for script in (card.worker, card.trainer):
        if not script.is_file():
            continue
        said = subprocess.run([sys.executable, "-S", "-B", str(script), "--packages"], capture_output=True, text=True)
        assert said.returncode == 0, said.stderr
        assert {wheels.get(package, package) for package in said.stdout.split()} <= set(pinned), script


def test_a_package_that_cannot_be_imported_is_one_line_and_exit_3():
    script = load_card("mcnet").worker
    done = subprocess.run([sys.executable, "-S", "-B", str(script), "--imports"], capture_output=True, text=True)
    assert done.returncode == 3
    assert "'torch' cannot be imported" in done.stderr and done.stderr.count("\n") == 1
