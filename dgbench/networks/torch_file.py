"""Reading PyTorch's own files of tensors: nothing in them is run, and none keeps the reader busy for hours."""

from __future__ import annotations

import pickletools
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from dgbench.core.errors import UsageError

_LONGEST_WORD = 4096
#: The pickles at the head of a file in the format before torch 1.6; raw numbers follow them.
_OLD_PICKLES = 5


def read_tensors(path: Path, *, harmless: Sequence[Any] = ()) -> Any:
    """Read a file of ``torch.save`` that holds plain tensors in plain containers, onto the CPU.

    Args:
        path: the file.
        harmless: further types that it may hold, as ``torch.serialization.safe_globals`` takes them.

    Raises:
        UsageError: it is damaged, holds anything else, or is made to be slow.
    """
    import torch

    try:
        _refuse_long_words(path)
        with torch.serialization.safe_globals(list(harmless)):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise UsageError(f"{path}: not a file of plain tensors, and nothing else is run ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    """Return the first line of an error; torch's own refusal goes on about how to load the file nevertheless."""
    first = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    return "it holds other objects" if first.startswith("Weights only load failed") else first[:160]


def _refuse_long_words(path: Path) -> None:
    """Refuse a pickle with a word that no name of a tensor has.

    Torch puts such a word into the message of its own refusal and searches that by a pattern whose time grows with
    the square of the length: a file of a megabyte would hold it for hours.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(".pkl"):
                    with archive.open(name) as stream:
                        _scan(stream)
        return
    with path.open("rb") as stream:
        for _ in range(_OLD_PICKLES):
            _scan(stream)


def _scan(stream: IO[bytes]) -> None:
    for _, word, _ in pickletools.genops(stream):
        if isinstance(word, str | bytes | bytearray) and len(word) > _LONGEST_WORD:
            raise ValueError(f"a word of {len(word)} characters")
