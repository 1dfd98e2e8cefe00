"""Made-up but consistent records for tests: scores from a seed, counts and digests as real scoring makes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from dgbench.core.card import JUDGE_SETS, JudgeNetwork, JudgeSet, MetricCard
from dgbench.core.digests import digest, seed_of
from dgbench.core.record import (
    BinValue,
    Code,
    Coverage,
    MethodRef,
    MetricValue,
    ProtocolRef,
    Record,
)
from dgbench.results.records.card_lock import CardLock, LockedCard, write_card_lock
from dgbench.results.records.store import write_record
from dgbench.stats.clusters import DRAWS, Clusters, mean_interval

BINS = ("0", "45", "60", "90")
PROTOCOL_DIGEST = digest("a protocol")


def card(name: str, judges: JudgeSet = "embedded", *, version: int = 1, compat: bool = False) -> MetricCard:
    """A card of a pair metric (``csim``, ``pose_error``, ``ssim``) or of the set metric ``fd``."""
    lower = name in ("pose_error", "fd")
    return MetricCard(
        name=name,
        version=version,
        title={"csim": "Identity similarity", "pose_error": "Head-pose error"}.get(name, name.upper()),
        unit="degrees" if name == "pose_error" else "",
        definition=f"What {name} measures, in one sentence.",
        direction="lower" if lower else "higher",
        level="set" if name == "fd" else "pair",
        floor=None if name == "fd" else 180.0 if lower else 0.0,
        failure_rule="A pair that cannot be measured takes the floor.",
        compat=compat,
        judges=(JudgeNetwork(role="identity", name=f"{judges}-net", sha256="ab" * 32),),
    )


def lock_cards(file: Path) -> Path:
    """Write a lock that holds the made-up cards, as if dgbench had released them."""
    held = [card(name, judges) for judges in JUDGE_SETS for name in ("csim", "pose_error", "ssim", "fd")]
    of = [judges for judges in JUDGE_SETS for _ in range(4)]
    entries = [
        LockedCard(judges=judges, pinned=True, low=0.0 if one.name != "csim" else -1.0, high=None, card=one)
        for judges, one in zip(of, held, strict=True)
    ]
    write_card_lock(CardLock(entries), file)
    return file


def pair_table(
    method: str,
    *,
    quality: float,
    pairs: int = 48,
    people: int = 12,
    failures: int = 0,
    metrics: tuple[str, ...] = ("csim", "pose_error", "ssim"),
) -> pd.DataFrame:
    """A table of pair scores around ``quality`` (0..1); the first ``failures`` pairs are failed."""
    rng = np.random.default_rng(seed_of("pairs", method))
    index = np.arange(pairs)
    failed = index < failures
    person = [f"{i % people:03d}" for i in index]
    frame = pd.DataFrame(
        {
            "pair_id": [f"p{i:05d}" for i in index],
            "relation": "cross",
            "source_identity": person,
            "reference_identity": [f"{(i + 1 + i // people) % people:03d}" for i in index],
            "bin": [BINS[i % len(BINS)] for i in index],
            "yaw_reference": [float(BINS[i % len(BINS)]) for i in index],
            "status": np.where(failed, "failed", "ok"),
            "failure_kind": np.where(failed, "no-face", ""),
        }
    )
    for name in metrics:
        noise = rng.normal(0, 0.05, pairs)
        values = np.clip(quality + noise, 0, 1) if name != "pose_error" else 40 * np.clip(1 - quality + noise, 0, 1)
        floor = card(name).floor
        frame[name] = np.where(failed, floor, values)
        frame[f"{name}__measured"] = ~failed
    return frame


def metric_value(frame: pd.DataFrame, which: MetricCard) -> MetricValue:
    """The record's entry of one pair metric, consistent with its table."""
    values = frame[which.name].to_numpy()
    measured = frame[f"{which.name}__measured"].to_numpy()
    whole = _summary(frame, which.name)
    return MetricValue(
        name=which.name,
        card=which,
        card_digest=which.digest,
        value=whole.value,
        interval=whole.interval,
        measured_only=float(values[measured].mean()),
        n_expected=len(values),
        n_scored=int(measured.sum()),
        failures={"no-face": int((~measured).sum())} if not measured.all() else {},
        bins=tuple(_summary(frame[frame["bin"] == name], which.name, name) for name in sorted(set(frame["bin"]))),
    )


def _summary(frame: pd.DataFrame, name: str, label: str = "") -> BinValue:
    """Count, mean and interval of one column, as real scoring makes them."""
    values = frame[name].to_numpy(dtype=np.float64)
    clusters = Clusters.of(list(frame["source_identity"]), list(frame["reference_identity"]))
    interval = mean_interval(values, clusters, seed=seed_of("bootstrap", DRAWS))
    return BinValue(bin=label, n=len(values), value=float(values.mean()), interval=interval)


def make_record(
    method: str,
    frame: pd.DataFrame,
    /,
    *,
    protocol: str = "synthface-mini-cross",
    judges: JudgeSet = "embedded",
    metrics: tuple[str, ...] = ("csim", "pose_error", "ssim"),
    training_data: tuple[str, ...] = (),
    expected: int | None = None,
    card_version: int = 1,
    run: str = "",
    **changes: object,
) -> Record:
    """A record over ``frame``; ``changes`` replace fields of the record."""
    values = [metric_value(frame, card(name, judges, version=card_version)) for name in metrics]
    fd = card("fd", judges)
    level = float(20 + 100 * (1 - frame[metrics[0]].mean()))
    values.append(
        MetricValue(name="fd", card=fd, card_digest=fd.digest, value=level, n_expected=len(frame), n_scored=len(frame))
    )
    found = len(frame)
    whole = expected or found
    record = Record(
        run_id=run or f"2026-11-20-{method}-s0",
        created="2026-11-20T10:00:00Z",
        protocol=ProtocolRef(id=protocol, version=1, digest=PROTOCOL_DIGEST),
        method=MethodRef(name=method, digest=digest(method), motion="absolute", training_data=training_data),
        judges=judges,
        coverage=Coverage(
            expected=whole,
            found=found,
            generated=int((frame["status"] == "ok").sum()),
            failed={"no-face": int((frame["status"] != "ok").sum())},
            pair_set=digest(list(frame["pair_id"])),
            protocol_pair_set=digest(list(frame["pair_id"]) if whole == found else "others"),
        ),
        metrics=tuple(values),
        primary_metric=metrics[0],
        code=Code(version="0.1.0"),
    )
    return record.model_copy(update=changes)


def write_run(root: Path, method: str, quality: float, /, **options: object) -> Path:
    """Write ``root/<method>[-run]/scores/<judges>/`` and return that folder."""
    table_options = {k: options.pop(k) for k in ("pairs", "people", "failures", "metrics") if k in options}
    frame = pair_table(method, quality=quality, **table_options)  # type: ignore[arg-type]
    if "metrics" in table_options:
        options["metrics"] = table_options["metrics"]
    record = make_record(method, frame, **options)  # type: ignore[arg-type]
    folder = root / f"{record.protocol.id}-{record.run_id}" / "scores" / (record.judges or "none")
    write_record(folder, record, frame, {"python": "3.12", "packages": {"numpy": "2.0"}})
    return folder
