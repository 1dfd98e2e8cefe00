"""Image decode with one stated policy, and PNG encode: what is accepted, what is refused, and why.

Accepted: JPEG, PNG, WebP, BMP, TIFF and PPM, told by content and not by name; EXIF orientation is applied;
colours are converted to sRGB by the embedded profile; grey becomes RGB; 16 bits are scaled to 8; a palette is
expanded; an alpha channel that is opaque everywhere is dropped; of a phone's JPEG with further pictures (MPO) the
first is read. Refused, with the reason: anything else, transparency, CMYK and other colour spaces, damaged profiles,
16-bit files that hold 8-bit values, truncated or empty files, more than one frame, and sides over 16,384 or areas over
64 megapixels.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from dgbench.core.errors import UsageError
from dgbench.core.face import Image
from dgbench.io.arrays import DAMAGED_ARRAYS
from dgbench.io.atomic import write_bytes
from dgbench.io.colour import ColourError, require_full_range, require_srgb_header, to_srgb
from dgbench.io.png_stream import holds_every_row

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "PPM")
MAX_SIDE = 16_384
MAX_PIXELS = 64_000_000


_NO_HEADER: tuple[type[Exception], ...] = (Pillow.DecompressionBombError, *DAMAGED_ARRAYS)


class ImageError(UsageError):
    """An image that is missing or refused; ``kind`` is the failure kind that a run counts it under."""

    def __init__(self, message: str, *, kind: str = "unreadable") -> None:
        super().__init__(message)
        self.kind = kind


def read_image(path: Path) -> Image:
    """Read a file as uint8 HWC RGB under the policy of this module.

    Raises:
        ImageError: the file is missing, cannot be read, or is refused.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(f"{path}: no such image", kind="missing") from error
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror or error})") from error
    return decode(data, where=str(path))


def decode(data: bytes, *, where: str, max_side: int = MAX_SIDE, max_pixels: int = MAX_PIXELS) -> Image:
    """Decode bytes as uint8 HWC RGB under the policy of this module; ``where`` names them in errors.

    The limits are those of a still image; a strip of frames has its own.

    Raises:
        ImageError: the bytes are refused.
    """
    if not data:
        raise ImageError(f"{where}: the file is empty (0 bytes); copy it again")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)  # our own, stricter limit follows
            picture = Pillow.open(io.BytesIO(data), formats=FORMATS)
        with picture:
            _refuse_by_header(picture, where, max_side, max_pixels)
            picture.load()
            if picture.format == "PNG" and not np.asarray(picture)[-1].any() and not holds_every_row(data):
                raise ImageError(f"{where}: truncated image (its last rows are missing); copy it again")
            require_full_range(picture, data)
            if not picture.info.get("icc_profile"):
                require_srgb_header(picture, data)
            return _to_rgb(picture, where)
    except ColourError as error:
        raise ImageError(f"{where}: {error}") from error
    except (UnidentifiedImageError, Pillow.DecompressionBombError) as error:
        raise ImageError(f"{where}: not an image that dgbench reads ({', '.join(FORMATS)})") from error
    except DAMAGED_ARRAYS as error:  # decoders of mangled files raise what readers of mangled arrays do
        raise ImageError(f"{where}: damaged or truncated image ({_one_line(error)}); copy it again") from error


def shown_size(path: Path) -> tuple[int, int] | None:
    """Return height and width of a picture as shown, from its header alone; ``None`` where it has none to be read."""
    try:
        with Pillow.open(path, formats=FORMATS) as picture:
            width, height = picture.size
            return (width, height) if picture.getexif().get(0x0112, 1) in (5, 6, 7, 8) else (height, width)
    except _NO_HEADER:
        return None


#: What files of rendered images say of themselves, as JPEG comment or PNG text.
RENDER_NOTE = "SynthFace render"


def says_rendered(picture: Pillow.Image) -> bool:
    """Whether an opened file says that it holds a rendered image."""
    notes = (picture.info.get("comment"), picture.info.get("Comment"))
    return any(note in (RENDER_NOTE, RENDER_NOTE.encode()) for note in notes)


def encode_png(image: Image, *, note: str = "") -> bytes:
    """Encode uint8 HWC RGB as PNG, with a note where one is given.

    The same image gives the same bytes with the same library versions.

    Raises:
        ValueError: not a uint8 array of shape (height, width, 3).
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"an image is uint8 (height, width, 3), got {image.dtype} {image.shape}")
    buffer = io.BytesIO()
    text = PngInfo()
    if note:
        text.add_text("Comment", note)
    Pillow.fromarray(image).save(buffer, format="PNG", compress_level=3, pnginfo=text)
    return buffer.getvalue()


def write_png(path: Path, image: Image) -> None:
    """Write uint8 HWC RGB as PNG, atomically."""
    write_bytes(path, encode_png(image))


def _refuse_by_header(picture: Pillow.Image, where: str, max_side: int, max_pixels: int) -> None:
    width, height = picture.size
    if width < 1 or height < 1:
        raise ImageError(f"{where}: the image has no pixels ({width}x{height})")
    if max(width, height) > max_side or width * height > max_pixels:
        raise ImageError(
            f"{where}: {width}x{height} is over the limit of {max_side} px a side and "
            f"{max_pixels // 1_000_000} megapixels; make it smaller"
        )
    # MPO: a JPEG whose further pictures are a depth map, a preview or another view; the first one is the photograph.
    if getattr(picture, "n_frames", 1) != 1 and picture.format != "MPO":
        raise ImageError(f"{where}: holds {picture.n_frames} frames; give one still image")  # type: ignore[attr-defined]


def _to_rgb(picture: Pillow.Image, where: str) -> Image:
    profile = picture.info.get("icc_profile")
    picture = ImageOps.exif_transpose(picture) or picture
    if picture.mode in ("I;16", "I;16B", "I;16L", "I"):
        grey = np.asarray(picture).astype(np.float64)
        if grey.min() < 0 or grey.max() > 65_535:
            raise ImageError(f"{where}: grey values outside 0..65535; save it with 8 or 16 bits")
        picture = Pillow.fromarray(np.rint(grey * (255 / 65_535)).astype(np.uint8))
    elif picture.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in picture.info:
        grey_alpha = picture.mode in ("LA", "La")
        picture = picture.convert("RGBA")
        if np.asarray(picture)[:, :, 3].min() < 255:
            raise ImageError(f"{where}: has transparent pixels; flatten it onto the background you mean")
        picture = picture.convert("L" if grey_alpha else "RGB")
    elif picture.mode not in ("1", "L", "P", "RGB"):
        raise ImageError(f"{where}: colour mode {picture.mode} is refused; convert it to sRGB")
    if picture.mode not in ("L", "RGB"):
        picture = picture.convert("L" if picture.mode == "1" else "RGB")
    return np.ascontiguousarray(np.asarray(to_srgb(picture, profile).convert("RGB")))


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
