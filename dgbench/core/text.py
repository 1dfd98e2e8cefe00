"""Text from outside made harmless: what a terminal, spreadsheet or Markdown reader would act on is shown instead."""

from __future__ import annotations

import re
import unicodedata

#: Marks that turn the direction of what follows, so that a reader sees another text than is there.
_TURNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def is_plain(text: str) -> bool:
    """Whether a text holds no control sign and no mark that turns its direction."""
    return not any(unicodedata.category(sign) == "Cc" or sign in _TURNS for sign in text)


def visible(text: str, *, keep: str = "") -> str:
    """Return ``text`` with control signs and marks of direction written out, as ``\\x1b``; those in ``keep`` stay."""
    if text.isascii() and text.isprintable():
        return text
    shown = []
    for sign in text:
        hidden = (unicodedata.category(sign) == "Cc" or sign in _TURNS) and sign not in keep
        shown.append((f"\\x{ord(sign):02x}" if ord(sign) < 256 else f"\\u{ord(sign):04x}") if hidden else sign)
    return "".join(shown)


def for_csv(cell: str) -> str:
    """Return a cell that no spreadsheet runs: one that begins like a formula and is no number gets a ``'`` in front."""
    if cell.startswith(_FORMULA) and not _NUMBER.fullmatch(cell):
        cell = "'" + cell
    return visible(cell)


def for_markdown(text: str) -> str:
    """Return a text of one line for Markdown: no control sign, no tag, no end of a cell, no link of its own."""
    return visible(" ".join(text.split())).replace("|", "\\|").replace("<", "&lt;").replace("](", "]\\(")


def for_latex(text: str) -> str:
    """Return a text without what LaTeX would read as commands."""
    return "".join(_LATEX.get(sign, sign) for sign in visible(text))
