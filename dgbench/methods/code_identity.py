"""The digest of a method's code: an edited method is another method, whatever its name and settings say."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from dgbench.core.digests import digest
from dgbench.io.code_identity import imported_files, source_digest, text_sha256
from dgbench.io.provenance import checkout_state
from dgbench.methods.contract import Reenactor
from dgbench.methods.worker import IsolatedReenactor

#: What of dgbench itself can be a method's code: nothing that only carries images to it.
_OWN_ROOMS = ("dgbench/methods/", "dgbench/models/", "dgbench/networks/", "dgbench/preprocess/")
_CONTRACT = "dgbench/methods/contract.py"


def method_code(method: Reenactor) -> str | None:
    """Return the digest of the source that a method's class is made of, ``None`` where there is none to read.

    Of every class of its ancestry that counts: the file of its module and what that imports from the same package, or
    from the same folder where it belongs to none. Of a worker: its folder, the runtime that all workers share, and the
    authors' checkout with what was changed in it.
    """
    if isinstance(method, IsolatedReenactor):
        own = method.card.worker.parent
        try:
            code = source_digest(place for place in (own, own.parent / "_runtime") if place.exists())
            if method.repo is None or not method.repo.is_dir():
                return code
            return digest([code, checkout_state(method.repo) or source_digest([method.repo])])
        except OSError:
            return None
    files: dict[str, Path] = {}
    for kind in type(method).__mro__:
        if kind.__module__ not in ("builtins", "abc", "typing", Reenactor.__module__):
            files |= _files_of(kind)
    try:
        return digest([[name, text_sha256(path)] for name, path in sorted(files.items())]) if files else None
    except OSError:
        return None


def _files_of(kind: type) -> dict[str, Path]:
    try:
        file = Path(inspect.getfile(kind)).resolve()
    except (TypeError, OSError):  # made in a notebook or a shell
        return {}
    if not file.is_file():
        return {}
    package = str(getattr(sys.modules.get(kind.__module__), "__package__", "") or "")
    if not package:
        installed = {"site-packages", "dist-packages"} & set(file.parts)
        return imported_files(file, root=file.parent, keep=lambda name: not installed)
    root = file.parents[package.count(".") + 1]
    if package.split(".")[0] == "dgbench":
        return imported_files(file, root=root, keep=lambda name: name.startswith(_OWN_ROOMS) and name != _CONTRACT)
    top = package.split(".")[0] + "/"
    return imported_files(file, root=root, keep=lambda name: name.startswith(top))
