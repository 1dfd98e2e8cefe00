"""Fixtures that every part's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# One thread a worker: more only makes parallel test workers slower.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

#: Folders in which every test takes long: benchmarks, fuzzing, killed processes.
SLOW_FOLDERS = ("benchmarks", "fuzz", "faults")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Two tiers: the fast one by default, everything with ``--all``."""
    parser.addoption("--all", action="store_true", help="run the slow tests, too (CI does)")
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden values of metrics that are computed here"
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out folders that hold slow tests alone, so that the fast tier does not pay for reading them."""
    wanted = config.getoption("--all") or config.getoption("markexpr") or _named(collection_path, config)
    return True if not wanted and collection_path.name in SLOW_FOLDERS else None


def _named(folder: Path, config: pytest.Config) -> bool:
    """Whether the command line names this folder or something in it."""
    named = [Path(argument.split("::")[0]).resolve() for argument in config.args]
    return any(place == folder or folder in place.parents for place in named)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what lies in a slow folder; deselect slow tests, unless they, markers, or a node id are asked for."""
    for item in items:
        if set(SLOW_FOLDERS) & set(item.path.parts):
            item.add_marker("slow")
    if config.getoption("--all") or config.getoption("markexpr") or any("::" in one for one in config.args):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder of real faces, networks and the head model, named by DGBENCH_TEST_ASSETS."""
    given = os.environ.get("DGBENCH_TEST_ASSETS")
    if not given or not Path(given).is_dir():
        pytest.skip("needs real faces and networks: set DGBENCH_TEST_ASSETS to their folder")
    return Path(given).resolve()


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads the user's own data, weights or cache, or writes into them."""
    for name in [name for name in os.environ if name.startswith("DGBENCH_") and name != "DGBENCH_TEST_ASSETS"]:
        if not name.startswith("DGBENCH_BASELINE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DGBENCH_OFFLINE", "1")
    monkeypatch.setenv("DGBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show how much was fuzzed; counts come with the reports, so that test workers' are shown too."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    counts = sorted(str(value) for report in reports for name, value in report.user_properties if name == "fuzzed")
    if counts:
        terminalreporter.section("fuzzed")
        for count in counts:
            terminalreporter.write_line(count)
