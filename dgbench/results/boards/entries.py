"""Which records are one entry of a leaderboard: seeds of the same method, told apart from other variants of it.

Two records are seeds of one entry if they have the same weights and settings and another run seed, or if they
declare that only the seed of their training differs: ``training_seed`` among the parameters, or a method name that
ends in ``-seed3``. Whatever is not declared to be a seed is a variant, with a row and a label of its own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dgbench.core.record import MethodRef, Record
from dgbench.results.records.store import StoredRecord
from dgbench.results.records.supersede import superseded

#: The parameter by which a method declares the seed that its weights were trained with.
TRAINING_SEED = "training_seed"
#: Parameters that say what came out of a training; they differ between its seeds, as ``checkpoint_sha256`` does.
_OUTCOMES = frozenset({TRAINING_SEED, "weights_sha256", "train.steps", "train.samples", "train.seconds"})
_NAMED_SEED = re.compile(r"(?P<name>.+)[-._]seed(?P<seed>\d{1,6})")

Settings = tuple[object, ...]


@dataclass(frozen=True)
class Entry:
    """What a row stands for: ``name`` with ``settings``; ``seed`` is (seed of the training, seed of the run)."""

    name: str
    settings: Settings
    seed: tuple[int, int]

    @property
    def key(self) -> tuple[str, Settings]:
        """Equal for the seeds of one row."""
        return self.name, self.settings


@dataclass(frozen=True)
class Entries:
    """The entries of all records of a leaderboard, by path, and the labels that tell variants of a name apart."""

    by_path: dict[str, Entry] = field(default_factory=dict)
    variants: dict[tuple[str, Settings], str] = field(default_factory=dict)

    def variant(self, path: str) -> str:
        """What distinguishes a record from others of the same name, "" where nothing has to."""
        return self.variants.get(self.by_path[path].key, "")


def find_entries(records: Iterable[StoredRecord]) -> Entries:
    """Sort records into entries; the same for every protocol, so that a label means one thing everywhere."""
    stored = list(records)
    families: dict[tuple[object, ...], list[StoredRecord]] = defaultdict(list)
    for one in stored:
        if _training_seed(one.record.method) is not None:
            families[_family(one.record.method)].append(one)
    declared = {one.path for family in families.values() if _only_seeds_differ(family) for one in family}
    by_path = {one.path: _entry(one.record, declared=one.path in declared) for one in stored}
    replaced = superseded(stored)
    methods: dict[str, dict[tuple[str, Settings], MethodRef]] = defaultdict(dict)
    for one in sorted(stored, key=lambda held: held.path.encode()):
        if one.record.origin == "measured" and one.path not in replaced:
            entry = by_path[one.path]
            methods[entry.name].setdefault(entry.key, one.record.method)
    return Entries(by_path, {key: text for held in methods.values() for key, text in _labels(held).items()})


def seed_name(record: Record) -> str:
    """The seed of a record as a table names it: of the training and the run where both are known, ``3/0``."""
    trained = _training_seed(record.method)
    return str(record.seed) if trained is None else f"{trained}/{record.seed}"


def _entry(record: Record, *, declared: bool) -> Entry:
    method = record.method
    seed = _training_seed(method)
    if declared and seed is not None:
        return Entry(_base_name(method), _family(method), (seed, record.seed))
    return Entry(method.name, (method.digest,), (0, record.seed))


def _only_seeds_differ(family: list[StoredRecord]) -> bool:
    """Whether each declared seed stands for one set of weights; else the declaration cannot be believed."""
    weights: dict[int | None, set[str]] = defaultdict(set)
    for one in family:
        weights[_training_seed(one.record.method)].add(one.record.method.digest)
    return all(len(digests) == 1 for digests in weights.values())


def _training_seed(method: MethodRef) -> int | None:
    seed = method.parameters.get(TRAINING_SEED)
    if isinstance(seed, int) and not isinstance(seed, bool):
        return seed
    named = _NAMED_SEED.fullmatch(method.name)
    return int(named["seed"]) if named else None


def _base_name(method: MethodRef) -> str:
    named = _NAMED_SEED.fullmatch(method.name)
    return named["name"] if named and TRAINING_SEED not in method.parameters else method.name


def _settings(method: MethodRef) -> dict[str, object]:
    return {name: value for name, value in sorted(method.parameters.items()) if name not in _OUTCOMES}


def _family(method: MethodRef) -> tuple[object, ...]:
    """Everything but what a training seed changes."""
    return _base_name(method), method.motion, method.training_data, tuple(_settings(method).items())


def _labels(methods: Mapping[tuple[str, Settings], MethodRef]) -> dict[tuple[str, Settings], str]:
    """A short text per variant of one name: the settings that differ, then the training data, then the weights."""
    if len(methods) < 2:
        return {}
    settings = {key: _settings(method) for key, method in methods.items()}
    names = sorted({name for held in settings.values() for name in held})
    differing = [name for name in names if len({repr(held.get(name)) for held in settings.values()}) > 1]
    parts = {
        key: [f"{name}={_brief(held[name])}" for name in differing if name in held] or ["no option"] * bool(differing)
        for key, held in settings.items()
    }
    for extra in (_training, _weights):
        if len({tuple(text) for text in parts.values()}) == len(parts):
            break
        shared = [text for text in parts.values() if list(parts.values()).count(text) > 1]
        values = {key: extra(methods[key]) for key in parts if parts[key] in shared}
        if len(set(values.values())) > 1:
            parts = {key: [*text, values[key]] if key in values else text for key, text in parts.items()}
    return {key: ", ".join(text) for key, text in parts.items()}


def _brief(value: object) -> str:
    text = str(value)
    return text if len(text) <= 24 else f"{text[:23]}…"


def _training(method: MethodRef) -> str:
    return f"trained on {'; '.join(method.training_data)}" if method.training_data else "no training declared"


def _weights(method: MethodRef) -> str:
    return f"weights {(method.checkpoint_sha256 or method.digest)[:8]}"
