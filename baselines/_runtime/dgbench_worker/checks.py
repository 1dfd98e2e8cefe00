"""What must be true before a method is loaded: its checkout, commit, packages, weights and device."""

import hashlib
import importlib
import os
import re
import subprocess
import sys

from dgbench_worker.errors import WorkerError
from dgbench_worker.shims import declare_torchvision_operators


def file_digest(path):
    hasher = hashlib.sha256()
    with open(path, "rb") as handle:
        for chunk in iter(lambda: handle.read(1 << 20), b""):
            hasher.update(chunk)
    return hasher.hexdigest()


def checkpoint_digest(worker):
    """sha256 of the checkpoint: of the file, or of the sorted "name sha256" lines of the files used."""
    if not worker.checkpoint_files:
        return file_digest(worker.checkpoint)
    lines = [f"{name} {file_digest(worker.weight(name))}\n" for name in sorted(worker.checkpoint_files)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def pinned_commit(worker_file):
    """Return the commit that baseline.yaml beside the worker names."""
    path = os.path.join(os.path.dirname(os.path.abspath(worker_file)), "baseline.yaml")
    with open(path, encoding="utf-8") as handle:
        found = re.search(r"^commit: *[\"']?([0-9a-f]{40})", handle.read(), re.MULTILINE)
    if not found:
        raise WorkerError(f"{path} names no commit")
    return found.group(1)


def commit_of(repo):
    """Return (commit, changed source files) of a checkout; (None, []) where git or its folder is missing."""
    command = ["git", "-C", repo, "-c", "safe.directory=*", "-c", "core.fsmonitor=false"]
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "universal_newlines": True}
    if not os.path.exists(os.path.join(repo, ".git")):
        return None, []
    try:
        head = subprocess.run([*command, "rev-parse", "HEAD"], **quiet).stdout.strip()
        status = [*command, "status", "--porcelain", "--untracked-files=no", "--", "*.py", "*.yaml", "*.yml"]
        changed = [line[3:] for line in subprocess.run(status, **quiet).stdout.splitlines()]
    except OSError:
        return None, []
    return head or None, changed


def check_checkout(worker, pinned, any_commit):
    """Refuse a missing or foreign checkout and, unless told, any commit but the pinned one; return the commit."""
    repo = worker.repo
    absent = [name for name in worker.markers if not os.path.exists(os.path.join(repo, name))]
    if not os.path.isdir(repo) or absent:
        lacks = f", it lacks {absent[0]}" if os.path.isdir(repo) else ""
        raise WorkerError(f"{repo} is not a checkout of {worker.method}{lacks}; see its README", 3)
    commit, changed = commit_of(repo)
    if any_commit:
        return commit
    if commit != pinned:
        raise WorkerError(
            f"{repo} is at commit {commit or 'unknown'}, {worker.method} was verified at {pinned[:12]}: "
            f"run 'git checkout {pinned[:12]}' there, or pass --any-commit"
        )
    if changed:
        raise WorkerError(
            f"{repo} has local changes ({', '.join(changed[:3])}): run 'git stash' there, or pass --any-commit"
        )
    return commit


def check_packages(worker):
    """Refuse a missing or broken package, with what to do."""
    if "torchvision" in worker.packages:
        declare_torchvision_operators()
    for name in worker.packages:
        try:
            importlib.import_module(name)
        except Exception as error:  # a package that is there but broken raises anything at import
            reason = str(error).strip().split("\n")[0][:160]
            raise WorkerError(
                f"{worker.method}: package {name!r} cannot be imported in {sys.executable} ({reason}); "
                "install its requirements.txt there",
                3,
            )


def check_ready(worker):
    """Refuse missing packages, a missing checkpoint, or a missing GPU, each with what to do."""
    if worker.gpu_only and not worker.device.startswith("cuda"):
        raise WorkerError(f"{worker.method} runs on a CUDA GPU only; pass --device cuda", 3)
    check_packages(worker)
    if worker.checkpoint_files:
        absent = [name for name in worker.checkpoint_files if not os.path.isfile(worker.weight(name))]
        if absent:
            raise WorkerError(
                f"{worker.method}: {absent[0]} is not in the checkpoint folder {worker.checkpoint}; "
                "baseline.yaml says where it comes from",
                3,
            )
    elif not os.path.isfile(worker.checkpoint):
        raise WorkerError(
            f"{worker.method}: no checkpoint file at {worker.checkpoint}; baseline.yaml says where it comes from", 3
        )
    if "torch" not in worker.packages:
        return
    import torch

    if worker.device.startswith("cuda") and not torch.cuda.is_available():
        raise WorkerError(f"{worker.method}: device {worker.device} was asked for, and there is no usable GPU", 3)


def versions():
    """Return the versions of Python and of the packages that decide numbers, of those already imported."""
    found = {"python": sys.version.split()[0]}
    for name in ("torch", "torchvision", "numpy", "PIL", "cv2", "scipy", "skimage"):
        if name in sys.modules:
            found[name] = str(getattr(sys.modules[name], "__version__", "unknown"))
    return found
