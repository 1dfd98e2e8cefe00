"""YAML from outside, read as plain data: size-capped, no tags, no aliases, and every fault as one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from dgbench.core.errors import UsageError

MAX_BYTES = 1 << 20


class _PlainLoader(yaml.SafeLoader):
    """The safe loader without aliases: a few lines of them can stand for billions of values."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "anchors and aliases are refused", event.start_mark)
        return super().compose_node(parent, index)


def read_yaml(path: Path, *, what: str) -> Any:
    """Return the plain data of a YAML file.

    Args:
        path: the file.
        what: what it should be, as in "not a protocol".

    Raises:
        UsageError: it is missing, over 1 MiB, not UTF-8, not YAML, or holds tags or aliases.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path}: over {MAX_BYTES >> 20} MiB, refused; not {what}")
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_PlainLoader)  # noqa: S506 - a safe loader
    except (OSError, ValueError, OverflowError, AttributeError, TypeError, yaml.YAMLError, RecursionError) as error:
        # PyYAML lets errors of Python's own conversions through: an impossible date, a number too long, a tag's text.
        raise UsageError(f"{path}: not {what} ({' '.join(str(error).split())[:160]})") from error
