"""What a metric sees and returns: views of one pair, sets of features, and the two kinds of metric."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from dgbench.core.card import JudgeNetwork, MetricCard
from dgbench.core.face import FaceObservation, Failure, Image
from dgbench.core.pair import Pair

Role = Literal["source", "reference", "target", "generated"]
Features = NDArray[np.float32]
#: Least and greatest value that a metric can take, in its card's unit; ``None``: no limit on that side.
Range = tuple[float | None, float | None]


#: Parameter ``pixels`` of cards that are measured inside the photograph alone.
INSIDE = "inside the photograph"


def inside_card(card: MetricCard, of_what: str) -> MetricCard:
    """Return a pixel metric's card for frames whose crops may reach outside photographs.

    It is another version of the metric, for every image of such a protocol, also where a crop lies wholly inside:
    a card says what a number is of, and that must not change from one image or copy to the next. Frames that are kept
    as stored have no outside, so their protocols keep the card that they have, and its records stay comparable.
    """
    added = f" Measured inside the target's photograph alone: {of_what} that its crop pads with black are left out."
    return card.model_copy(
        update={
            "version": card.version + 1,
            "definition": card.definition + added,
            "parameters": {**card.parameters, "pixels": INSIDE},
        }
    )


class Judges(Protocol):
    """A judge set, as far as metrics need it; ``dgbench.networks.judges.Judges`` is one."""

    @property
    def networks(self) -> tuple[JudgeNetwork, ...]: ...  # noqa: D102
    @property
    def features_name(self) -> str: ...  # noqa: D102

    def observe(
        self,
        images: Sequence[Image],
        *,
        fallback: Sequence[NDArray | None] | None = None,
        roles: Collection[str] | None = None,
    ) -> Sequence[FaceObservation]:
        """Look at uint8 HWC RGB images; one answer per image, in order."""
        ...

    def features(self, images: Sequence[Image]) -> Features:
        """Return float32 (N, D) features of uint8 HWC RGB images for set metrics."""
        ...


class ImageSource(Protocol):
    """Where the images of a run come from; each call decodes once.

    ``generated`` gives a failure instead of an image where the run has none; ``target`` gives ``None`` where the
    pair has no target. Real images that should be there and are not are the caller's error to raise. An object
    may also have ``valid(pair) -> mask | None``, which pixels of the target lie inside its photograph, and
    ``landmarks(pair, role) -> Landmarks | None`` (role ``source``, ``reference`` or ``target``):
    the protocol's own points, by which a face that the detector misses is aligned.
    """

    def generated(self, pair: Pair) -> Image | Failure:  # noqa: D102
        ...

    def source(self, pair: Pair) -> Image:  # noqa: D102
        ...

    def reference(self, pair: Pair) -> Image:  # noqa: D102
        ...

    def target(self, pair: Pair) -> Image | None:  # noqa: D102
        ...


@dataclass(frozen=True)
class PairView:
    """One pair as pair metrics see it. ``generated`` is ``None`` where generation failed.

    Images and observations that no asked metric needs may be ``None``; a metric's ``images`` and ``seen`` say
    what it needs. ``valid``, bool (H, W), is where the target shows its photograph and not the padding of a crop that
    reaches outside; ``None`` where it does everywhere.
    """

    pair: Pair
    generated: Image | None = None
    target: Image | None = None
    source_image: Image | None = None
    reference_image: Image | None = None
    seen_generated: FaceObservation | None = None
    seen_source: FaceObservation | None = None
    seen_reference: FaceObservation | None = None
    seen_target: FaceObservation | None = None
    valid: NDArray[np.bool_] | None = None


class Measure(ABC):
    """What every metric says of itself; subclass :class:`PairMetric` or :class:`SetMetric`.

    Attributes:
        card: its definition, as a class attribute where one class is one metric.
        roles: judge roles it uses (detector, identity, landmarks, pose, features).
        valid_range: what a value can be; a record with another value is refused.
        companions: names of metrics that a reader needs beside this one.
        parts: those of them that are parts, floors or ceilings of this one; tables fold them out below it.
        smallest_side: least side in px of an image that it is defined on.
        decimals: how many decimals a reader is shown.
    """

    card: MetricCard
    roles: frozenset[str] = frozenset()
    valid_range: Range = (None, None)
    companions: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    smallest_side: int = 1
    decimals: int = 4

    def __init__(self, card: MetricCard | None = None) -> None:
        if card is not None:
            self.card = card

    @classmethod
    def card_by(cls, name: str, networks: Sequence[JudgeNetwork]) -> MetricCard:
        """Return the metric's card by judges with these networks: the class's, with the networks of its roles.

        ``name`` matters where one class stands for several metrics.
        """
        return cls.card.model_copy(update={"judges": cards_of(networks, cls.roles)}) if cls.roles else cls.card

    @classmethod
    def make(cls, name: str, judges: Judges | None, *, weights: Path | None = None) -> Self:
        """Return the metric; one that brings a network of its own loads it from ``weights``.

        Raises:
            MissingError: its own network is not here.
        """
        return cls(cls.card_by(name, judges.networks if judges is not None else ()))


class PairMetric(Measure):
    """A metric with one value per pair.

    Attributes:
        images: real images (roles) whose pixels it reads beside the generated image's.
        seen: roles whose observation it reads.
        of_generated: whether it measures the generated image; where not, a failed generation does not fail it.
        of_all_pairs: whether a pair's value depends on the other pairs too, so that no sample can repeat it.
        inside_card: of a metric of pixels, its card where crops may reach outside their photographs: it is then
            measured over the pixels inside alone.
    """

    images: frozenset[Role] = frozenset()
    seen: frozenset[Role] = frozenset()
    of_generated: bool = True
    of_all_pairs: bool = False
    inside_card: ClassVar[MetricCard | None] = None

    @property
    def is_inside(self) -> bool:
        """Whether it is measured inside the photograph alone."""
        return self.card.parameters.get("pixels") == INSIDE

    def inside(self) -> PairMetric:
        """Return the metric as it is where crops may reach outside their photographs: itself where that is all one."""
        return self if self.inside_card is None else type(self)(self.inside_card)

    def applies(self, pair: Pair) -> bool:
        """Whether the protocol gives this pair what the metric is defined on."""
        return pair.target is not None or not self.card.needs_target

    @abstractmethod
    def score(self, view: PairView) -> float | Failure:
        """Return the pair's value in the card's unit, or why it has none."""

    def settle(self, pairs: Sequence[Pair], scores: Sequence[float | Failure]) -> Sequence[float | Failure]:
        """Return the final scores once every pair has been seen: the same, unless a metric compares across pairs."""
        return scores

    def note(self) -> str:
        """Return what a reader must know beside the value of the settled pairs; "" where there is nothing."""
        return ""


@dataclass(frozen=True)
class SetResult:
    """Value of a set metric with what a reader must know beside it. ``value`` is ``None`` where N is too small."""

    value: float | None
    note: str = ""


class SetMetric(Measure):
    """A metric of two sets of features; the sets have one row per pair, in order of pair_id."""

    roles: frozenset[str] = frozenset({"features"})

    @abstractmethod
    def compute(self, real: Features, generated: Features) -> SetResult:
        """Return the distance of float32 (N, D) and (M, D) features."""


class OwnFeatures(SetMetric):
    """A set metric with a network of its own, which the judges do not have; pairs it has no rows for are left out.

    Attributes:
        images: real roles whose pixels it reads.
    """

    images: frozenset[Role] = frozenset()
    roles: frozenset[str] = frozenset()

    @abstractmethod
    def rows(self, view: PairView) -> tuple[Features, Features] | None:
        """Return the real and the generated feature row, float32 (D,) each, or ``None`` where there is no pair."""


Metric = PairMetric | SetMetric


def cards_of(networks: Sequence[JudgeNetwork], roles: Collection[str]) -> tuple[JudgeNetwork, ...]:
    """Return the networks of the given roles, in a fixed order, for a metric's card."""
    return tuple(sorted((n for n in networks if n.role in roles), key=lambda n: (n.role, n.name, n.sha256)))
