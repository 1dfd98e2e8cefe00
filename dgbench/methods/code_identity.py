"""The digest of a method's code: an edited method is another method, whatever its name and settings say."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from dgbench.core.digests import digest
from dgbench.io.code_identity import source_digest
from dgbench.io.provenance import checkout_state
from dgbench.methods.contract import Reenactor
from dgbench.methods.worker import IsolatedReenactor


def method_code(method: Reenactor) -> str | None:
    """Return the digest of the source that a method's class is made of, ``None`` where there is none to read.

    Of every class of its ancestry that counts: the folder of its module where it belongs to a package, else its file
    and the modules imported from the same folder. Of a worker: its folder, the runtime that all workers share, and the
    authors' checkout with what was changed in it.
    """
    places: set[Path] = set()
    if isinstance(method, IsolatedReenactor):
        own = method.card.worker.parent
        places |= {own, own.parent / "_runtime"}
    else:
        for kind in type(method).__mro__:
            if kind.__module__ not in ("builtins", "abc", "typing", Reenactor.__module__):
                places |= _places(kind)
    try:
        code = source_digest(place for place in places if place.exists()) if places else None
    except OSError:
        return None
    if isinstance(method, IsolatedReenactor) and method.repo is not None:
        return digest([code, checkout_state(method.repo)])
    return code


def _places(kind: type) -> set[Path]:
    try:
        file = Path(inspect.getfile(kind)).resolve()
    except (TypeError, OSError):  # made in a notebook or a shell
        return set()
    if not file.is_file():
        return set()
    package = getattr(sys.modules.get(kind.__module__), "__package__", "")
    if package and (file.parent / "__init__.py").is_file():
        return {file.parent}
    beside = (Path(str(module.__file__)).resolve() for module in list(sys.modules.values()) if _has_file(module))
    return {file, *(path for path in beside if path.parent == file.parent and path.suffix == ".py")}


def _has_file(module: object) -> bool:
    return isinstance(getattr(module, "__file__", None), str)
