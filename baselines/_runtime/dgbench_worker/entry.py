"""The command line of every worker, and the order in which it gets ready."""

import argparse
import json
import os
import sys

from dgbench_worker.alone import run_pairs
from dgbench_worker.checks import (
    check_checkout,
    check_packages,
    check_ready,
    checkpoint_digest,
    pinned_commit,
    versions,
)
from dgbench_worker.errors import WorkerError
from dgbench_worker.generate import is_out_of_memory, try_once
from dgbench_worker.isolation import be_deterministic, cut_network, import_paths, settle, take_channels
from dgbench_worker.serving import serve
from dgbench_worker.shims import only_weights

PROTOCOL = 1


def describe(kind):
    """Return what a worker class says of itself; needs none of its packages."""
    return {
        "method": kind.method,
        "motion": kind.motion,
        "needs": sorted(kind.needs),
        "size": kind.size,
        "checkpoint_files": list(kind.checkpoint_files),
        "gpu_only": kind.gpu_only,
        "can_batch": kind.can_batch,
        "options": {name: default for name, (default, _) in kind.options.items()},
    }


def open_worker(kind, worker_file, args):
    """Check everything that can be checked, load the method, and return (worker, hello)."""
    chosen = dict(entry.split("=", 1) for entry in args.set)
    worker = kind(os.path.abspath(args.repo), os.path.abspath(args.checkpoint), args.device, chosen)
    commit = check_checkout(worker, pinned_commit(worker_file), args.any_commit)
    network = cut_network()
    check_ready(worker)
    digest = checkpoint_digest(worker)
    if args.checkpoint_sha256 and args.checkpoint_sha256 != digest:
        raise WorkerError(f"{worker.checkpoint} has sha256 {digest}, expected {args.checkpoint_sha256}")
    if worker.training and worker.training["checkpoint_sha256"] != digest:
        raise WorkerError(f"{worker.checkpoint} is not the checkpoint that training.json beside it describes")
    if "torch" in sys.modules:
        only_weights()
    be_deterministic()
    import_paths(worker)
    settle(0)
    try:
        worker.load()
    except (ImportError, AttributeError) as error:  # an API of the checkout or of a package is not there
        line = str(error).split("\n")[0][:200]
        raise WorkerError(f"{worker.method}: the checkout does not run with these packages ({line})", 3)
    except WorkerError:
        raise
    except Exception as error:  # foreign constructors raise anything
        line = f"{type(error).__name__}: {error}".split("\n")[0][:200]
        cause = "ran out of memory while loading" if is_out_of_memory(error) else "could not be loaded"
        raise WorkerError(f"{worker.method} {cause} ({line})", 1)
    if args.threads and "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(args.threads)
    try_once(worker, args.size or worker.size)
    hello = {
        "op": "hello",
        "protocol": PROTOCOL,
        "method": worker.method,
        "motion": worker.motion,
        "needs": sorted(worker.needs),
        "size": worker.size,
        "can_batch": worker.can_batch,
        "device": worker.device,
        "commit": commit,
        "checkpoint_sha256": digest,
        "network": network,
        "options": worker.chosen,
        "versions": versions(),
    }
    return worker, hello


def imports(kind, only_say=False):
    """Import the packages of a worker or trainer in this interpreter; return 0, or 3 with the line that says why."""
    if only_say:
        print(" ".join(kind.packages))
        return 0
    try:
        check_packages(kind)
    except WorkerError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


def main(kind, worker_file):
    """Entry point of every worker.py."""
    parser = argparse.ArgumentParser(description=f"{kind.method} as a dgbench worker; dgbench ships none of its code.")
    parser.add_argument("--describe", action="store_true", help="print what this worker is, as JSON, and stop")
    parser.add_argument("--imports", action="store_true", help="import the packages that it needs, and stop")
    parser.add_argument("--packages", action="store_true", help="print the packages that it needs, and stop")
    parser.add_argument("--repo", help="checkout of the authors' repository")
    parser.add_argument("--checkpoint", help="weights: a file, or a folder where the method needs several")
    parser.add_argument("--checkpoint-sha256", help="refuse any other checkpoint")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:0, ...")
    parser.add_argument("--size", type=int, default=0, help="side of the generated image (default: the method's)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="an option of the method")
    parser.add_argument("--any-commit", action="store_true", help="run another commit than the verified one")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads of torch (default: torch's)")
    parser.add_argument("--serve", action="store_true", help="talk to dgbench by JSON lines")
    parser.add_argument("--pairs", help="CSV with pair_id,source,reference: run without dgbench")
    parser.add_argument("--out", help="folder for the images of --pairs")
    args = parser.parse_args()
    if args.describe:
        print(json.dumps(describe(kind), sort_keys=True))
        return 0
    if args.imports or args.packages:
        return imports(kind, only_say=args.packages)
    if not args.repo or not args.checkpoint or args.serve == bool(args.pairs) or bool(args.pairs) != bool(args.out):
        parser.error("give --repo and --checkpoint, and either --serve or --pairs with --out")
    for name in ("pairs", "out"):
        if getattr(args, name):
            setattr(args, name, os.path.abspath(getattr(args, name)))
    heard, said = take_channels()
    try:
        if any("=" not in entry for entry in args.set):
            raise WorkerError("--set takes NAME=VALUE")
        worker, hello = open_worker(kind, worker_file, args)
        if args.pairs:
            return run_pairs(worker, hello, args)
        serve(worker, hello, args.size or worker.size, heard, said)
        return 0
    except WorkerError as error:
        if args.serve:
            said.write(json.dumps({"op": "fatal", "exit": error.exit_code, "error": str(error)}) + "\n")
            said.flush()
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
