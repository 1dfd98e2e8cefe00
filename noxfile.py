"""Sessions for whoever works on dgbench: ``nox -s lint``, ``nox -s tests``, ``nox -s all``."""

from __future__ import annotations

import nox

nox.options.sessions = ["lint", "tests"]
nox.options.reuse_existing_virtualenvs = True


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types, import rules, words."""
    session.install("-e", ".[dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports")
    session.run("python", ".ci/words.py")


@nox.session
def tests(session: nox.Session) -> None:
    """The fast tier; arguments go to pytest."""
    session.install("-e", ".[dev]")
    session.run("pytest", "-n", "2", *session.posargs)


@nox.session(name="all")
def everything(session: nox.Session) -> None:
    """Both tiers."""
    session.install("-e", ".[dev]")
    session.run("pytest", "-n", "2", "--all", *session.posargs)
