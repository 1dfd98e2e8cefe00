"""Whose a method's name is: ``methods.yaml`` of a results folder, name → paper, code, licence, contact."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from dgbench.core.errors import UsageError
from dgbench.core.record import PlainName
from dgbench.core.text import is_plain
from dgbench.io.regular import read_regular
from dgbench.io.yaml_file import MAX_BYTES, parse_yaml

METHODS = "methods.yaml"
_SEED = re.compile(r"[-._]seed\d{1,6}$", re.IGNORECASE)


class Method(BaseModel):
    """Who speaks for a name: where it was described, where its code is and under which licence, whom to ask."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    paper: str = ""
    code: Annotated[str, Field(pattern=r"^(https?://[!-~]+)?$")] = ""
    licence: str = ""
    contact: Annotated[str, Field(min_length=3)]


def base_name(name: str) -> str:
    """A method's name without the seed of a training, which is no other method."""
    return _SEED.sub("", name)


def owner_key(name: str) -> str:
    """What two names share that a reader takes for one: letters and digits alone, without the seed of a training."""
    return re.sub(r"[^a-z0-9]", "", base_name(name).lower())


def read_methods(results_root: Path) -> dict[str, Method]:
    """Read ``methods.yaml``; nothing there is no error.

    Raises:
        UsageError: it cannot be read, or two names look like one.
    """
    file = results_root / METHODS
    return parse_methods(read_regular(file, limit=MAX_BYTES), str(file)) if file.exists() else {}


def parse_methods(content: bytes, name: str) -> dict[str, Method]:
    """Parse the bytes of ``methods.yaml``; ``name`` is what an error calls it."""
    data = parse_yaml(content, where=name, what="a list of methods") or {}
    try:
        methods = TypeAdapter(dict[PlainName, Method]).validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    keys: dict[str, str] = {}
    for method, entry in methods.items():
        if not all(is_plain(text) for text in entry.model_dump().values()):
            raise UsageError(f"{name}: {method}: holds a control sign")
        if (other := keys.setdefault(owner_key(method), method)) != method:
            raise UsageError(f"{name}: {method} and {other} look like one name; choose another")
    return methods
