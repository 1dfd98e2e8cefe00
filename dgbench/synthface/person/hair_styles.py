"""The table of hair styles: lengths, where the hair runs, and how it behaves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """How a style grows.

    Attributes:
        top, side, back: lengths in centimetres.
        flow: the direction over the scalp: ``crown`` (away from the crown), ``part`` (to both sides of a parting),
            ``back`` (away from the face), ``knot`` (to a knot behind), ``out`` (straight off the scalp).
        lift: 0 lies flat, 1 stands up.
        gravity: how soon hair falls.
        volume: thickness of the layers above the scalp, centimetres.
        curl: radius of the locks' coils, centimetres; turns: coils along the length.
        fringe: degrees that hair may hang below the hairline in front; negative keeps it off the face.
        count: ribbons; width: of each, centimetres; rows: points along each.
        recede: see ``scalp.scalp_field``.
    """

    top: float
    side: float
    back: float
    flow: str
    lift: float = 0.25
    gravity: float = 0.15
    volume: float = 0.8
    curl: float = 0.0
    turns: float = 0.0
    fringe: float = 0.0
    count: int = 1300
    width: float = 0.55
    rows: int = 7
    recede: float = 0.0


STYLES: dict[str, Style | None] = {
    "bald": None,
    "buzz": Style(0.75, 0.55, 0.55, "crown", 0.3, 0.0, 0.12, count=3000, width=0.26, rows=2),
    "crop": Style(3.2, 1.6, 1.6, "crown", 0.45, 0.06, 0.7, fringe=7, count=1400, rows=5),
    "side-part": Style(7.0, 2.6, 2.4, "part", 0.38, 0.12, 1.5, fringe=2, count=1300, rows=7),
    "swept-back": Style(8.0, 4.0, 5.0, "back", 0.40, 0.10, 1.4, fringe=-4, count=1200, rows=8),
    "curly": Style(5.5, 4.2, 4.0, "crown", 0.75, 0.04, 1.9, 0.55, 2.6, fringe=7, count=1050, width=0.66, rows=8),
    "afro": Style(5.2, 4.6, 4.8, "out", 0.95, 0.0, 1.2, 0.45, 3.2, fringe=3, count=1150, width=0.66, rows=8),
    "bowl": Style(11.0, 6.5, 6.5, "crown", 0.22, 0.3, 1.1, fringe=24, count=1000, width=0.65, rows=8),
    "bob": Style(19.0, 15.0, 12.0, "part", 0.2, 0.45, 1.4, fringe=0, count=480, width=1.0, rows=8),
    "long": Style(34.0, 28.0, 26.0, "part", 0.16, 0.55, 1.3, fringe=-2, count=460, width=1.1, rows=10),
    "long-wavy": Style(30.0, 26.0, 24.0, "part", 0.28, 0.5, 1.9, 0.55, 2.4, fringe=-2, count=480, width=1.1, rows=13),
    "bun": Style(17.0, 13.0, 12.0, "knot", 0.06, 0.0, 0.55, fringe=-6, count=750, width=0.8, rows=7),
    "ponytail": Style(18.0, 14.0, 13.0, "knot", 0.08, 0.0, 0.6, fringe=-6, count=750, width=0.8, rows=7),
    "receding": Style(2.8, 2.2, 2.2, "crown", 0.35, 0.08, 0.5, fringe=3, count=1200, rows=5, recede=1.0),
}
