"""Sanity baselines order as they must: on pairs made now, and on every SynthFace protocol in the committed records.

A metric that lies shows here: the oracle leads, its blur comes second, a copied source is the best identity in the
worst pose, and a copied reference the reverse.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

import dgbench
from dgbench.core.record import Record
from dgbench.engine.quickstart import QUICK
from dgbench.protocols.registry import list_protocols

RESULTS = Path(__file__).parents[2] / "results"
PROTOCOLS = [
    loaded.protocol.name
    for loaded in list_protocols()
    if loaded.protocol.dataset.startswith("synthface") and loaded.protocol.purpose == "test"
]


def _values(records: Mapping[str, Record], metric: str) -> dict[str, float]:
    found = {}
    for name, record in records.items():
        (value,) = (one.value for one in record.metrics if one.name == metric)
        assert value is not None
        found[name] = value
    return found


def assert_ordered(records: Mapping[str, Record], *, cross: bool, slack: float = 0.0) -> None:
    """Hold the six sanity baselines of one protocol against the order that their construction demands.

    ``slack`` is what a light blur may gain in CSIM, and as a share in pose, by chance where there are few pairs.
    """
    assert set(records) == set(QUICK)
    ssim, csim, pose = (_values(records, name) for name in ("ssim", "csim", "pose"))
    rest = {name for name in QUICK if name not in ("target", "blurred-target")}
    if not cross:
        rest.discard("copy-reference")  # there the reference is the target
        assert ssim["copy-reference"] == ssim["target"]
    assert ssim["target"] == pytest.approx(1, abs=1e-9)
    assert 1 > ssim["blurred-target"] > max(ssim[name] for name in rest)
    assert min(ssim, key=ssim.__getitem__) == "black"

    assert csim["copy-source"] == pytest.approx(1, abs=1e-6)
    assert all(csim[name] < 1 for name in QUICK if name != "copy-source")
    assert csim["target"] + slack >= csim["blurred-target"] > csim["shuffled"] > csim["black"]
    if cross:
        assert abs(csim["copy-reference"] - csim["shuffled"]) < 0.1 < csim["blurred-target"]

    assert min(pose, key=pose.__getitem__) in ("copy-reference", "target")
    assert pose["copy-reference"] <= pose["target"] <= pose["blurred-target"] * (1 + slack) < pose["copy-source"]
    assert max(pose, key=pose.__getitem__) == "black"


def _committed(protocol: str) -> dict[str, Record]:
    identifier, _, version = protocol.partition("@")
    folder = RESULTS / identifier / f"v{version}"
    found = {name: dgbench.find_records(folder / name) for name in QUICK}
    return {name: records[0].record for name, records in found.items() if records}


def _is_committed(protocol: str) -> bool:
    identifier, _, version = protocol.partition("@")
    return (RESULTS / identifier / f"v{version}").is_dir()


@pytest.mark.parametrize("protocol", [name for name in PROTOCOLS if _is_committed(name)])
def test_on_every_synthface_protocol_in_the_committed_records(protocol: str) -> None:
    records = _committed(protocol)
    assert all(record.coverage.found == record.coverage.expected for record in records.values())
    assert_ordered(records, cross="-self" not in protocol)


@pytest.mark.parametrize("protocol", [name for name in PROTOCOLS if "-mini-" in name])
@pytest.mark.slow
def test_on_pairs_made_now(protocol: str, tmp_path: Path) -> None:
    records = {}
    for name in QUICK:
        dgbench.run(protocol, name, tmp_path / name, limit=24)
        records[name] = dgbench.score(tmp_path / name)
    assert_ordered(records, cross="-self" not in protocol, slack=0.02)
