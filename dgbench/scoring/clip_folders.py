"""Clips as users have them: two folders of videos or of frame folders, the same names in both."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from dgbench.core.errors import MissingError, UsageError
from dgbench.core.face import Failure, Image
from dgbench.io.images import ImageError, read_image
from dgbench.io.video import decode_frames
from dgbench.scoring.clips import Clip, Frames

VIDEOS = frozenset({".mp4", ".mpg", ".mpeg", ".avi", ".mkv", ".mov", ".webm", ".m4v"})
IMAGES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp"})


def clips_in_folders(generated: Path, real: Path) -> list[Clip]:
    """Pair the clips of two folders by name; every clip of ``real`` is expected.

    A clip is a video file, or a folder that holds its frames as images, in order of their names. Its person is the
    folder that it lies in, its own name where it lies in none: ``id10270/abc.mp4`` is of ``id10270``. A generated clip
    may be in another container than the real one.

    Raises:
        MissingError: a folder is not there. UsageError: ``real`` holds no clip, or two of one name.
    """
    for folder in (generated, real):
        if not folder.is_dir():
            raise MissingError(f"{folder}: no such folder; give a folder of videos or of folders of frames")
    made = _named(generated)
    clips = []
    for name, path in _named(real).items():
        person = name.partition("/")[0]
        clips.append(Clip(name, person, person, partial(_load, name, made.get(name), path)))
    if not clips:
        raise UsageError(f"{real}: holds no video ({', '.join(sorted(VIDEOS))}) and no folder of images")
    return clips


def _named(folder: Path) -> dict[str, Path]:
    """Return the clips under a folder by name, sorted: the path without the ending of a video."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix().encode()):
        if path.is_file() and path.suffix.lower() in VIDEOS:
            name = path.relative_to(folder).with_suffix("").as_posix()
        elif path.is_dir() and _frames(path):
            name = path.relative_to(folder).as_posix()
        else:
            continue
        if name in found:
            raise UsageError(f"{path}: a second clip of that name beside {found[name]}; keep one")
        found[name] = path
    return found


def _frames(folder: Path) -> list[Path]:
    inside = [path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in IMAGES]
    return sorted(inside, key=lambda path: path.name.encode())


def _load(name: str, generated: Path | None, real: Path) -> Frames:
    """Return both sides, equally long: frames that were not generated, or not like the real ones, are failures.

    Raises:
        UsageError: the real clip cannot be read, or more frames were generated than the real clip has.
    """
    truth = [image for image in _read(real) if not isinstance(image, Failure)]
    made = _read(generated, strict=False) if generated else []
    if len(made) > len(truth):
        raise UsageError(f"clip {name}: {len(made)} frames were generated and {len(truth)} are real; give the same")
    lost = [Failure("missing", f"clip {name}: frame {n} was not generated") for n in range(len(made), len(truth))]
    return [_alike(name, *both) for both in zip(made, truth, strict=False)] + lost, truth


def _alike(name: str, made: Image | Failure, real: Image) -> Image | Failure:
    if isinstance(made, Failure) or made.shape == real.shape:
        return made
    return Failure("wrong-size", f"clip {name}: generated is {made.shape[:2]}, real is {real.shape[:2]}")


def _read(path: Path, *, strict: bool = True) -> list[Image | Failure]:
    """Return the frames of a clip; what cannot be read is a failure unless ``strict``."""
    frames: list[Image | Failure] = []
    if not path.is_dir():
        try:
            frames.extend(image for _, image in decode_frames(path))
        except ImageError:
            if strict:
                raise
        return frames
    for file in _frames(path):
        try:
            frames.append(read_image(file))
        except ImageError as error:
            if strict:
                raise
            frames.append(Failure(error.kind, str(error)))
    return frames
