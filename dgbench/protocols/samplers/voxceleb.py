"""VoxCeleb pairs: the same number of pairs for every person, however unevenly clips are spread over people.

Clips are taken in the order of a digest of their keys and frames in a seeded order within each clip, clip after
clip in rounds, so that one missing clip changes only the pairs that touch it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from math import isnan
from typing import NamedTuple

import numpy as np
import pandas as pd

from dgbench.core.errors import MissingError
from dgbench.core.pair import Pair
from dgbench.core.protocol import Protocol
from dgbench.datasets.voxceleb.index import digest_order
from dgbench.protocols.samplers.common import (
    Shot,
    circle_of,
    cyclic_partner,
    generator,
    make_pair,
    number,
    people_of,
    real,
)


class _Clip(NamedTuple):
    """The frames of one clip in order of time; ``variant`` tells lossless from lossy copies."""

    key: str
    video: str
    variant: str
    shots: list[Shot]


def sample_voxceleb_self(frames: pd.DataFrame, protocol: Protocol) -> list[Pair]:
    """Return ``pairs_per_person`` pairs per person: source = first frame of a clip, reference = target = a later one.

    At most ``clips_per_person`` clips; one frame of each clip per round until the number is reached.
    """
    wanted, limit = number(protocol, "pairs_per_person"), number(protocol, "clips_per_person")
    pairs = []
    for clips in _clips(frames, protocol, limit=limit).values():
        drawn = _rounds(protocol, [clip for clip in clips if len(clip.shots) > 1], first=1)
        for clip, shot in islice(drawn, wanted):
            pairs.append(make_pair(protocol, clip.shots[0], shot, target=shot.key, copies=(clip.variant,)))
    return pairs


def sample_voxceleb_cross(frames: pd.DataFrame, protocol: Protocol) -> list[Pair]:
    """Return ``pairs_per_person`` pairs per source person; references are frames of other people's clips.

    The source is the first frame of a clip of the person. Partners are shifts of one seeded circle of people, so
    everyone is a reference as often as a source. There is no target: nobody filmed it.
    """
    wanted, limit = number(protocol, "pairs_per_person"), number(protocol, "clips_per_person")
    people = _clips(frames, protocol, limit=limit)
    names = sorted(people)
    if len(names) < 2:
        return []
    circle = circle_of(protocol, names)
    shifts = generator(protocol, "shifts").permutation(len(names) - 1)
    pools = {name: list(islice(_rounds(protocol, people[name], first=0), wanted)) for name in names}
    pairs = {}
    for name in names:
        clips = people[name]
        for slot in range(wanted):
            other = cyclic_partner(circle, name, int(shifts[slot % len(shifts)]))
            there, shot = pools[other][slot % len(pools[other])]
            here = clips[slot % len(clips)]
            copies = (here.variant, there.variant)
            pair = make_pair(protocol, here.shots[0], shot, target=None, copies=copies)
            pairs[pair.pair_id] = pair
    return list(pairs.values())


def sample_voxceleb_largepose(frames: pd.DataFrame, protocol: Protocol) -> list[Pair]:
    """Return up to ``pairs_per_person`` pairs of one video: source near frontal, reference = target far turned.

    Source |yaw| ≤ ``max_source_yaw``, reference |yaw| ≥ ``min_reference_yaw`` by the estimated yaw of the manifest;
    both from one video, since there the person, clothes and light are the same. The source is the first such frame.

    Raises:
        MissingError: the manifest holds no estimated yaw for these people.
    """
    wanted, limit = number(protocol, "pairs_per_person"), number(protocol, "clips_per_person")
    near, far = real(protocol, "max_source_yaw"), real(protocol, "min_reference_yaw")
    people = _clips(frames, protocol, limit=limit)
    if people and not any(shot.yaw is not None for clips in people.values() for clip in clips for shot in clip.shots):
        raise MissingError(
            f"{protocol.name} chooses frames by estimated head pose and this copy has none yet: run "
            f"`dgbench data prepare {protocol.id} --data ROOT --out STORE`, which estimates and keeps them"
        )
    pairs = []
    for clips in people.values():
        sources: dict[str, Shot] = {}
        turned = []
        for clip in sorted(clips, key=lambda clip: clip.key):
            for shot in clip.shots:
                if shot.yaw is not None and abs(shot.yaw) <= near:
                    sources.setdefault(clip.video, shot)
        for clip in clips:
            shots = [shot for shot in clip.shots if shot.yaw is not None and abs(shot.yaw) >= far]
            if shots and clip.video in sources:
                turned.append(clip._replace(shots=shots))
        for clip, shot in islice(_rounds(protocol, turned, first=0), wanted):
            pairs.append(make_pair(protocol, sources[clip.video], shot, target=shot.key, copies=(clip.variant,)))
    return pairs


def sample_voxceleb_training(frames: pd.DataFrame, protocol: Protocol) -> list[Pair]:
    """Return ``pairs_per_person`` pairs of two different frames of one clip, clips in rounds."""
    wanted, limit = number(protocol, "pairs_per_person"), number(protocol, "clips_per_person")
    pairs: list[Pair] = []
    for clips in _clips(frames, protocol, limit=limit).values():
        usable = [clip for clip in clips if len(clip.shots) > 1]
        for clip, shot in islice(_rounds(protocol, usable, first=0), wanted):
            others = [other for other in clip.shots if other.key != shot.key]
            draw = generator(protocol, "source", shot.key)
            other = others[int(draw.integers(len(others)))]
            pairs.append(make_pair(protocol, other, shot, target=shot.key, copies=(clip.variant,)))
    return pairs


def _rounds(protocol: Protocol, clips: list[_Clip], *, first: int) -> Iterator[tuple[_Clip, Shot]]:
    """Yield frames from position ``first`` on, one per clip and round, each clip in its own seeded order."""
    orders = []
    for clip in clips:
        count = len(clip.shots) - first
        orders.append(generator(protocol, clip.key).permutation(count) + first if count > 0 else np.zeros(0, int))
    for turn in range(max(map(len, orders), default=0)):
        for clip, order in zip(clips, orders, strict=True):
            if turn < len(order):
                yield clip, clip.shots[int(order[turn])]


def _clips(frames: pd.DataFrame, protocol: Protocol, *, limit: int) -> dict[str, list[_Clip]]:
    """Return person → at most ``limit`` clips in digest order, each with its frames in order of time."""
    people = set(people_of(frames, protocol))
    mine = frames[frames["subject"].isin(people) & frames["frame"].notna()]
    columns = [mine[name].tolist() for name in ("subject", "video", "variant", "key", "frame", "yaw")]
    found: dict[str, dict[str, list[tuple[int, str, float]]]] = {}
    about: dict[str, tuple[str, str]] = {}
    for subject, video, variant, key, frame, yaw in zip(*columns, strict=True):
        clip = key.rpartition("/")[0]
        about[clip] = (video, variant)
        found.setdefault(subject, {}).setdefault(clip, []).append((frame, key, yaw))
    chosen = {}
    for subject in sorted(found):
        kept = sorted(found[subject], key=digest_order)[:limit]
        chosen[subject] = [
            _Clip(
                clip,
                *about[clip],
                [Shot(key, subject, None if isnan(yaw) else yaw) for _, key, yaw in sorted(found[subject][clip])],
            )
            for clip in kept
        ]
    return chosen
