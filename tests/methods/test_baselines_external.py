"""Real checkouts against the authors' own functions; each test needs DGBENCH_BASELINE_<NAME> to name a checkout.

``DGBENCH_BASELINE_<NAME>_PYTHON`` (default: this interpreter) must have the packages that the baseline's README
lists for its parity check. No weights are needed: calibrated random ones are made in the authors' layout. Real
faces come from DGBENCH_TEST_ASSETS. One method takes about a minute on one core.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dgbench.core.digests import seed_of
from dgbench.core.face import Landmarks
from dgbench.io.images import read_image
from dgbench.methods.baseline_card import baseline_names, load_card
from dgbench.methods.contract import LoadContext, Task
from dgbench.methods.worker import IsolatedReenactor
from dgbench.methods.worker_process import worker_environment

pytestmark = [pytest.mark.external, pytest.mark.timeout(3600)]
MUTANTS = {"swapped", "relative", "bgr", "range", "train", "align_corners", "resize"}
WITH_PARITY = [name for name in baseline_names() if (load_card(name).folder / "parity.py").is_file()]


@pytest.fixture(scope="module")
def faces() -> tuple[Path, Path]:
    given = os.environ.get("DGBENCH_TEST_ASSETS")
    if not given:
        pytest.skip("needs real faces: set DGBENCH_TEST_ASSETS")
    root = Path(given).resolve() / "frll"
    return root / "neutral_front" / "001_03.jpg", root / "smiling_front" / "002_08.jpg"


@pytest.mark.parametrize("name", WITH_PARITY)
def test_worker_equals_the_authors_function_and_mutants_are_caught(name, faces, tmp_path):
    card = load_card(name)
    if card.variable not in os.environ:
        pytest.skip(f"needs a checkout: set {card.variable}")
    python = Path(os.environ.get(card.variable + "_PYTHON", sys.executable))
    command = [str(python), "-B", str(card.folder / "parity.py"), "--repo", os.environ[card.variable]]
    command += ["--source", str(faces[0]), "--reference", str(faces[1]), "--work", str(tmp_path / "work")]
    clean = worker_environment(os.environ, tmp_path)
    done = subprocess.run(command, capture_output=True, text=True, timeout=3000, env=clean)
    assert done.returncode in (0, 1) and done.stdout, done.stderr[-2000:]
    report = json.loads(done.stdout)
    assert report["commit"] == card.commit
    assert not report["blind"], report["sizes"]
    for size in report["sizes"].values():
        assert size["float_difference"] == 0.0 and size.get("level_difference", 0) == 0, report["sizes"]
    assert set(report["mutants"]) == MUTANTS
    tried = {key: entry for key, entry in report["mutants"].items() if entry["applies"]}
    assert {"swapped", "relative", "bgr", "range", "resize"} <= set(tried)
    assert all(entry["caught"] for entry in tried.values()), tried
    _through_the_machinery(card, python, tmp_path / "work" / "weights.pth", faces, tmp_path)


def _through_the_machinery(card, python, checkpoint, faces, tmp_path):
    """The isolated worker gives the image that the same worker gives alone, twice the same."""
    from PIL import Image

    folder = tmp_path / "alone"
    folder.mkdir()
    rows = "pair_id,source,reference,source_landmarks,reference_landmarks\n"
    names = {}
    for what, path in zip(("source", "reference"), faces, strict=True):
        names[what] = folder / f"{what}.png"
        Image.fromarray(read_image(path)).resize((256, 256)).save(names[what])
    points = [[float(128 + n), float(60 + (7 * n) % 130), 0.0] for n in range(68)]
    (folder / "points.json").write_text(json.dumps(points))
    (folder / "pairs.csv").write_text(rows + "p,source.png,reference.png,points.json,points.json\n")
    shared = ["--repo", os.environ[card.variable], "--checkpoint", str(checkpoint), "--threads", "1"]
    command = [str(python), "-B", str(card.worker), *shared]
    command += ["--pairs", str(folder / "pairs.csv"), "--out", str(folder / "out")]
    clean = worker_environment(os.environ, folder)
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200, env=clean)
    assert done.returncode == 0, done.stderr[-1000:]
    side = json.loads((folder / "out" / "p.json").read_text())
    assert side["worker"]["commit"] == card.commit and side["worker"]["motion"] == "absolute"
    alone = read_image(folder / "out" / "p.png")
    assert alone.std() > 5

    marks = Landmarks(np.array(points, np.float32), np.ones(68, np.float32), "test")
    images = {what: read_image(path) for what, path in names.items()}
    seed = seed_of("external", card.name)
    task = Task("p", seed, **images, source_landmarks=marks, reference_landmarks=marks)
    setup = {"repo": Path(os.environ[card.variable]), "python": python, "checkpoint": checkpoint}
    with IsolatedReenactor(card, **setup, threads=1, timeout_s=900, start_timeout_s=1200) as method:
        method.load(LoadContext(size=256))
        first, second = method.reenact([task])[0], method.reenact([task])[0]
        assert np.array_equal(first, second)
        if card.name != "mcnet":  # draws noise from the pair's seed, which differs between the two ways
            assert np.array_equal(first, alone)
