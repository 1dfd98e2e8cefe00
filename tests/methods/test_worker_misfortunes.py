"""A worker that crashes, hangs, raises, lies or runs out of memory: one counted failure, the rest unharmed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from dgbench.core.errors import WorkFailedError
from dgbench.core.face import Failure
from dgbench.methods.worker import _result
from dgbench.methods.worker_process import WorkerDied, WorkerProcess, worker_environment
from dgbench.methods.worker_protocol import Done

CRASH, HANG, RAISE, NAN, OUT_OF_MEMORY, NETWORK, READS_STDIN, EXITS = range(1, 9)


def expected(task):
    lit = 0.75 * task.source + 0.25 * task.reference
    return np.clip(lit / 255 + 10 / 255, 0, 1) * 255


def test_result_is_the_foreign_functions_absolute_one(toy, make_task):
    task = make_task()
    made = toy.method().reenact([task])[0]
    assert np.abs(made.astype(float) - expected(task)).max() <= 1.0
    assert made.dtype == np.uint8 and made.flags.writeable


def test_prints_of_the_foreign_code_reach_neither_protocol_nor_terminal(toy, make_task, capfd):
    method = toy.method()
    assert isinstance(method.reenact([make_task()])[0], np.ndarray)
    out, err = capfd.readouterr()
    assert "toy A" not in out + err
    log = (method._process.folder / "stderr.log").read_text()
    assert "printed by C code" in log and "1/1 frames" in log


@pytest.mark.parametrize(
    ("misfortune", "kind", "words"),
    [
        (CRASH, "crashed", "killed by signal 9 (SIGKILL)"),
        (EXITS, "crashed", "giving up"),
        (RAISE, "error", "ValueError: no face"),
        (NAN, "not-finite", "NaN"),
        (OUT_OF_MEMORY, "out-of-memory", "20.00 GiB"),
        (NETWORK, "error", "no network"),
    ],
)
def test_only_the_pair_at_fault_fails_and_says_why(toy, make_task, misfortune, kind, words):
    method = toy.method()
    good = [make_task(f"p{n}") for n in range(3)]
    before = method.reenact(good)
    answers = method.reenact([good[0], make_task("bad", misfortune), good[1], good[2]])
    assert isinstance(answers[1], Failure)
    assert answers[1].kind == kind and words in answers[1].message and "\n" not in answers[1].message
    for image, again in zip(before, [answers[0], *answers[2:]], strict=True):
        assert np.array_equal(image, again)


def test_a_hanging_pair_is_given_up_after_its_time(toy, make_task, alive):
    method = toy.method(timeout_s=1.0)
    pid = method._process.pid
    began = time.monotonic()
    answers = method.reenact([make_task("bad", HANG), make_task("p1")])
    assert answers[0].kind == "timeout" and isinstance(answers[1], np.ndarray)
    assert time.monotonic() - began < 15
    assert not alive(pid)


def test_a_method_that_reads_its_input_finds_it_empty(toy, make_task):
    answers = toy.method().reenact([make_task("p", READS_STDIN), make_task("q")])
    assert all(isinstance(answer, np.ndarray) for answer in answers)


def test_in_a_batch_the_pair_at_fault_is_found_by_asking_one_by_one(toy, make_task):
    method = toy.method(batch=4)
    tasks = [make_task("p0"), make_task("bad", CRASH), make_task("p2"), make_task("p3")]
    answers = method.reenact(tasks)
    assert [isinstance(answer, np.ndarray) for answer in answers] == [True, False, True, True]
    assert answers[1].kind == "crashed" and method.deaths == 2  # once in the batch, once alone


def test_an_error_in_a_batch_costs_its_own_pair_only(toy, make_task):
    method = toy.method(batch=3)
    answers = method.reenact([make_task("p0"), make_task("bad", OUT_OF_MEMORY), make_task("p2")])
    assert [getattr(answer, "kind", "image") for answer in answers] == ["image", "out-of-memory", "image"]
    assert method.deaths == 0


def test_a_batch_gives_the_same_images_as_one_by_one(toy, make_task):
    tasks = [make_task(f"p{n}") for n in range(5)]
    one, many = toy.method().reenact(tasks), toy.method(batch=4).reenact(tasks)
    assert all(np.array_equal(first, second) for first, second in zip(one, many, strict=True))


def test_noise_from_global_generators_depends_on_the_pair_alone(toy, make_task):
    """Foreign code draws from numpy's global generator; it is seeded from each pair, so order changes nothing."""
    method = toy.method(options={"fault": "legacy"})
    tasks = [make_task("p0", seed=1), make_task("p1", seed=2)]
    first, second = method.reenact(tasks)
    again = method.reenact([tasks[1], tasks[0]])
    assert np.array_equal(first, again[1]) and np.array_equal(second, again[0])
    plain = toy.method().reenact(tasks)[0]
    assert not np.array_equal(first, plain)  # the noise is really there


def test_after_too_many_deaths_the_batch_is_answered_and_the_next_call_stops(toy, make_task):
    method = toy.method(max_deaths=2)
    bad = [make_task(f"bad{n}", CRASH) for n in range(2)]
    assert [answer.kind for answer in method.reenact(bad)] == ["crashed", "crashed"]
    with pytest.raises(WorkFailedError, match=r"died 2 times.*SIGKILL.*goes on from there"):
        method.reenact([make_task("p")])


def test_told_to_stop_it_stops_after_the_first_death(toy, make_task):
    method = toy.method(on_death="stop")
    assert method.reenact([make_task("bad", CRASH)])[0].kind == "crashed"
    with pytest.raises(WorkFailedError, match="died 1 times"):
        method.reenact([make_task("p")])


def test_a_worker_killed_from_outside_is_started_again(toy, make_task):
    method = toy.method()
    os.kill(method._process.pid, signal.SIGKILL)
    answers = method.reenact([make_task("p0"), make_task("p1")])
    assert isinstance(answers[-1], np.ndarray)
    assert method.deaths == 1


def test_closing_ends_the_process_and_leaves_no_files(toy, make_task, alive):
    method = toy.method()
    method.reenact([make_task()])
    pid, folder = method._process.pid, method._process.folder
    method.close()
    assert not alive(pid) and not folder.exists()


def test_a_forgotten_method_ends_its_process(toy, make_task, alive):
    method = toy.method()
    pid = method._process.pid
    toy.opened.clear()
    del method
    import gc

    gc.collect()
    deadline = time.monotonic() + 10
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(pid)


def test_missing_inputs_are_a_failure_of_that_pair(toy, make_task):
    from dataclasses import replace

    task = make_task()
    answer = toy.method().reenact([replace(task, reference=None)])[0]
    assert answer == Failure("missing", "the pair has no reference")


def test_images_of_another_size_come_back_in_the_frame(toy, make_task):
    method = toy.method(size=48)
    assert method.reenact([make_task(size=32)])[0].shape == (48, 48, 3)


def test_the_environment_holds_nothing_of_the_hosts_secrets(tmp_path):
    host = {
        "PATH": "/bin",
        "PYTHONPATH": "/mine",
        "HTTPS_PROXY": "http://p",
        "API_TOKEN": "s",
        "CUDA_VISIBLE_DEVICES": "0",
    }
    kept = worker_environment(host, tmp_path)
    assert kept["PATH"] == "/bin" and kept["CUDA_VISIBLE_DEVICES"] == "0"
    assert not {"PYTHONPATH", "HTTPS_PROXY", "API_TOKEN"} & set(kept)
    assert kept["HF_HUB_OFFLINE"] == "1"


def test_nonsense_on_the_channel_is_a_death(tmp_path):
    process = WorkerProcess(["/bin/sh", "-c", "echo not json; sleep 60"])
    try:
        with pytest.raises(WorkerDied, match="no message"):
            process.receive(10)
    finally:
        process.kill()


def test_alone_with_pairs_it_writes_png_and_json(toy, make_task, tmp_path):
    import subprocess
    import sys

    from dgbench.io.images import read_image, write_png

    rows = ["pair_id,source,reference"]
    for name, code in (("good", 0), ("bad", RAISE)):
        task = make_task(name, code)
        write_png(tmp_path / f"{name}_s.png", task.source)
        write_png(tmp_path / f"{name}_r.png", task.reference)
        rows.append(f"{name},{name}_s.png,{name}_r.png")
    (tmp_path / "pairs.csv").write_text("\n".join(rows) + "\n")
    command = [sys.executable, str(toy.baselines / "toy-a" / "worker.py"), "--repo", str(toy.repos["toy-a"])]
    command += [
        "--checkpoint",
        str(toy.checkpoint),
        "--pairs",
        str(tmp_path / "pairs.csv"),
        "--out",
        str(tmp_path / "out"),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=worker_environment(os.environ, tmp_path)
    )
    assert done.returncode == 1 and "1 of 2 pairs" in done.stderr and done.stdout == ""
    assert np.array_equal(read_image(tmp_path / "out" / "good.png"), toy.method().reenact([make_task("good")])[0])
    said = json.loads((tmp_path / "out" / "bad.json").read_text())
    assert (said["status"], said["kind"]) == ("failed", "error") and "no face" in said["message"]
    assert sorted(path.name for path in Path(tmp_path / "out").iterdir()) == ["bad.json", "good.json", "good.png"]


def run_alone(toy, pairs: Path, out: Path) -> subprocess.CompletedProcess:
    command = [toy.python, toy.baselines / "toy-a" / "worker.py", "--repo", toy.repos["toy-a"]]
    command += ["--checkpoint", toy.checkpoint, "--pairs", pairs, "--out", out]
    environment = worker_environment(os.environ, out.parent)
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60, env=environment)


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (None, 3, "cannot be read"),
        (b"pair_id,source,reference\na,a.png,b.png\nb,x.png\n", 2, "row 2 has not as many fields as the header"),
        (b"pair_id,source,reference\na,x.png,y.png,z.png\n", 2, "row 1 has not as many fields"),
        (b"pair_id,source,reference\n../a,x.png,y.png\n", 2, "not a safe file name"),
        (b"pair_id,source\na,x.png\n", 2, "needs rows under the header"),
        (b"\xff\xfe\n", 2, "is no CSV in UTF-8"),
    ],
)
def test_a_bad_list_of_pairs_is_one_line_and_nothing_is_made(toy, tmp_path, content, code, words):
    if content is not None:
        (tmp_path / "pairs.csv").write_bytes(content)
    done = run_alone(toy, tmp_path / "pairs.csv", tmp_path / "out")
    assert (done.returncode, done.stdout) == (code, "")
    last = done.stderr.splitlines()[-1]  # after what the method prints when it is loaded
    assert last.startswith("error: ") and words in last and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_foreign_code_is_not_offered_the_folders_of_dgbench(toy, tmp_path):
    runtime, folder = toy.baselines / "_runtime", toy.baselines / "toy-a"
    script = (
        f"import sys; sys.path[:0] = [{str(folder)!r}, {str(runtime)!r}, {str(folder / 'env' / 'site-packages')!r}]\n"
        f"sys.argv[0] = {str(folder / 'worker.py')!r}\n"
        "from dgbench_worker.isolation import import_paths\n"
        "class Worker: paths, repo = ('lib', ''), '/repo'\n"
        "import_paths(Worker)\n"
        "import dgbench_worker.calibrate\n"
        "print(*sys.path[:4], sep='\\n')"
    )
    done = subprocess.run([str(toy.python), "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    shown = done.stdout.splitlines()
    assert shown[:2] == ["/repo/lib", "/repo/"]
    assert str(folder / "env" / "site-packages") in shown, "the method's own environment may lie in its folder"
    assert not {str(runtime), str(folder)} & set(shown)


def _pipe(place: Path) -> None:
    os.mkfifo(place)


def _endless(place: Path) -> None:
    place.symlink_to("/dev/zero")


def _link(place: Path) -> None:
    (place.parent / "elsewhere").write_bytes(bytes(48))
    place.symlink_to(place.parent / "elsewhere")


def _longer(place: Path) -> None:
    place.write_bytes(bytes(49))


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("put", "words"), [(_pipe, "no regular file"), (_endless, "is a link"), (_link, "is a link"), (_longer, "reshape")]
)
def test_an_answer_that_is_no_file_of_the_right_size_is_a_failure_at_once(tmp_path, put, words):
    place = tmp_path / "out.rgb"
    put(place)
    answer = _result(Done(op="done", id="p", ok=True, height=4, width=4), place)
    assert isinstance(answer, Failure) and words in answer.message
    place.unlink(missing_ok=True)
    place.write_bytes(bytes(range(48)))
    answer = _result(Done(op="done", id="p", ok=True, height=4, width=4), place)
    assert isinstance(answer, np.ndarray) and answer[3, 3, 2] == 47
