"""Running without a host: a CSV of pairs in, a PNG and a JSON file per pair out."""

import csv
import hashlib
import json
import os
import re
import sys

from dgbench_worker.errors import PairError, WorkerError
from dgbench_worker.generate import generate
from dgbench_worker.method import Task


def read_pairs(path):
    """Return the rows of a CSV of pairs, each checked: whole, and with an id that is a safe file name."""
    try:
        with open(path, newline="", encoding="utf-8") as handle:
            rows = list(csv.DictReader(handle))
    except OSError as error:
        raise WorkerError(
            f"{path}: cannot be read ({error.strerror})", 3 if isinstance(error, FileNotFoundError) else 2
        )
    except (ValueError, csv.Error) as error:
        raise WorkerError(f"{path}: is no CSV in UTF-8 ({error})")
    if not rows or not {"pair_id", "source", "reference"} <= set(rows[0]):
        raise WorkerError(f"{path}: needs rows under the header pair_id,source,reference")
    for number, row in enumerate(rows, start=1):
        if None in row or None in row.values():  # longer or shorter than the header
            raise WorkerError(f"{path}: row {number} has not as many fields as the header")
        if not re.match(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,119}$", row["pair_id"]):
            raise WorkerError("{}: pair_id {!r} is not a safe file name".format(path, row["pair_id"]))
    return rows


def run_pairs(worker, hello, args):
    """Without a host: read pair_id, source, reference (paths) from a CSV, write PNG and JSON per pair."""
    import numpy
    from PIL import Image

    rows = read_pairs(args.pairs)
    root = os.path.dirname(os.path.abspath(args.pairs))
    if not os.path.isdir(args.out):
        os.makedirs(args.out)
    failed = 0
    for row in rows:
        task = Task(row["pair_id"], int(hashlib.sha256(row["pair_id"].encode()).hexdigest()[:15], 16))
        task.same_person = row.get("same_person") == "1"
        stem = os.path.join(args.out, row["pair_id"])
        try:
            for name in ("source", "reference"):
                setattr(task, name, numpy.asarray(Image.open(os.path.join(root, row[name])).convert("RGB")))
            for name in ("source_landmarks", "reference_landmarks"):
                if row.get(name):
                    with open(os.path.join(root, row[name]), encoding="utf-8") as handle:
                        setattr(task, name, json.load(handle))
            answer = generate(worker, [task], args.size or worker.size)[0]
        except (OSError, ValueError) as error:
            answer = PairError("unreadable", str(error))
        side = {"pair_id": row["pair_id"], "status": "ok", "worker": hello}
        if isinstance(answer, PairError):
            failed += 1
            side.update(status="failed", kind=answer.kind, message=str(answer))
        else:
            Image.fromarray(answer).save(stem + ".part.png")
            os.replace(stem + ".part.png", stem + ".png")
        with open(stem + ".part.json", "w", encoding="utf-8") as handle:
            json.dump(side, handle, indent=2, sort_keys=True)
        os.replace(stem + ".part.json", stem + ".json")
    made = len(rows) - failed
    sys.stderr.write(f"{worker.method}: {made} of {len(rows)} pairs generated in {args.out}\n")
    return 1 if failed else 0
