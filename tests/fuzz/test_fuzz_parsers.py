"""Every parser of outside input under mangled bytes: a result or a line for the user, never another exception.

Each parser has about three seconds (``DGBENCH_FUZZ_SECONDS`` for more, with other bytes at every call); how many
inputs it saw, and how many it refused, stands at the end of the test run.
"""

from __future__ import annotations

import os
import random
import sys
import time
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

sys.path.insert(0, str(Path(__file__).parent))
from mangling import mangled
from parsers import NAMES, Parser, every_parser

from dgbench.core.errors import DgbenchError

_ASKED = os.environ.get("DGBENCH_FUZZ_SECONDS")
SECONDS = float(_ASKED) if _ASKED else 2.5
#: Far below what the machine of a CI reaches in the time, so that an overloaded one does not fail for it.
LEAST = 20
#: Chunks of a run that was not asked for longer: a faster machine sees the same inputs, not other ones.
MOST = 40
_SETTINGS = settings(
    max_examples=40,
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)


@pytest.fixture(scope="module")
def parsers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Parser]:
    return every_parser(tmp_path_factory.mktemp("sound"))


def test_every_parser_is_fuzzed(parsers: dict[str, Parser]) -> None:
    assert tuple(parsers) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_mangled_input(
    name: str, parsers: dict[str, Parser], tmp_path: Path, record_property: pytest.RecordProperty
) -> None:
    parser = parsers[name]
    path = tmp_path / "in" / name
    path.parent.mkdir()
    path.write_bytes(parser.seeds[0])
    seen = refused = 0

    def feed(data: bytes) -> None:
        nonlocal seen, refused
        seen += 1
        path.write_bytes(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                parser.read(path)
            except DgbenchError as error:
                refused += 1
                assert str(error).strip(), "an error without words"

    until = time.monotonic() + SECONDS * parser.share
    chunk = random.SystemRandom().getrandbits(40) if _ASKED else 0
    last = sys.maxsize if _ASKED else MOST
    while time.monotonic() < until and chunk < last:
        # In chunks, because hypothesis counts examples and not seconds; a chunk's seed is printed where it fails.
        seed(chunk)(_SETTINGS(given(data=mangled(parser.seeds))(feed)))()
        chunk += 1
    record_property("fuzzed", f"{name}: {seen} inputs, {refused} refused")
    assert seen >= LEAST and refused > 0
    assert not list(tmp_path.parent.glob("passwd")), "something was written outside the target folder"
