"""Colour and depth of pictures that are not plain 8-bit sRGB: converted where it is sure how, refused where not.

An embedded profile is judged by what it does and not by its name: where it moves no colour of a grid by more than
:data:`SAME` levels it is sRGB, and the pixels stay as they are.
"""

from __future__ import annotations

import functools
import io
import struct

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageCms

from dgbench.io.arrays import DAMAGED_ARRAYS

#: Profiles named sRGB differ from one another by so many of 255 levels.
SAME = 2
#: 16-bit values that stay within 14 bits were put into the file unscaled: 8, 10, 12 or 14 bits, read as near black.
LOW_RANGE = 1 << 14
_GAMMA, _GAMMA_SLACK = 0.45455, 0.02
_SRGB_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
_SIGNATURES = {"RGB": "RGB ", "L": "GRAY"}
_ADOBE_RGB = 2
_COLOR_SPACE, _INTEROP_IFD, _INTEROP_INDEX = 0xA001, 0xA005, 1
_EXIF_IFD = 0x8769


_DAMAGED: tuple[type[Exception], ...] = (ImageCms.PyCMSError, *DAMAGED_ARRAYS)


class ColourError(ValueError):
    """Why a picture's colours or depth are refused, as the end of a sentence."""


def to_srgb(picture: Pillow.Image, profile: bytes | None) -> Pillow.Image:
    """Return an RGB or L picture in sRGB, by the profile that its file embeds.

    Raises:
        ColourError: the profile is damaged, or of another kind of picture.
    """
    transform = _transform(profile, picture.mode) if profile else None
    if transform is None:
        return picture
    converted = ImageCms.applyTransform(picture, transform)
    return picture if converted is None else converted


def require_full_range(picture: Pillow.Image, data: bytes) -> None:
    """Refuse a picture of more than 8 bits a channel whose values use but a low part of their range.

    Raises:
        ColourError: its largest value is above 0 and below :data:`LOW_RANGE`.
    """
    if not _is_deep(picture, data):
        return
    deep: NDArray | None
    if picture.mode.startswith("I"):
        deep = np.asarray(picture)
    else:  # Pillow keeps the upper bytes of deep colour pictures and forgets that there were others
        deep = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if deep is not None and deep.ndim == 3 and deep.shape[2] in (2, 4):
            deep = deep[:, :, :-1]
    if deep is None or deep.dtype.kind not in "ui" or deep.dtype.itemsize < 2:
        raise ColourError("more than 8 bits a channel in a form that is not read; save it with 8 bits")
    largest = int(deep.max())
    if 0 < largest < LOW_RANGE:
        bits = next(bits for bits in (8, 10, 12, 14) if largest < 1 << bits)
        raise ColourError(
            f"a file of 16 bits a channel that holds values of {bits} bits (0 to {largest}), read as near black; "
            "save it with 8 bits, or scale the values to 0..65535"
        )


def require_srgb_header(picture: Pillow.Image, data: bytes) -> None:
    """Refuse a picture without profile whose header states another colour space.

    Raises:
        ColourError: a gamma, primaries or a colour space that are not those of sRGB.
    """
    info = picture.info
    if picture.format == "PNG" and _other_space_of_png(data):
        raise ColourError("its header states a colour space that is not sRGB (cICP); save it as sRGB")
    if picture.format == "PNG" and "srgb" not in info:
        gamma, primaries = info.get("gamma"), info.get("chromaticity")
        if gamma and abs(gamma - _GAMMA) > _GAMMA_SLACK:
            raise ColourError(f"its header states a gamma of {gamma:g} and no profile; save it as sRGB")
        if primaries and np.abs(np.subtract(primaries, _SRGB_PRIMARIES)).max() > 0.01:
            raise ColourError("its header states primaries that are not those of sRGB; save it as sRGB")
    try:
        exif = picture.getexif()
        details = exif.get_ifd(_EXIF_IFD)
        index = exif.get_ifd(_INTEROP_IFD).get(_INTEROP_INDEX) if _INTEROP_IFD in details else None
    except DAMAGED_ARRAYS:  # a note that cannot be read states nothing
        return
    if details.get(_COLOR_SPACE) == _ADOBE_RGB or index == "R03":
        raise ColourError("its EXIF states Adobe RGB and it holds no profile; save it as sRGB")


@functools.lru_cache(maxsize=64)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the transform of a profile to sRGB, or ``None`` where it is sRGB already."""
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = opened.profile.xcolor_space
    except _DAMAGED as error:
        raise ColourError("its colour profile is damaged; save it again as sRGB") from error
    if space != _SIGNATURES.get(mode):
        raise ColourError(f"its colour profile is of {space.strip()} pictures and this one is {mode}; save it as sRGB")
    try:
        transform = ImageCms.buildTransform(
            opened,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOOPTIMIZE,
        )
    except _DAMAGED as error:
        raise ColourError("its colour profile cannot be used; save it again as sRGB") from error
    grid = _grid(mode)
    moved = ImageCms.applyTransform(grid, transform)
    assert moved is not None
    difference = np.asarray(grid.convert("RGB"), dtype=np.int64) - np.asarray(moved, dtype=np.int64)
    return None if np.abs(difference).max() <= SAME else transform


def _grid(mode: str) -> Pillow.Image:
    if mode == "L":
        return Pillow.fromarray(np.arange(256, dtype=np.uint8)[None])
    levels = np.linspace(0, 255, 9).round().astype(np.uint8)
    return Pillow.fromarray(np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3))


def _is_deep(picture: Pillow.Image, data: bytes) -> bool:
    if picture.mode.startswith("I"):
        return True
    if picture.format == "PNG":
        return data[12:16] == b"IHDR" and data[24] == 16
    if picture.format == "TIFF":
        bits = picture.tag_v2.get(258) or (1,)  # type: ignore[attr-defined]
        return max(bits if isinstance(bits, tuple) else (bits,)) > 8
    if picture.format == "PPM":
        words = data[:256].split()
        return len(words) > 3 and words[3].isdigit() and int(words[3]) > 255
    return False


def _other_space_of_png(data: bytes) -> bool:
    """Whether a ``cICP`` chunk, which Pillow does not read, states other primaries than BT.709 or another curve."""
    place = 8
    while place + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        if kind == b"cICP" and length == 4:
            return data[place + 8] not in (1, 2) or data[place + 9] not in (1, 2, 6, 13)
        if kind == b"IDAT":
            break
        place += 12 + length
    return False
