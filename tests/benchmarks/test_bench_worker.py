"""What a worker costs over the bare call of its method, at 256 px: images as raw bytes, one line each way.

The stated limit is 10 ms a pair beyond image encoding. Absolute times are not asserted anywhere; the ratio to
encoding one PNG of the same size, taken in the same run, is: a worker that costs more than encoding its result
would be the bottleneck.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dgbench.core.face import Failure
from dgbench.io.images import encode_png
from dgbench.methods.baseline_card import load_card
from dgbench.methods.contract import LoadContext, Task
from dgbench.methods.probe import draw_face
from dgbench.methods.worker import IsolatedReenactor

RUNTIME = Path(__file__).parents[2] / "baselines" / "_runtime"
WORKER = """
import sys
sys.path.insert(0, {runtime!r})
from dgbench_worker import Worker, main


class Copy(Worker):
    method = "copy"
    packages = ("numpy",)
    markers = ("here.py",)

    def load(self):
        pass

    def reenact(self, tasks):
        return [task.source for task in tasks]


if __name__ == "__main__":
    sys.exit(main(Copy, __file__))
"""
CARD = """
name: copy
title: Copy
paper: {{title: none, authors: none, venue: none, year: 2020}}
repository: https://example.org/copy
commit: "{commit}"
licence: none
weights: [{{file: w, origin: none}}]
checkpoint: file
weights_published: false
needs: [source, reference]
motion: absolute
size: 256
device: any
can_batch: false
training_data: []
deviations: []
verified: by the benchmark
"""


@pytest.fixture(scope="module")
def task() -> Task:
    return Task(
        pair_id="p", seed=1, source=draw_face(0, yaw=0.0, size=256)[0], reference=draw_face(1, yaw=9.0, size=256)[0]
    )


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IsolatedReenactor]:
    """A worker whose method does nothing, so that all its time is overhead."""
    import sys

    root = tmp_path_factory.mktemp("copy")
    repo = root / "repo"
    repo.mkdir()
    (repo / "here.py").touch()
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", *command], cwd=repo, check=True, capture_output=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repo, check=True, capture_output=True, text=True).stdout
    folder = root / "baselines" / "copy"
    folder.mkdir(parents=True)
    (folder / "worker.py").write_text(WORKER.format(runtime=str(RUNTIME)))
    (folder / "baseline.yaml").write_text(CARD.format(commit=commit.strip()))
    (root / "w").touch()
    card = load_card("copy", folder=root / "baselines")
    with IsolatedReenactor(card, repo=repo, python=Path(sys.executable), checkpoint=root / "w") as method:
        method.load(LoadContext(size=256))
        yield method


def test_bench_worker_round_trip(benchmark, worker, task):
    made = benchmark(lambda: worker.reenact([task])[0])
    assert not isinstance(made, Failure) and np.array_equal(made, task.source)


def test_bench_png_encoding(benchmark, task):
    assert benchmark(lambda: encode_png(task.source))


def test_worker_costs_no_more_than_encoding_its_images(worker, task):
    """Ratio in one run, best of many: three PNG encodings of photographs' complexity are the peer."""
    rng = np.random.default_rng(0)
    noisy = np.clip(task.source.astype(int) + rng.integers(-12, 12, task.source.shape), 0, 255).astype(np.uint8)

    def best(call, repeats=30):
        spent = []
        for _ in range(repeats):
            began = time.perf_counter()
            call()
            spent.append(time.perf_counter() - began)
        return min(spent)

    round_trip = best(lambda: worker.reenact([task]))
    encoding = best(lambda: [encode_png(noisy) for _ in range(3)])
    assert round_trip < encoding, f"{round_trip * 1000:.1f} ms against {encoding * 1000:.1f} ms"
