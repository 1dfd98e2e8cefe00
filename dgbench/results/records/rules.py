"""What every record of a protocol is held against: the protocol's own text and pairs, and the released metric cards."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from dgbench.core.digests import digest
from dgbench.core.errors import UsageError
from dgbench.core.protocol import Protocol
from dgbench.core.record import BinValue, MetricValue, Record
from dgbench.io.yaml_file import read_yaml
from dgbench.results.records.card_lock import PIXELS, CardLock, read_card_lock

PAIRS = "pairs.csv.gz"
#: Columns of a table of pair scores that say what the pairs are; the protocol's own list has the same.
PAIR_FACTS = ("relation", "source_identity", "reference_identity", "bin", "yaw_reference")
#: A list of pairs of this many bytes would be of some millions.
_MAX_BYTES = 1 << 29
#: How far a value may lie outside its card's range: rounding of the last digits.
_SLACK = 1e-6


@dataclass(frozen=True)
class ProtocolFacts:
    """A protocol with the pairs that it ships, sorted by ``pair_id`` bytewise; ``None`` where a rule builds them."""

    protocol: Protocol
    pairs: pd.DataFrame | None

    @cached_property
    def pair_set(self) -> str:
        """Digest of all pair ids, "" where the protocol ships none."""
        return "" if self.pairs is None else digest(sorted(self.pairs["pair_id"]))

    def difference(self, table: pd.DataFrame) -> str:
        """What a table of pair scores over the whole protocol says otherwise of the pairs, "" for nothing."""
        if self.pairs is None:
            return ""
        if list(table["pair_id"].astype(str)) != list(self.pairs["pair_id"]):
            return "its pairs are not the protocol's"
        for name in PAIR_FACTS:
            if name not in self.pairs:
                continue
            if name == "yaw_reference":
                ours = pd.to_numeric(self.pairs[name].replace("", None)).to_numpy(dtype=float)
                theirs = pd.to_numeric(table[name]).to_numpy(dtype=float)
                other = ~((ours == theirs) | (pd.isna(ours) & pd.isna(theirs)))
            else:
                other = table[name].fillna("").astype(str).to_numpy() != self.pairs[name].to_numpy()
            if other.any():
                place = int(other.argmax())
                return (
                    f"{name} of pair {table['pair_id'].iloc[place]} is {table[name].iloc[place]!s:.40}, the protocol "
                    f"says {self.pairs[name].iloc[place]} ({int(other.sum())} such)"
                )
        return ""


def read_facts(folder: Path) -> ProtocolFacts:
    """Read one ``protocols/<id>/v<N>/`` folder.

    Raises:
        UsageError: its YAML or its list of pairs cannot be read.
    """
    file = folder / "protocol.yaml"
    try:
        protocol = Protocol.model_validate(read_yaml(file, what="a protocol"))
    except ValidationError as error:
        raise UsageError(f"{file}: cannot be read: {' '.join(str(error).split())[:200]}") from error
    pairs = folder / PAIRS
    return ProtocolFacts(protocol, _read_pairs(pairs) if pairs.is_file() else None)


def _read_pairs(file: Path) -> pd.DataFrame:
    try:
        with gzip.open(file, "rb") as handle:
            data = handle.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise ValueError(f"over {_MAX_BYTES >> 20} MiB")
        frame = pd.read_csv(io.BytesIO(data), dtype=str, keep_default_na=False)
        return frame.sort_values("pair_id", key=lambda ids: ids.map(str.encode)).reset_index(drop=True)
    except (OSError, EOFError, ValueError, KeyError, zlib.error) as error:
        raise UsageError(f"{file}: pair list cannot be read ({' '.join(str(error).split())[:160]})") from error


class Rules:
    """Protocols by name, each read once, and the lock of cards."""

    def __init__(self, protocols_root: Path, *, cards: CardLock | None = None) -> None:
        self.protocols_root = protocols_root
        self.cards = cards or read_card_lock()
        self._known: dict[str, ProtocolFacts | None] = {}

    def protocol(self, name: str) -> ProtocolFacts | None:
        """The facts of ``id@version``, ``None`` where there is no such protocol.

        Raises:
            UsageError: its files are damaged.
        """
        if name not in self._known:
            identifier, _, version = name.partition("@")
            folder = self.protocols_root / identifier / f"v{version}"
            plain = "/" not in identifier and not identifier.startswith(".")
            there = plain and (folder / "protocol.yaml").is_file()
            self._known[name] = read_facts(folder) if there else None
        return self._known[name]

    def of(self, record: Record) -> ProtocolFacts | None:
        """The facts of the protocol that a record names."""
        return self.protocol(f"{record.protocol.id}@{record.protocol.version}")

    def strange_cards(self, record: Record) -> list[str]:
        """Metrics of a record under a card that is none of dgbench's."""
        return [m.name for m in record.metrics if self.cards.status(m, record.judges) == "unknown"]

    def older_cards(self, record: Record, protocol: Protocol) -> list[str]:
        """Metrics of a record under a card that a newer one has replaced, of itself or for the protocol's frame.

        Where crops may reach outside photographs, metrics of pixels are measured inside alone; where images are kept as
        stored, over the whole frame.
        """
        inside = protocol.frame.crop != "as-stored"
        return [
            m.name
            for m in record.metrics
            if self.cards.status(m, record.judges) == "older"
            or (self.cards.measured_inside(m.name, record.judges) and (PIXELS in m.card.parameters) != inside)
        ]

    def lacking(self, record: Record, protocol: Protocol) -> list[str]:
        """Metrics of the protocol that a record has no value of; one without a value for want of images is there."""
        held = {metric.name for metric in record.metrics}
        asked = self.cards.required(protocol.metrics, record.judges)
        return [names[-1] for names in asked if not held & set(names)]

    def out_of_range(self, record: Record) -> list[str]:
        """What of a record's values no measurement can give, one text for each metric."""
        found = []
        for metric in record.metrics:
            locked = self.cards.find(metric, record.judges)
            if locked is None:
                continue
            low, high = locked.low, locked.high
            bad = [value for value in _numbers(metric) if not _within(value, low, high)]
            if bad:
                limits = f"{'-∞' if low is None else f'{low:g}'}..{'∞' if high is None else f'{high:g}'}"
                found.append(f"{metric.name}: {bad[0]:g} is outside {limits}, what its card can give")
        return found


def _within(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low - _SLACK) and (high is None or value <= high + _SLACK)


def _numbers(metric: MetricValue) -> Sequence[float]:
    parts: list[MetricValue | BinValue] = [metric, *metric.bins]
    ends = [end for part in parts if part.interval for end in (part.interval.low, part.interval.high)]
    values = [part.value for part in parts] + [metric.measured_only]
    return [*(value for value in values if value is not None), *ends]


def rules_beside(results_root: Path, protocols_root: Path | None = None) -> Rules | None:
    """The rules of ``protocols_root``, or of ``protocols`` beside the results; ``None`` where there is neither."""
    folder = protocols_root or results_root.resolve().parent / "protocols"
    return Rules(folder) if folder.is_dir() else None
