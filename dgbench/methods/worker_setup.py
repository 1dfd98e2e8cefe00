"""What of a worker is known before it is started: its options, its weights by content, the files that decide it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dgbench.core.digests import sha256_bytes, sha256_file
from dgbench.core.errors import MissingError, UsageError
from dgbench.methods.baseline_card import BaselineCard


def chosen_options(card: BaselineCard, options: Mapping[str, str]) -> dict[str, str]:
    """Return every option with its value, a file option as an absolute path.

    Raises:
        UsageError: an unknown option or value. MissingError: no file where a file option points.
    """
    for name, value in sorted(options.items()):
        if name not in card.options:
            known = ", ".join(sorted(card.options)) or "none"
            raise UsageError(f"{card.name} has no option '{name}' (it has: {known})")
        allowed = card.options[name].values
        if allowed and value not in allowed:
            raise UsageError(f"{card.name}: option {name}={value} is not one of {', '.join(allowed)}")
    chosen = {name: options.get(name, option.default) for name, option in sorted(card.options.items())}
    for name, value in chosen.items():
        if card.options[name].is_file and value:
            if not Path(value).is_file():
                raise MissingError(f"{card.name}: option {name}: no file at {value}; its README says how to make it")
            chosen[name] = str(Path(value).resolve())  # the worker has a working directory of its own
    return chosen


def weights_digest(card: BaselineCard, path: Path) -> str:
    """Return the digest that the worker says in its hello: of the file, or of the files that the card names."""
    if card.checkpoint == "file":
        return sha256_file(path) if path.is_file() else ""
    names = sorted(weight.file for weight in card.weights if (path / weight.file).is_file())
    return sha256_bytes("".join(f"{name} {sha256_file(path / name)}\n" for name in names).encode())


def worker_files(card: BaselineCard) -> list[Path]:
    """Return the files whose content decides what the worker does: its own and the shared runtime's."""
    return [card.worker, *sorted((card.runtime / "dgbench_worker").glob("*.py"))]


def are_published(card: BaselineCard, place: Path | None) -> bool:
    """Whether weights are the authors' own, by digest where the card has one, else by file name."""
    if place is None or not card.weights_published:
        return False
    if card.checkpoint == "folder":
        return True  # a folder holds the files that the card names, or the worker refuses it
    known = card.weights[0]
    if known.sha256 is not None:
        return place.is_file() and sha256_file(place) == known.sha256
    return place.name in {weight.file for weight in card.weights}
