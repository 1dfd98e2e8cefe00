"""The VoxCeleb layouts: short talking clips under the names that reenactment papers read them from.

``voxceleb1`` writes ``{train,test}/{person}#{video}#{start:6}#{end:6}.mp4`` with a container rate of 10, as the
usual preparation does; ``voxceleb2`` writes the official ``{dev,test}/mp4/{person}/{video}/{utterance}.mp4``. Both
come with track files and the metadata table in their own dialect. Test ids are the official ones.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import ClassVar

import numpy as np

from dgbench.datasets.voxceleb.people import VOX1_TEST, VOX2_TEST
from dgbench.synthface.render.scene import Scene
from dgbench.synthface.sets.cells import Shot, person_number, transfer
from dgbench.synthface.sets.layouts import voxceleb_metadata as metadata
from dgbench.synthface.sets.layouts.base import Layout, Selection, Unit
from dgbench.synthface.sets.layouts.staging import everyday_background, everyday_light, someone
from dgbench.synthface.sets.motion import Motion, talking_motion

_VOX1_TEST, _VOX2_TEST = frozenset(VOX1_TEST), frozenset(VOX2_TEST)
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
VIDEOS, CLIPS = 2, 2
SHORTEST, LONGEST = 64, 110


@dataclass(frozen=True)
class Clip:
    """One stretch of a video: who, which video and utterance, and where in the video at 25 frames per second."""

    subject: str
    video: str
    utterance: str
    start: int
    frames: int
    partition: str
    take: int

    @property
    def end(self) -> int:
        """First frame after the clip."""
        return self.start + self.frames


class VoxcelebLayout(Layout):
    """Two videos of two clips for every person; one backdrop, light and set of clothes per video."""

    fields: ClassVar[Mapping[str, str]] = {
        "subject": "id10270",
        "partition": "test",
        "video": "1",
        "utterance": "00001",
    }

    @abstractmethod
    def clip_key(self, clip: Clip) -> str:
        """Return the part of a key that names the clip, between the video and the frame."""

    @abstractmethod
    def clip_path(self, clip: Clip) -> str:
        """Return where a tree keeps the clip."""

    @abstractmethod
    def partition(self, subject: str) -> str:
        """Return the official partition of a person."""

    def units(self, subject: str, selection: Selection) -> Iterator[Unit]:
        """Yield one unit per clip."""
        for number, clip in enumerate(self.clips(subject)):
            video = str(1 + number // CLIPS)
            if selection.keeps(partition=clip.partition, video=video, utterance=clip.utterance):
                yield Unit(f"{subject}+{clip.video}+{clip.utterance}", subject)

    def shots(self, unit: Unit, selection: Selection) -> list[Shot]:
        """Return the frames of a clip; a selection of fewer frames keeps the first ones."""
        clip = next(c for c in self.clips(unit.subject) if unit.name.split("+", 1)[1] == f"{c.video}+{c.utterance}")
        count = min(clip.frames, selection.frames or clip.frames)
        return [self._frame(clip, number) for number in range(count)]

    def shot(self, key: str) -> Shot:
        """Return the frame of a key ``synthface-voxceleb1/id10270/VIDEO/START-END/0000012``."""
        world, *parts = key.split("/")
        if world != self.world or len(parts) != 4 or parts[0] not in self.subjects():
            raise self.unknown_key(key)
        number = int(parts[3]) if len(parts[3]) == 7 and parts[3].isdecimal() else -1
        for clip in self.clips(parts[0]):
            if parts[1:3] == [clip.video, self.clip_key(clip)] and 0 <= number < clip.frames:
                return self._frame(clip, number)
        raise self.unknown_key(key)

    def clips(self, subject: str) -> list[Clip]:
        """Return the clips of a person, by video and utterance."""
        found = []
        for video in range(VIDEOS):
            rng = np.random.default_rng(self.draw("video", subject, video))
            name = "".join(_ALPHABET[index] for index in rng.integers(len(_ALPHABET), size=11))
            start = 0
            for number in range(CLIPS):
                start += int(rng.integers(25, 1500))
                frames = int(rng.integers(SHORTEST, LONGEST + 1))
                take = self.draw("take", subject, video, number)
                found.append(Clip(subject, name, f"{number + 1:05d}", start, frames, self.partition(subject), take))
                start += frames
        return found

    def sidecars(self, subjects: tuple[str, ...], selection: Selection) -> dict[str, bytes]:
        """Return the metadata table and the track file of every clip."""
        files = {}
        for subject in subjects:
            for unit in self.units(subject, selection):
                _, video, utterance = unit.name.split("+", 2)
                clip = next(c for c in self.clips(subject) if (c.video, c.utterance) == (video, utterance))
                files[f"txt/{subject}/{video}/{utterance}.txt"] = self._track(clip)
        return {**files, **self._tables(subjects, selection)}

    @abstractmethod
    def _track(self, clip: Clip) -> bytes: ...

    @abstractmethod
    def _tables(self, subjects: tuple[str, ...], selection: Selection) -> dict[str, bytes]: ...

    def person_of(self, subject: str) -> int:
        """Return the person of an id."""
        return person_number(self.name, int(subject[2:]))

    def performed(self, source: str, reference: Shot) -> Shot:
        """Return ``id+video`` in the reference's performance, in front of that video's backdrop and in its clothes."""
        subject, _, video = source.partition("+")
        if subject not in self.subjects() or video not in {clip.video for clip in self.clips(subject)}:
            raise self.unknown_key(f"{self.world}/{source}@")
        clip = next(clip for clip in self.clips(subject) if clip.video == video)
        scene = transfer(self._frame(clip, 0).scene, reference.scene)
        return self._as(source, self.person_of(subject), reference, scene)

    def sex(self, subject: str) -> str:
        """Return ``f`` or ``m`` by the impression that the rendered person makes."""
        return "m" if someone(self.person_of(subject), self.seed).masculinity > 0 else "f"

    def _frame(self, clip: Clip, number: int) -> Shot:
        motion = _motion(clip.take, clip.frames)
        rng = np.random.default_rng(self.draw("room", clip.subject, clip.video))
        light, background, outfit = everyday_light(rng), everyday_background(rng), int(rng.integers(1 << 16))
        zoom = float(rng.uniform(0.95, 1.15).__round__(3))
        part = self.clip_key(clip)
        sway = (round(0.0012 * float(motion.yaw[number]), 5), round(-0.0015 * float(motion.pitch[number]), 5))
        return Shot(
            key=f"{self.world}/{clip.subject}/{clip.video}/{part}/{number:07d}",
            path=self.clip_path(clip),
            person=self.person_of(clip.subject),
            scene=Scene(
                yaw=round(float(motion.yaw[number]), 4),
                pitch=round(float(motion.pitch[number]), 4),
                roll=round(float(motion.roll[number]), 4),
                expression=motion.weights(number),
                gaze=(round(float(motion.gaze[number, 0]), 3), round(float(motion.gaze[number, 1]), 3)),
                light=light,
                background=background,
                outfit=outfit,
                zoom=zoom,
                shift=sway,
            ),
            row={
                "subject": clip.subject,
                "video": clip.video,
                "clip": part,
                "frame": number,
                "source_frame": clip.start + number,
                "elevated": False,
                "container": "video",
                "split_official": clip.partition,
            },
        )


class Voxceleb1Layout(VoxcelebLayout):
    """1,251 people, id10270 to id10309 for test, as prepared for reenactment: 256 px clips that claim 10 fps."""

    name = "voxceleb1"
    title = "VoxCeleb1 clips, person#video#start#end.mp4, 1,251 people"
    default_size = 256
    pace = 10

    def subjects(self) -> tuple[str, ...]:
        """Return id10001 to id11251."""
        return _ids(10_001, 11_251)

    def clip_key(self, clip: Clip) -> str:
        """Return ``START-END``, six digits each."""
        return f"{clip.start:06d}-{clip.end:06d}"

    def clip_path(self, clip: Clip) -> str:
        """Return ``{train,test}/{person}#{video}#{start}#{end}.mp4``."""
        folder = "test" if clip.partition == "test" else "train"
        return f"{folder}/{clip.subject}#{clip.video}#{clip.start:06d}#{clip.end:06d}.mp4"

    def partition(self, subject: str) -> str:
        """Return ``test`` for id10270 to id10309, else ``dev``."""
        return "test" if subject in _VOX1_TEST else "dev"

    def _track(self, clip: Clip) -> bytes:
        return metadata.track(clip.subject, clip.video, clip.start, clip.frames, fractions=False)

    def _tables(self, subjects: tuple[str, ...], selection: Selection) -> dict[str, bytes]:
        clips = [
            (clip.subject, clip.video, clip.start, clip.end, "test" if clip.partition == "test" else "train")
            for subject in subjects
            for clip in self.clips(subject)
            if any(f"{clip.video}+{clip.utterance}" in unit.name for unit in self.units(subject, selection))
        ]
        people = [(subject, self.sex(subject), self.partition(subject)) for subject in subjects]
        return {"vox-metadata.csv": metadata.clip_table(clips), "vox1_meta.csv": metadata.vox1_people(people)}


class Voxceleb2Layout(VoxcelebLayout):
    """6,112 people, the official 118 for test, as officially released: 224 px clips at 25 fps."""

    name = "voxceleb2"
    title = "VoxCeleb2 official clips, mp4/person/video/utterance.mp4, 6,112 people"
    default_size = 224
    pace = 25

    def subjects(self) -> tuple[str, ...]:
        """Return the 118 test ids and the 5,994 lowest others, among which the real ids are not told apart."""
        return _vox2_people()

    def clip_key(self, clip: Clip) -> str:
        """Return the utterance, five digits."""
        return clip.utterance

    def clip_path(self, clip: Clip) -> str:
        """Return ``{dev,test}/mp4/{person}/{video}/{utterance}.mp4``."""
        return f"{clip.partition}/mp4/{clip.subject}/{clip.video}/{clip.utterance}.mp4"

    def partition(self, subject: str) -> str:
        """Return ``test`` for the official test people, else ``dev``."""
        return "test" if subject in _VOX2_TEST else "dev"

    def _track(self, clip: Clip) -> bytes:
        return metadata.track(clip.subject, clip.video, clip.start, clip.frames, fractions=True)

    def _tables(self, subjects: tuple[str, ...], selection: Selection) -> dict[str, bytes]:
        people = [(subject, self.sex(subject), self.partition(subject)) for subject in subjects]
        return {"vox2_meta.csv": metadata.vox2_people(people)}


def _ids(first: int, last: int) -> tuple[str, ...]:
    return tuple(f"id{number:05d}" for number in range(first, last + 1))


@cache
def _vox2_people() -> tuple[str, ...]:
    others = [subject for subject in _ids(1, 6_200) if subject not in _VOX2_TEST]
    return tuple(sorted((*VOX2_TEST, *others[: 6_112 - len(VOX2_TEST)])))


@lru_cache(maxsize=8)
def _motion(take: int, frames: int) -> Motion:
    return talking_motion(frames, seed=take)
