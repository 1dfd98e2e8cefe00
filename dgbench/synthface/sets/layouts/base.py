"""What every layout is: people, units of work, the images of a unit, and the metadata files beside them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from dgbench.core.digests import seed_of
from dgbench.core.errors import UsageError, did_you_mean
from dgbench.synthface.render.scene import Scene
from dgbench.synthface.sets.cells import Shot


@dataclass(frozen=True)
class Selection:
    """Which part of a world to write.

    Attributes:
        identities: how many people, spread evenly over the layout's list; ``None`` for all.
        only: field → the values to keep, as written in names (``camera`` → ``{"090"}``).
        frames: at most this many frames of a clip; ``None`` for all.
    """

    identities: int | None = None
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)
    frames: int | None = None

    def keeps(self, **values: str) -> bool:
        """Whether every named field is free or has one of the wanted values."""
        return all(name not in self.only or value in self.only[name] for name, value in values.items())


@dataclass(frozen=True)
class Unit:
    """Work that is done, marked done and resumed as one: a person, a session of a person, or a clip."""

    name: str
    subject: str


class Layout(ABC):
    """One on-disk grammar. A layout only plans; it renders and writes nothing."""

    name: ClassVar[str]
    title: ClassVar[str]
    default_size: ClassVar[int]
    #: What ``--subset`` may name, with an example value for the message that lists them.
    fields: ClassVar[Mapping[str, str]]
    #: Width and height of a written image as multiples of ``size``: the middle of the rendered square.
    aspect: ClassVar[tuple[float, float]] = (1.0, 1.0)
    #: Zoom of every scene of the layout, 1 = the head fills the square.
    zoom: ClassVar[float] = 1.0

    #: Frames per second that the containers of clips claim; 0 where images are stills.
    pace: ClassVar[int] = 0

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    @property
    def world(self) -> str:
        """Name of this world in keys and seeds."""
        return f"synthface-{self.name}"

    def draw(self, *parts: object) -> int:
        """Return a seed for ``parts`` of this world."""
        return seed_of(self.world, self.seed, *parts)

    @abstractmethod
    def subjects(self) -> tuple[str, ...]:
        """Return every person of the layout, sorted."""

    @abstractmethod
    def units(self, subject: str, selection: Selection) -> Iterator[Unit]:
        """Yield the units of one person, in order; units without a selected image are left out."""

    @abstractmethod
    def shots(self, unit: Unit, selection: Selection) -> list[Shot]:
        """Return the images of a unit in the order in which they are written."""

    @abstractmethod
    def shot(self, key: str) -> Shot:
        """Return the image that ``key`` names.

        Raises:
            UsageError: no image of this layout has that key.
        """

    @abstractmethod
    def person_of(self, subject: str) -> int:
        """Return the number of the person who is ``subject``."""

    def performed(self, source: str, reference: Shot) -> Shot:
        """Return the true target of a cross pair: ``source`` in the reference's pose, expression, gaze and light.

        Its key is the reference's with ``source@`` before the subject. No tree holds this image; it is rendered.

        Raises:
            UsageError: no such source.
        """
        if source not in self.subjects():
            raise self.unknown_key(f"{self.world}/{source}@")
        return self._as(source, self.person_of(source), reference, reference.scene)

    def resolve(self, key: str) -> Shot:
        """Return the image of any key, with or without another performer (``synthface-rafd/01@05/…``)."""
        world, _, rest = key.partition("/")
        who, slash, place = rest.partition("/")
        source, at, performer = who.partition("@")
        if not at:
            return self.shot(key)
        return self.performed(source, self.shot(f"{world}/{performer}{slash}{place}"))

    def _as(self, source: str, person: int, reference: Shot, scene: Scene) -> Shot:
        world, _, rest = reference.key.partition("/")
        return replace(reference, key=f"{world}/{source}@{rest}", path="", person=person, scene=scene)

    def sidecars(self, subjects: tuple[str, ...], selection: Selection) -> dict[str, bytes]:
        """Return relative path → content of the metadata files that come with the set."""
        return {}

    def chosen(self, selection: Selection) -> tuple[str, ...]:
        """Return the selected people.

        Raises:
            UsageError: an unknown field or person, or more people than the layout has.
        """
        known = self.subjects()
        for name in selection.only:
            if name not in self.fields:
                listed = ", ".join(f"{key}={example}" for key, example in self.fields.items())
                raise UsageError(
                    f"layout {self.name} has no field '{name}' to choose by (it has {listed})."
                    f"{did_you_mean(name, list(self.fields))}"
                )
        wanted = selection.only.get("subject")
        if wanted is not None:
            if unknown := sorted(wanted - set(known)):
                raise UsageError(
                    f"layout {self.name} has no subject '{unknown[0]}' (for example {known[0]}, {known[-1]})"
                )
            known = tuple(subject for subject in known if subject in wanted)
        if selection.only:
            known = tuple(subject for subject in known if any(True for _ in self.units(subject, selection)))
        count = selection.identities
        if count is None:
            return known
        if not 1 <= count <= len(known):
            raise UsageError(f"--identities must be 1..{len(known)} for this choice of layout {self.name}, got {count}")
        return tuple(known[index * len(known) // count] for index in range(count))

    def canvas(self, size: int) -> tuple[int, int]:
        """Return (width, height) of a written image, cut from the middle of a rendered square of ``size``."""
        width, height = (2 * round(factor * size / 2) for factor in self.aspect)
        return width, height

    def unknown_key(self, key: str) -> UsageError:
        """Return the error for a key that names nothing here."""
        return UsageError(f"'{key}' is no image of {self.world}")
