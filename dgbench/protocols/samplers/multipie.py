"""Multi-PIE pairs: same shot of light, truth from the same session, head-height cameras only.

The expression of an image follows from (session, recording); hair, clothes and glasses change between sessions. So
source, reference and target of a pair always share session number and shot, and a target shares the reference's
recording and camera: the same expression from the same side.
"""

from __future__ import annotations

from collections import defaultdict

import pandas as pd

from dgbench.core.errors import UsageError
from dgbench.core.pair import Pair
from dgbench.core.protocol import Protocol
from dgbench.datasets.multipie import EXPRESSIONS, YAWS, multipie_key
from dgbench.protocols.samplers.common import Shot, circle_of, generator, make_pair, number, people_of, real, word
from dgbench.protocols.samplers.roles import sample_one_role

#: Cameras from image-left to image-right profile: order of label is not order of angle.
_BY_YAW = sorted(YAWS, key=lambda camera: YAWS[camera])
_REDUNDANT_SHOT = 19
#: Draws that a wanted pair may cost.
_TRIES = 10


def sample_multipie(frames: pd.DataFrame, protocol: Protocol) -> list[Pair]:
    """Return, per test person, one pair for each camera whose |yaw| is at least ``min_reference_yaw``.

    Each person is used in one session, drawn among those in which they are here. The source is the session's neutral
    recording 01 from a camera with |yaw| up to ``max_source_yaw`` (drawn where there are several); the reference's
    recording is drawn per camera. Parameters also: ``relation`` self or cross, and ``shot``.

    Raises:
        UsageError: a parameter is missing or has no meaning.
    """
    relation, shot = word(protocol, "relation"), number(protocol, "shot")
    if relation not in ("self", "cross") or shot == _REDUNDANT_SHOT:
        raise UsageError(f"{protocol.name}: relation is self or cross, and shot 19 repeats shot 00")
    sources = [camera for camera in _BY_YAW if abs(YAWS[camera]) <= real(protocol, "max_source_yaw")]
    cameras = [camera for camera in _BY_YAW if abs(YAWS[camera]) >= real(protocol, "min_reference_yaw")]
    people = people_of(frames, protocol)
    have = _usable(frames, people, shot)
    session_of = _draw_sessions(protocol, people, have, shot)
    pairs = []
    for session, members in _together(session_of):
        recordings = _recordings(session)
        circle = circle_of(protocol, members, session)
        for place, person in enumerate(circle):
            for camera in cameras:
                draw = generator(protocol, person, camera)
                source = (session, 1, sources[int(draw.integers(len(sources)))], shot)
                # Never the source's own cell: there the target is the source itself, and copying it would be right.
                choices = [r for r in recordings if (session, r, camera, shot) != source]
                cell = (session, choices[int(draw.integers(len(choices)))], camera, shot)
                other = person
                if relation == "cross":
                    if len(circle) < 2:
                        continue  # nobody else is here in this session
                    step = 1 + int(generator(protocol, "step", session, camera).integers(20)) % (len(circle) - 1)
                    other = circle[(place + step) % len(circle)]
                pair = _pair(protocol, (person, source), (other, cell))
                if all(key in have for key in pair.keys):
                    pairs.append(pair)
    return pairs


def sample_multipie_one_role(frames: pd.DataFrame, protocol: Protocol) -> list[Pair]:
    """Return cross pairs in which each person is shown from one side and asked for from the other.

    As :func:`sample_multipie`, but the people of a session fall into two halves: one is shown by the cameras of
    negative yaw and asked for by those of positive yaw, the other the other way round. The frontal camera is for
    sources alone. Parameters: ``max_source_yaw``, ``min_reference_yaw``, ``shot``, and ``rounds``, the pairs for each
    person and camera, in another recording each as far as the session has them.
    """
    shot = number(protocol, "shot")
    people = people_of(frames, protocol)
    have = _usable(frames, people, shot)
    sources = [camera for camera in _BY_YAW if abs(YAWS[camera]) <= real(protocol, "max_source_yaw")]
    cameras = [camera for camera in _BY_YAW if abs(YAWS[camera]) >= max(real(protocol, "min_reference_yaw"), 1)]
    pairs: list[Pair] = []
    for session, members in _together(_draw_sessions(protocol, people, have, shot)):

        def pair(person: str, source: str, other: str, camera: str, turn: int, at: int = session) -> Pair:
            order = generator(protocol, "recordings", person, camera).permutation(_recordings(at))
            cell = (at, int(order[turn % len(order)]), camera, shot)
            return _pair(protocol, (person, (at, 1, source, shot)), (other, cell))

        pairs += sample_one_role(
            protocol,
            members,
            views=cameras,
            side=lambda camera: int(YAWS[camera] > 0),
            sources=lambda half: sources,
            rounds=number(protocol, "rounds"),
            pair=pair,
            where=(session,),
        )
    return [pair for pair in pairs if all(key in have for key in pair.keys)]


def sample_multipie_training(frames: pd.DataFrame, protocol: Protocol) -> list[Pair]:
    """Return ``pairs_per_person`` pairs of one person: any two head-height cameras and recordings of one session.

    The shot of light is drawn among those of the copy except 19 and is the same in both images. With parameter
    ``one_session`` all pairs of a person come from one session, drawn among theirs, and a pair drawn twice is drawn
    anew, so that everyone has equally many.
    """
    wanted, one_session = number(protocol, "pairs_per_person"), bool(protocol.pairing.parameters.get("one_session"))
    people = people_of(frames, protocol)
    mine = frames[frames["subject"].isin(people) & _level(frames) & (frames["illumination"] != _REDUNDANT_SHOT)]
    pairs = []
    for subject, group in mine.groupby("subject", sort=True):
        person = str(subject)
        cells: dict[tuple[int, int], list[tuple[int, str]]] = defaultdict(list)
        rows = group[["session", "recording", "camera", "illumination"]].itertuples(index=False)
        for session, recording, camera, shot in rows:
            cells[int(session), int(shot)].append((int(recording), str(camera)))
        light = sorted(key for key, members in cells.items() if len(members) > 1)
        if one_session:
            here = sorted({session for session, _ in light})
            chosen = here[int(generator(protocol, "session", person).integers(len(here)))]
            light = [key for key in light if key[0] == chosen]
        draw = generator(protocol, person)
        seen: set[str] = set()
        for _ in range(wanted * (_TRIES if one_session else 1) if light else 0):
            if len(seen) == wanted:
                break
            session, shot = light[int(draw.integers(len(light)))]
            members = sorted(cells[session, shot])
            first, second = (members[i] for i in draw.permutation(len(members))[:2])
            pair = _pair(protocol, (person, (session, *first, shot)), (person, (session, *second, shot)))
            if pair.pair_id not in seen:
                seen.add(pair.pair_id)
                pairs.append(pair)
    return pairs


def _recordings(session: int) -> list[int]:
    return sorted(recording for at, recording in EXPRESSIONS if at == session)


def _together(session_of: dict[str, int]) -> list[tuple[int, list[str]]]:
    """Return (session, its people) in order of session."""
    groups: dict[int, list[str]] = defaultdict(list)
    for person, session in session_of.items():
        groups[session].append(person)
    return sorted(groups.items())


def _level(frames: pd.DataFrame) -> pd.Series:
    """Which rows come from a head-height camera of the multiview rig."""
    return frames["yaw_nominal"].notna() & ~frames["elevated"].fillna(True).astype(bool)


def _usable(frames: pd.DataFrame, people: list[str], shot: int) -> set[str]:
    return set(frames["key"][frames["subject"].isin(people) & _level(frames) & (frames["illumination"] == shot)])


def _draw_sessions(protocol: Protocol, people: list[str], have: set[str], shot: int) -> dict[str, int]:
    """Draw one session per person among those in which the frontal neutral image is here."""
    drawn = {}
    for person in people:
        order = generator(protocol, "session", person).permutation(4) + 1
        here = [int(s) for s in order if multipie_key(person, int(s), 1, "05_1", shot) in have]
        if here:
            drawn[person] = here[0]
    return drawn


def _pair(
    protocol: Protocol, source: tuple[str, tuple[int, int, str, int]], reference: tuple[str, tuple[int, int, str, int]]
) -> Pair:
    (person, source_cell), (other, cell) = source, reference
    return make_pair(
        protocol,
        Shot(multipie_key(person, *source_cell), person, YAWS[source_cell[2]]),
        Shot(multipie_key(other, *cell), other, YAWS[cell[2]]),
        target=multipie_key(person, *cell),
        label=f"{person}-{_cell(source_cell)}--{other}-{_cell(cell)}",
    )


def _cell(cell: tuple[int, int, str, int]) -> str:
    session, recording, camera, shot = cell
    return f"s{session}r{recording:02d}-{camera}-{shot:02d}"
