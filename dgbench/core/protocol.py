"""A protocol: data set, split, pairs, image frame and metrics, as reviewable data with one digest."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dgbench.core.digests import digest

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NUMBER = re.compile(r"\d+")
_FROZEN = ConfigDict(frozen=True, extra="forbid")


class IdList(BaseModel):
    """People named one by one."""

    model_config = _FROZEN
    kind: Literal["ids"] = "ids"
    ids: tuple[str, ...]

    def matches(self, subject: str) -> bool:
        """Whether ``subject`` is one of the ids."""
        return subject in self.ids


class NumberRange(BaseModel):
    """People whose number (the last run of digits in the id) lies in ``first..last``, both included."""

    model_config = _FROZEN
    kind: Literal["number_range"] = "number_range"
    first: int
    last: int

    def matches(self, subject: str) -> bool:
        """Whether the subject's number lies in the range; never depends on which people were found on disk."""
        return self.first <= subject_number(subject) <= self.last


class NumberModulo(BaseModel):
    """People whose number (the last run of digits in the id) leaves one of ``remainders`` modulo ``modulus``."""

    model_config = _FROZEN
    kind: Literal["number_modulo"] = "number_modulo"
    modulus: int
    remainders: tuple[int, ...]

    def matches(self, subject: str) -> bool:
        """Whether the subject's number leaves one of the remainders."""
        return subject_number(subject) % self.modulus in self.remainders


class AllExcept(BaseModel):
    """Everyone but the people named one by one."""

    model_config = _FROZEN
    kind: Literal["all_except"] = "all_except"
    ids: tuple[str, ...]

    def matches(self, subject: str) -> bool:
        """Whether ``subject`` is none of the ids."""
        return subject not in self.ids


PeopleRule = Annotated[IdList | NumberRange | NumberModulo | AllExcept, Field(discriminator="kind")]


def subject_number(subject: str) -> int:
    """Return the last run of digits of a subject id as a number: ``id10270`` → 10270, ``007`` → 7.

    Raises:
        ValueError: the id holds no digit.
    """
    runs = _NUMBER.findall(subject)
    if not runs:
        raise ValueError(f"subject id {subject!r} holds no number; a number rule cannot be applied to it")
    return int(runs[-1])


class Split(BaseModel):
    """Who is for training and who for testing, by rules that never look at what is on disk."""

    model_config = _FROZEN
    rule: str
    train: PeopleRule
    test: PeopleRule


class Pairing(BaseModel):
    """Which registered sampler makes the pairs, with its seed and parameters, and the rule in words."""

    model_config = _FROZEN
    rule: str
    sampler: str
    seed: int
    parameters: dict[str, str | int | float | bool] = {}


class Frame(BaseModel):
    """The declared image frame: every image of the protocol is brought into it before anything else.

    ``crop`` is one of the kinds of :mod:`dgbench.preprocess.crop`; ``landmarks`` names where the points that
    decide the crop come from, in order of preference (``frozen``, ``truth``, ``yunet``, …).
    """

    model_config = _FROZEN
    size: int = Field(ge=32, le=1024)
    crop: Literal["as-stored", "eye-mouth", "arcface-template", "fomm-tube"]
    landmarks: tuple[str, ...] = ()


class Protocol(BaseModel):
    """A released (id, version) never changes; its digest is written into every record.

    ``pairs`` is ``frozen`` where the list lies beside the YAML as ``pairs.csv.gz`` (then ``pairs_sha256`` is the
    digest of its uncompressed bytes) and ``built`` where the rule builds it from the manifest of the user's copy.
    ``min_coverage`` is advice: under this share of the expected pairs a run is not worth making. It ranks nothing; only
    a record over every pair is ranked (:attr:`dgbench.core.record.Coverage.complete`).
    """

    model_config = _FROZEN

    id: str
    version: int = Field(ge=1)
    title: str
    purpose: Literal["test", "train"] = "test"
    dataset: str
    variant: str = "original"
    split: Split
    pairing: Pairing
    pairs: Literal["frozen", "built"]
    expected_pairs: int | None = None
    pairs_sha256: str | None = None
    landmarks_sha256: str | None = None
    frame: Frame
    pose_bins: tuple[float, ...] = ()
    metrics: tuple[str, ...]
    primary_metric: str
    min_coverage: float = Field(default=1.0, gt=0, le=1)
    licence: str = ""
    images_may_be_shown: bool = False

    @field_validator("id")
    @classmethod
    def _id_is_plain(cls, value: str) -> str:
        if not _ID.fullmatch(value):
            raise ValueError(f"protocol id {value!r} must be lower-case words joined by '-'")
        return value

    @model_validator(mode="after")
    def _is_consistent(self) -> Protocol:
        if self.primary_metric not in self.metrics:
            raise ValueError(f"primary_metric {self.primary_metric!r} is not among the metrics")
        if self.pairs == "frozen" and (self.pairs_sha256 is None or self.expected_pairs is None):
            raise ValueError("a frozen pair list needs pairs_sha256 and expected_pairs")
        if list(self.pose_bins) != sorted(set(self.pose_bins)):
            raise ValueError("pose_bins must increase")
        return self

    @property
    def name(self) -> str:
        """``id@version``, as written in commands and tables."""
        return f"{self.id}@{self.version}"

    @property
    def digest(self) -> str:
        """sha256 over every field; changes with any of them."""
        return digest(self.model_dump(mode="json"))
