"""The image policy: each kind of file is accepted or refused exactly as the module says."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from dgbench.io.images import ImageError, decode, encode_png, read_image, write_png


def _picture(mode: str = "RGB", size: tuple[int, int] = (12, 8)) -> Pillow.Image:
    rng = np.random.default_rng(0)
    return Pillow.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)).convert(mode)


def _bytes(picture: Pillow.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format=kind, **options)
    return buffer.getvalue()


def test_png_round_trip_is_exact(tmp_path: Path) -> None:
    image = np.random.default_rng(1).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    write_png(tmp_path / "i.png", image)
    assert np.array_equal(read_image(tmp_path / "i.png"), image)
    assert encode_png(image) == encode_png(image.copy())


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_formats_are_read_exactly_under_any_name(tmp_path: Path, kind: str) -> None:
    (tmp_path / "wrong.jpg").write_bytes(_bytes(_picture(), kind))
    assert np.array_equal(read_image(tmp_path / "wrong.jpg"), np.asarray(_picture()))


def test_exif_orientation_is_applied() -> None:
    picture = _picture()
    exif = Pillow.Exif()
    exif[0x0112] = 6  # the camera was held turned: rotate by 90 degrees to see it upright
    turned = decode(_bytes(picture, "PNG", exif=exif), where="x")
    assert np.array_equal(turned, np.rot90(np.asarray(picture), 3))


def test_grey_palette_and_bilevel_become_rgb() -> None:
    for mode in ("L", "P", "1"):
        expected = np.asarray(_picture(mode).convert("RGB"))
        assert np.array_equal(decode(_bytes(_picture(mode)), where="x"), expected)


def test_sixteen_bit_grey_is_scaled() -> None:
    values = np.array([[0, 257, 65_535, 128]], dtype=np.uint16)
    assert decode(_bytes(Pillow.fromarray(values)), where="x")[0, :, 0].tolist() == [0, 1, 255, 0]


def test_opaque_alpha_is_dropped_and_transparency_refused() -> None:
    opaque = _picture().convert("RGBA")
    assert np.array_equal(decode(_bytes(opaque), where="x"), np.asarray(_picture()))
    opaque.putpixel((0, 0), (0, 0, 0, 254))
    with pytest.raises(ImageError, match="transparent"):
        decode(_bytes(opaque), where="x")


def _png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + chunk + b"\x00\x00\x00\x00IDAT"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"<html>not found</html>", "not an image"),
        (_bytes(_picture("CMYK"), "JPEG"), "colour mode CMYK"),
        (_bytes(_picture(size=(64, 64)), "JPEG")[:-300], "truncated"),
        (_bytes(_picture(size=(64, 64)))[:-60], "truncated"),
        (_bytes(_picture(), "GIF"), "not an image"),
        (_bytes(_picture(), "WEBP", save_all=True, append_images=[_picture().rotate(90)]), "2 frames"),
        (_png_header(100_000, 100_000), "limit|not an image"),
        (_png_header(20_000, 1), "limit"),
        (_png_header(0, 5), "damaged|not an image|no pixels"),
    ],
)
def test_refusals_are_one_line_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=reason) as caught:
        decode(data, where="somewhere.png")
    assert "somewhere.png" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_missing_file_is_its_own_kind(tmp_path: Path) -> None:
    with pytest.raises(ImageError) as caught:
        read_image(tmp_path / "none.png")
    assert caught.value.kind == "missing"


def test_only_uint8_rgb_is_encoded() -> None:
    with pytest.raises(ValueError, match="uint8"):
        encode_png(np.zeros((4, 4, 3), np.float32))  # type: ignore[arg-type]


def _with_stream(picture: Pillow.Image, change: Callable[[bytes], bytes]) -> bytes:
    """Return a PNG whose rows, each with its filter's number, are changed before they are compressed."""
    whole = _bytes(picture)
    place = whole.index(b"IDAT") - 4
    length = int.from_bytes(whole[place : place + 4], "big")
    rows = zlib.decompress(whole[place + 8 : place + 8 + length])
    body = b"IDAT" + zlib.compress(change(rows))
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return whole[:place] + chunk + whole[place + 12 + length :]


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P"])
def test_a_png_whose_stream_ends_early_but_validly_is_refused(mode: str) -> None:
    picture = _picture(mode)
    row = len(np.packbits(np.zeros(12, bool))) if mode == "1" else 12 * len(picture.getbands())
    assert decode(_with_stream(picture, lambda rows: rows), where="x").shape == (8, 12, 3)
    with pytest.raises(ImageError, match="last rows are missing") as caught:
        decode(_with_stream(picture, lambda rows: rows[: -2 * (row + 1)]), where="x")
    assert caught.value.kind == "unreadable"


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "I;16"])
def test_black_rows_that_are_there_are_read(mode: str) -> None:
    assert not decode(_bytes(Pillow.new(mode, (13, 5))), where="x").any()


def test_a_tiff_that_promises_a_second_picture_and_has_none_is_refused() -> None:
    whole = bytearray(_bytes(Pillow.new("RGB", (8, 8)), "TIFF"))
    (place,) = struct.unpack("<I", whole[4:8])
    (count,) = struct.unpack("<H", whole[place : place + 2])
    following = place + 2 + 12 * count
    whole[following : following + 4] = struct.pack("<I", len(whole) - 64)  # in the pixels, where no tag is
    with pytest.raises(ImageError, match="damaged or truncated") as caught:
        decode(bytes(whole), where="x")
    assert caught.value.kind == "unreadable"
