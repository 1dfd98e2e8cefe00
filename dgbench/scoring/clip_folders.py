"""Clips as users have them: two folders of videos or of frame folders, the same names in both."""

from __future__ import annotations

import unicodedata
from functools import partial
from pathlib import Path

from dgbench.core.errors import MissingError, UsageError
from dgbench.core.face import Failure, Image
from dgbench.datasets.listing import VIDEO_SUFFIXES
from dgbench.io.images import ImageError, read_image
from dgbench.io.video import decode_frames
from dgbench.scoring.clips import Clip, Frames
from dgbench.scoring.frame_names import Label, frame_files, match_frames, require_every_frame


def clips_in_folders(generated: Path, real: Path) -> list[Clip]:
    """Pair the clips of two folders by name; every clip of ``real`` is expected.

    A clip is a video file, or a folder that holds its frames as images, which numbers in their names put in order
    and match. Its person is the folder that it lies in, its own name where it lies in none: ``id10270/abc.mp4`` is of
    ``id10270``. A generated clip may be in another container than the real one. Names in either Unicode form are one.

    Raises:
        MissingError: a folder is not there. UsageError: ``real`` holds no clip, two of one name, or not one clip of
            ``generated`` has the name of a real one.
    """
    for folder in (generated, real):
        if not folder.is_dir():
            raise MissingError(f"{folder}: no such folder; give a folder of videos or of folders of frames")
    made, truth = _named(generated), _named(real)
    if not truth:
        raise UsageError(f"{real}: holds no video ({', '.join(sorted(VIDEO_SUFFIXES))}) and no folder of images")
    if made and not made.keys() & truth.keys():
        raise UsageError(
            f"{generated}: none of its {len(made)} clips has the name of a real one: it holds '{next(iter(made))}', "
            f"{real} holds '{next(iter(truth))}'; name them alike"
        )
    clips = []
    for name, path in truth.items():
        person = name.partition("/")[0]
        clips.append(Clip(name, person, person, partial(_load, name, made.get(name), path)))
    return clips


def _named(folder: Path) -> dict[str, Path]:
    """Return the clips under a folder by name, sorted: the path without the ending of a video."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix().encode()):
        name = unicodedata.normalize("NFC", path.relative_to(folder).as_posix())
        if any(part.startswith(".") for part in name.split("/")):
            continue
        ending = path.suffix.lower() in VIDEO_SUFFIXES
        if not (path.is_file() and ending) and not (path.is_dir() and frame_files(path)):
            continue
        # A folder of frames may keep the ending of the video that it was made from.
        name = name[: -len(path.suffix)] if ending else name
        if name in found:
            raise UsageError(f"{path}: a second clip of that name beside {found[name]}; keep one")
        found[name] = path
    return found


def _load(name: str, generated: Path | None, real: Path) -> Frames:
    """Return both sides, equally long: frames that were not generated, or not like the real ones, are failures.

    Raises:
        UsageError: the real clip cannot be read or lacks frames, or frames were generated that it does not have.
    """
    labels = frame_files(real) if real.is_dir() else None
    if labels is not None:
        require_every_frame(name, labels)
    truth = [read_image(path) for path in labels.values()] if labels else [image for _, image in decode_frames(real)]
    made = _made(name, generated, labels, len(truth)) if generated else {}
    return [_alike(name, n, made.get(n), image) for n, image in enumerate(truth)], truth


def _made(name: str, path: Path, labels: dict[Label, Path] | None, expected: int) -> dict[int, Image | Failure]:
    """Return the generated frames by their place in the real clip."""
    if not path.is_dir():
        try:
            images: dict[int, Image | Failure] = dict(decode_frames(path))
        except ImageError as error:
            return {n: Failure(error.kind, f"clip {name}: {error}") for n in range(expected)}
        if len(images) > expected:
            raise UsageError(f"clip {name}: {len(images)} frames were generated and {expected} are real; give the same")
        return images
    files = frame_files(path)
    if labels is None:  # the real clip is a video: its frames are numbered from 0, or as many tools do, from 1
        labels = {("", n, ""): path for n in range(expected)}
        if ("", 0, "") not in files and ("", expected, "") in files:
            labels = {("", n + 1, ""): path for n in range(expected)}
    places = {label: place for place, label in enumerate(labels)}
    return {places[label]: _read(file) for label, file in match_frames(name, files, labels).items()}


def _alike(name: str, number: int, made: Image | Failure | None, real: Image) -> Image | Failure:
    if made is None:
        return Failure("missing", f"clip {name}: frame {number} was not generated")
    if isinstance(made, Failure) or made.shape == real.shape:
        return made
    return Failure("wrong-size", f"clip {name}: generated is {made.shape[:2]}, real is {real.shape[:2]}")


def _read(file: Path) -> Image | Failure:
    try:
        return read_image(file)
    except ImageError as error:
        return Failure(error.kind, str(error))
