"""A record: one scored run with everything needed to trust, compare and repeat it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dgbench.core.card import JudgeSet, MetricCard

SCHEMA_VERSION = 2
#: How the note of a record begins that holds some of the protocol's metrics alone; such a record never ranks.
SUBSET_NOTE = "only the metrics asked for"
_FROZEN = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
Origin = Literal["measured", "reported", "third_party"]
Motion = Literal["absolute", "relative", "none"]


class ProtocolRef(BaseModel):
    """Which protocol, by content."""

    model_config = _FROZEN
    id: str
    version: int
    digest: str


#: A name that is safe as a file name, in a table cell and on a page.
PlainName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+@-]{0,119}$")]
#: A short text that begins with a letter or digit, so that no spreadsheet takes it for a formula.
PlainText = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._,:;()/+@-]{0,199}$")]


class MethodRef(BaseModel):
    """Which method, with which weights, trained on what. ``digest`` covers configuration and checkpoint."""

    model_config = _FROZEN
    name: PlainName
    digest: str
    motion: Motion
    checkpoint_sha256: str | None = None
    training_data: tuple[PlainText, ...] = ()
    parameters: dict[str, str | int | float | bool] = {}


class Interval(BaseModel):
    """A confidence interval and how it was made."""

    model_config = _FROZEN
    low: float
    high: float
    level: float = 0.95
    kind: str = "identity-clustered bootstrap"


class BinValue(BaseModel):
    """A metric over one pose bin, with its N."""

    model_config = _FROZEN
    bin: str
    n: int
    value: float | None
    interval: Interval | None = None


class MetricValue(BaseModel):
    """One metric over the run.

    ``value`` counts every expected pair, failures at the card's floor; ``measured_only`` is the value over the
    pairs that could be measured. ``n_scored`` of ``n_expected`` pairs were measured, the rest is in ``failures``
    by kind. Where nothing could be measured ``value`` is the floor (``note`` says so); it is ``None`` only where the
    metric does not apply to any pair, or a set is too small.
    """

    model_config = _FROZEN
    name: str
    card: MetricCard
    card_digest: str
    value: float | None
    interval: Interval | None = None
    measured_only: float | None = None
    n_expected: int = Field(ge=0)
    n_scored: int = Field(ge=0)
    failures: dict[str, int] = {}
    bins: tuple[BinValue, ...] = ()
    note: str = ""

    @model_validator(mode="after")
    def _counts_add_up(self) -> MetricValue:
        if self.card_digest != self.card.digest:
            raise ValueError(f"metric {self.name}: card_digest is not the digest of its card")
        if self.n_scored + sum(self.failures.values()) != self.n_expected:
            raise ValueError(f"metric {self.name}: scored and failed pairs do not add up to {self.n_expected}")
        return self


class Coverage(BaseModel):
    """How many of the protocol's pairs exist here, were generated, and failed, by kind.

    ``expected`` is the protocol's own count, ``found`` what the user's copy of the data holds. ``pair_set`` is the
    digest of the sorted pair ids of this run; ``protocol_pair_set`` that of the whole protocol.
    """

    model_config = _FROZEN
    expected: int
    found: int
    generated: int
    failed: dict[str, int] = {}
    pair_set: str
    protocol_pair_set: str

    @property
    def complete(self) -> bool:
        """Whether the run is over exactly the protocol's pairs."""
        return self.found == self.expected and self.pair_set == self.protocol_pair_set


class Code(BaseModel):
    """Which dgbench made the record."""

    model_config = _FROZEN
    version: str
    commit: str | None = None
    dirty: bool | None = None


#: A sha256 as 64 lower-case hex digits.
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Digests(BaseModel):
    """What binds the numbers of a record to images and code; ``None`` where it is not known.

    Attributes:
        outputs: ``root_digest`` of the generated images' files, by pair id.
        inputs: ``root_digest`` of the images as the method saw them, by image id: of each the sha256 of the decoded
            uint8 RGB array (shape and bytes).
        method_code: of the code of the method that ran.
        judges: of the networks that measured and the code that runs them.
    """

    model_config = _FROZEN
    outputs: Sha256 | None = None
    inputs: Sha256 | None = None
    method_code: Sha256 | None = None
    judges: Sha256 | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the digests that are not known."""
        return tuple(name for name in type(self).model_fields if getattr(self, name) is None)


class Record(BaseModel):
    """The content of ``record.json``, written last: the only mark of a finished run."""

    model_config = _FROZEN
    schema_version: Literal[2] = 2
    run_id: str
    created: str
    origin: Origin = "measured"
    protocol: ProtocolRef
    method: MethodRef
    judges: JudgeSet | None
    seed: int = 0
    coverage: Coverage
    metrics: tuple[MetricValue, ...]
    primary_metric: str
    pair_scores_sha256: str | None = None
    environment_sha256: str | None = None
    code: Code
    digests: Digests = Digests()
    source: str = ""
    notes: tuple[str, ...] = ()
    supersedes: str | None = None
