"""Who is who in VoxCeleb1 and 2: which ids belong to which set, and who is for testing, by the official rules."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ID = re.compile(r"id[0-9]{5}")

#: VoxCeleb1's 40 test people by the official list: id10270 to id10309, without a gap.
VOX1_TEST: tuple[str, ...] = tuple(f"id{number}" for number in range(10270, 10310))
#: VoxCeleb2's 118 official test people (the set's metadata; the same ids stand in the script crop_vox.py of
#: AliaksandrSiarohin/video-preprocessing).
VOX2_TEST: tuple[str, ...] = tuple(
    (
        "id00017 id00061 id00081 id00154 id00419 id00562 id00812 id00817 id00866 id00926 id01000 id01041 "
        "id01066 id01106 id01224 id01228 id01298 id01333 id01437 id01460 id01509 id01541 id01567 id01593 "
        "id01618 id01822 id01892 id01989 id02019 id02057 id02086 id02181 id02286 id02317 id02445 id02465 "
        "id02542 id02548 id02576 id02577 id02685 id02725 id02745 id03030 id03041 id03127 id03178 id03347 "
        "id03382 id03524 id03677 id03789 id03839 id03862 id03969 id03978 id03980 id03981 id04006 id04030 "
        "id04094 id04119 id04232 id04253 id04276 id04295 id04366 id04478 id04536 id04570 id04627 id04656 "
        "id04657 id04862 id04950 id05015 id05055 id05124 id05176 id05202 id05459 id05594 id05654 id05714 "
        "id05816 id05850 id05999 id06104 id06209 id06310 id06484 id06692 id06811 id06816 id06913 id07312 "
        "id07354 id07396 id07414 id07426 id07494 id07620 id07621 id07663 id07802 id07868 id07874 id07961 "
        "id08149 id08374 id08392 id08456 id08548 id08552 id08696 id08701 id08911 id09017 "
    ).split()
)


@dataclass(frozen=True)
class VoxSet:
    """One of the two sets: its name, the prefix of its keys, its test people and what a complete copy holds."""

    dataset: str
    prefix: str
    test: frozenset[str]
    people: int
    test_people: int

    def owns(self, person: str) -> bool:
        """Whether an id is of this set: ``id1dddd`` is VoxCeleb1, ``id0dddd`` is VoxCeleb2; they share none."""
        if not _ID.fullmatch(person):
            return False
        if self.dataset == "voxceleb1":
            return 10001 <= int(person[2:]) <= 11251
        return person[2] == "0"

    def split(self, person: str) -> str:
        """Return ``test`` or ``dev`` by the official rule, whatever folder the file lies in."""
        return "test" if person in self.test else "dev"


VOX1 = VoxSet("voxceleb1", "vox1", frozenset(VOX1_TEST), people=1251, test_people=40)
VOX2 = VoxSet("voxceleb2", "vox2", frozenset(VOX2_TEST), people=6112, test_people=118)
