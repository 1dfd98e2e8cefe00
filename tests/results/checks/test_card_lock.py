"""The lock of metric cards is what the registry makes today, and old cards stay readable beside new ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fabricated_records import card, make_record, pair_table

from dgbench.core.card import JudgeNetwork
from dgbench.core.errors import UsageError
from dgbench.metrics import lpips
from dgbench.metrics.l1 import L1
from dgbench.metrics.locked_cards import todays_cards
from dgbench.metrics.psnr import Psnr
from dgbench.metrics.ssim import Ssim
from dgbench.protocols.registry import load_protocol
from dgbench.results.records.card_lock import CardLock, LockedCard, read_card_lock, write_card_lock
from dgbench.results.records.rules import Rules

_NETS = Path(os.environ.get("DGBENCH_TEST_ASSETS", "/absent")) / "nets"


def _locked(version: int, **changes: object) -> LockedCard:
    held = card("csim", version=version).model_copy(update=changes)
    return LockedCard(judges="embedded", pinned=True, low=-1.0, high=1.0, card=held)


def test_the_newest_cards_of_the_lock_are_those_that_the_registry_makes_today() -> None:
    """Fails after a change of a metric or of a judge's weights: run ``dgbench metrics lock`` and commit the lock."""
    cards, absent = todays_cards()
    lock = read_card_lock()
    assert len(cards) > 30 and "embedded" not in absent
    changed = [entry.card.name for entry in cards if lock.line(entry.card, entry.judges)[-1] != entry]
    assert changed == []


@pytest.mark.skipif(not _NETS.is_dir(), reason="DGBENCH_TEST_ASSETS does not name a folder with the open networks")
def test_the_open_judges_cards_are_in_the_lock_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGBENCH_WEIGHTS", str(_NETS))
    cards, absent = todays_cards()
    assert absent == []
    lock = read_card_lock()
    held = [entry for entry in cards if entry.judges == "open"]
    assert len(held) > 10 and all(lock.of(entry.card.name, "open")[-1] == entry for entry in held)


def test_every_floor_lies_in_the_range_of_its_metric() -> None:
    entries = [entry for entry in read_card_lock().entries if entry.card.floor is not None]
    assert len(entries) > 30
    for entry in entries:
        floor = entry.card.floor
        assert floor is not None and (entry.low is None or entry.low <= floor), entry.card.name
        assert entry.high is None or floor <= entry.high, entry.card.name
        assert entry.low is not None, entry.card.name


def test_a_replaced_card_is_older_and_a_strange_one_unknown() -> None:
    record = make_record("dg", pair_table("dg", quality=0.5), metrics=("csim",))
    value = record.metrics[0]
    lock = CardLock([_locked(1)])
    assert lock.status(value, "embedded") == "current"
    assert lock.with_current([_locked(2)]).status(value, "embedded") == "older"
    assert lock.status(value, "open") == "unknown"
    edited = value.card.model_copy(update={"direction": "lower"})
    assert lock.status(value.model_copy(update={"card": edited, "card_digest": edited.digest}), "embedded") == "unknown"


def test_the_lock_only_grows(tmp_path: Path) -> None:
    lock = CardLock([_locked(1)]).with_current([_locked(1)])
    assert len(lock.entries) == 1
    grown = lock.with_current([_locked(2)])
    assert [entry.card.version for entry in grown.entries] == [1, 2]
    write_card_lock(grown, tmp_path / "cards.json")
    assert read_card_lock(tmp_path / "cards.json").entries == grown.entries
    (tmp_path / "cards.json").write_text('[{"card": 1}]')
    with pytest.raises(UsageError, match="is no lock of cards"):
        read_card_lock(tmp_path / "cards.json")


def test_networks_that_users_bring_fit_by_role_and_name_alone() -> None:
    lock = read_card_lock()
    record = make_record("dg", pair_table("dg", quality=0.5))
    brought = lpips.card("ab" * 32)
    value = record.metrics[0].model_copy(update={"name": "lpips", "card": brought, "card_digest": brought.digest})
    assert lock.status(value, "embedded") == "current"
    other = brought.model_copy(update={"judges": (JudgeNetwork(role="perceptual", name="mine", sha256="ab" * 32),)})
    assert lock.status(value.model_copy(update={"card": other, "card_digest": other.digest}), "embedded") == "unknown"


def test_what_a_protocol_asks_for_depends_on_the_features_that_the_judges_have() -> None:
    lock = read_card_lock()
    asked = ("ssim", "fid", "kid", "fd")
    assert lock.required(asked, "embedded") == [("ssim",), ("fd[synthface]",)]
    assert lock.required(asked, "standard") == [("ssim",), ("fid",), ("kid",)]


def test_pixel_metrics_have_two_cards_in_use_and_the_frame_says_which() -> None:
    """Frames kept as stored keep version 1 and their records; where crops can leave photographs, version 2 counts."""
    rules = Rules(Path(__file__).resolve().parents[3] / "protocols")
    record = make_record("dg", pair_table("dg", quality=0.5), metrics=("csim",))
    value = record.metrics[0]
    stored, cropped = (load_protocol(name).protocol for name in ("synthface-mini-cross@1", "frll-cross@1"))
    for kind in (Ssim, Psnr, L1):
        for metric, fits, other in ((kind(), stored, cropped), (kind().inside(), cropped, stored)):
            held = value.model_copy(
                update={"name": metric.card.name, "card": metric.card, "card_digest": metric.card.digest}
            )
            assert rules.cards.status(held, None) == "current"
            one = record.model_copy(update={"metrics": (held,)})
            assert rules.older_cards(one, fits) == []
            assert rules.older_cards(one, other) == [metric.card.name]
