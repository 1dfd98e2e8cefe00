"""YAML from outside, read as plain data: size-capped, no tags, no aliases, and every fault as one line.

What YAML 1.1 reads in a way that its writer did not mean is refused with its line: a key that occurs twice, ``010``
(eight), ``1:30`` (ninety), ``yes`` and ``on`` (true), ``~``, ``1_000``, dates. Quotes make text of any of them.
``1e-4``, which YAML 1.1 takes for text, is the number.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from dgbench.core.errors import UsageError

MAX_BYTES = 1 << 20
#: Values of a document with its aliases written out.
MAX_NODES = 1_000_000

#: Plain scalars that are refused: (pattern, what YAML makes of it, what to write).
_SURPRISES = (
    (re.compile(r"[+-]?0[0-9_]+"), "a number in octal or text, by its digits", "write it without the 0, or in quotes"),
    (re.compile(r"[+-]?0[box][0-9a-f_]+", re.IGNORECASE), "a number of another base", "write it in decimal"),
    (re.compile(r"[+-]?[0-9][0-9_]*(:[0-9]?[0-9])+(\.[0-9_]*)?"), "a number to base 60", "put it in quotes"),
    (re.compile(r"[+-]?(?=.*_)[0-9][0-9_]*(\.[0-9_]*)?"), "a number without its underscores", "leave them out"),
    (re.compile(r"y|n|yes|no|on|off", re.IGNORECASE), "true or false", "write true, false, or put it in quotes"),
    (re.compile(r"~"), "nothing", "write null, or leave the key out"),
    (re.compile(r"[+-]?\.(nan|inf)", re.IGNORECASE), "no finite number", "write a number"),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?"), "a date", "put it in quotes"),
    (re.compile(r"<<"), "a merge of keys", "write the keys out"),
)
_EXPONENT = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?[eE][+-]?[0-9]+|[+-]?\.[0-9]+[eE][+-]?[0-9]+")


class UniqueKeyLoader(yaml.SafeLoader):
    """The safe loader that refuses a key which occurs twice, and aliases that stand for more than :data:`MAX_NODES`."""

    def get_single_node(self) -> Any:
        """Return the document, with what its aliases stand for counted."""
        node: Any = super().get_single_node()
        if node is not None:
            _require_bounded(node)
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        """Return a mapping whose keys occur once."""
        lines: dict[Hashable, int] = {}
        for key_node, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            key: Any = self.construct_object(key_node, deep=True)  # type: ignore[no-untyped-call]
            line = key_node.start_mark.line + 1
            if isinstance(key, Hashable) and key in lines:
                said = f"line {line}: key '{key}' occurs twice (first in line {lines[key]}); keep one"
                raise yaml.constructor.ConstructorError(None, None, said, None)
            if isinstance(key, Hashable):
                lines[key] = line
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return mapping


class _PlainLoader(UniqueKeyLoader):
    """The loader without aliases (a few lines of them can stand for billions of values) and without surprises."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "anchors and aliases are refused", event.start_mark)
        return super().compose_node(parent, index)

    def compose_scalar_node(self, anchor: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        node: Any = super().compose_scalar_node(anchor)  # type: ignore[no-untyped-call]
        if event.style is None and event.implicit[0]:
            for pattern, meaning, cure in _SURPRISES:
                if pattern.fullmatch(node.value):
                    said = f"line {event.start_mark.line + 1}: '{node.value}' is read as {meaning}; {cure}"
                    raise yaml.composer.ComposerError(None, None, said, None)
            if _EXPONENT.fullmatch(node.value):
                node.tag = "tag:yaml.org,2002:float"
        return node


def _require_bounded(root: Any) -> None:
    """Refuse a document that holds itself, or that stands for too many nodes once its aliases are written out."""
    sizes: dict[int, int] = {}

    def size(node: Any) -> int:
        if id(node) in sizes:
            if not sizes[id(node)]:
                raise yaml.composer.ComposerError(None, None, "an alias stands for what holds it", node.start_mark)
            return sizes[id(node)]
        sizes[id(node)] = 0
        held = node.value if not isinstance(node, yaml.ScalarNode) else ()
        parts = [part for pair in held for part in pair] if isinstance(node, yaml.MappingNode) else held
        sizes[id(node)] = 1 + sum(size(part) for part in parts)
        return sizes[id(node)]

    if size(root) > MAX_NODES:
        raise yaml.composer.ComposerError(None, None, f"aliases stand for over {MAX_NODES} values", root.start_mark)


def read_yaml(path: Path, *, what: str) -> Any:
    """Return the plain data of a YAML file.

    Args:
        path: the file.
        what: what it should be, as in "not a protocol".

    Raises:
        UsageError: it is missing, over 1 MiB, not UTF-8, not YAML, holds tags or aliases, or a key or scalar that is
            refused (see the module).
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path}: over {MAX_BYTES >> 20} MiB, refused; not {what}")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: not {what} ({_one_line(error)})") from error
    return parse_yaml(text, where=str(path), what=what)


def parse_yaml(text: str | bytes, *, where: str, what: str) -> Any:
    """Return the plain data of YAML text, as :func:`read_yaml` does; ``where`` names it in errors.

    Raises:
        UsageError: as for :func:`read_yaml`.
    """
    if len(text) > MAX_BYTES:
        raise UsageError(f"{where}: over {MAX_BYTES >> 20} MiB, refused; not {what}")
    try:
        plain = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        return yaml.load(plain, Loader=_PlainLoader)  # noqa: S506 - a safe loader
    except (ValueError, OverflowError, AttributeError, TypeError, yaml.YAMLError, RecursionError) as error:
        # PyYAML lets errors of Python's own conversions through: an impossible date, a number too long, a tag's text.
        raise UsageError(f"{where}: not {what} ({_one_line(error)})") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
