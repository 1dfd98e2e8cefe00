"""The error classes, one per exit code; each message is one line that says what, where and how to fix it."""

from __future__ import annotations


class DgbenchError(Exception):
    """Base of every error that a user is meant to read; ``exit_code`` is what the command line returns."""

    exit_code = 1


class WorkFailedError(DgbenchError):
    """Work was done and some or all of it failed; what succeeded and what failed is kept (exit 1)."""

    exit_code = 1


class UsageError(DgbenchError):
    """Wrong use or bad input: an unknown name, a damaged file, a value out of range (exit 2)."""

    exit_code = 2


class MissingError(DgbenchError):
    """Something needed is not here: weights, a data set, a package. The message says how to get it (exit 3)."""

    exit_code = 3


def did_you_mean(name: str, known: list[str]) -> str:
    """Return " Did you mean 'x'?" for the closest of ``known``, or "" when nothing is close."""
    import difflib

    close = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean '{close[0]}'?" if close else ""
