"""Where a result comes from: the package's version and commit, the machine and its libraries."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import dgbench
from dgbench.core.digests import digest, sha256_bytes, sha256_file
from dgbench.core.record import Code
from dgbench.io.git import git

_PACKAGES = (
    "torch", "torchvision", "torch-fidelity", "numpy", "scipy", "scikit-image", "pandas", "pyarrow", "pillow",
    "opencv-python", "onnxruntime", "insightface", "face-alignment", "av", "numba", "safetensors", "pydantic",
)  # fmt: skip


def code_version() -> Code:
    """Return the version of dgbench and, in a checkout, its commit and whether files of the code were changed.

    The commit is that of the package's own folder, never of the folder the command happens to run in.
    """
    root = Path(__file__).resolve().parents[2]
    commit = _git(root, "rev-parse", "HEAD") if (root / ".git").exists() else None
    dirty = None
    if commit is not None:
        dirty = bool(_git(root, "status", "--porcelain", "--", "dgbench", "protocols", "pyproject.toml"))
    return Code(version=dgbench.__version__, commit=commit, dirty=dirty)


def checkout_state(root: Path) -> str | None:
    """Return the commit of a checkout and the digest of what was changed in it since: tracked files, new Python files.

    ``None`` where ``root`` is no checkout of its own, or git cannot tell.
    """
    top, commit = _git(root, "rev-parse", "--show-toplevel"), _git(root, "rev-parse", "HEAD")
    changes = _git(root, "diff", "HEAD", "--no-ext-diff", "--no-textconv", "--binary")
    new = _git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", "*.py")
    if top is None or commit is None or changes is None or new is None or Path(top).resolve() != root.resolve():
        return None
    added = [[name, sha256_file(root / name)] for name in sorted(filter(None, new.split("\0")))]
    return commit if not (changes or added) else f"{commit}+{digest([sha256_bytes(changes.encode()), added])[:16]}"


def environment() -> dict[str, Any]:
    """Return what a reader needs to repeat a run: system, Python, processor kind, package versions."""
    return {
        "schema_version": 1,
        "python": platform.python_version(),
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git(root: Path, *arguments: str) -> str | None:
    try:
        return git(root, *arguments, timeout_s=20).decode(errors="replace").strip()
    except (OSError, subprocess.SubprocessError):
        return None
