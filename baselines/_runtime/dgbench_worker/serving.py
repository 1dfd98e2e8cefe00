"""Answering a host: one JSON line in, one line per pair out, images as raw bytes in its private folder."""

import json
import os
import queue
import threading
import time

from dgbench_worker.errors import PairError
from dgbench_worker.generate import generate
from dgbench_worker.method import Task


def _read_raw(entry):
    import numpy

    height, width = entry["height"], entry["width"]
    return numpy.fromfile(entry["path"], dtype=numpy.uint8).reshape(height, width, 3)


def _task_of(message):
    task = Task(message["id"], message["seed"])
    for name in ("source", "reference"):
        if message.get(name):
            setattr(task, name, _read_raw(message[name]))
    task.source_landmarks = message.get("source_landmarks")
    task.reference_landmarks = message.get("reference_landmarks")
    task.same_person = message.get("same_person", False)
    return task


def serve(worker, hello, size, heard, said):
    """Answer the host until it closes the pipe: one line in, one line per pair out."""

    def say(message):
        said.write(json.dumps(message) + "\n")
        said.flush()

    lines = queue.Queue()

    def listen():
        for line in heard:
            lines.put(line)
        os._exit(0)  # the host is gone; foreign threads and a busy main thread must not outlive it

    threading.Thread(target=listen, daemon=True).start()
    say(hello)
    while True:
        message = json.loads(lines.get())
        if message["op"] == "close":
            return
        began = time.time()
        answers = generate(worker, [_task_of(entry) for entry in message["tasks"]], size)
        seconds = (time.time() - began) / len(answers)
        for entry, answer in zip(message["tasks"], answers):
            if isinstance(answer, PairError):
                say({"op": "done", "id": entry["id"], "ok": False, "kind": answer.kind, "error": str(answer)})
                continue
            with open(entry["out"], "wb") as handle:
                handle.write(answer.tobytes())
            height, width = answer.shape[:2]
            say({"op": "done", "id": entry["id"], "ok": True, "seconds": seconds, "height": height, "width": width})
