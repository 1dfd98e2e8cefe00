"""Pictures that are not plain 8-bit sRGB: converted to the values that an independent computation gives, or refused."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageCms

from dgbench.io.images import ImageError, decode
from dgbench.io.strips import strip_frames

#: Colourants adapted to D50, as columns of RGB → XYZ.
P3 = np.array([[0.5151, 0.2920, 0.1571], [0.2412, 0.6922, 0.0666], [-0.0011, 0.0419, 0.7841]])
ADOBE = np.array([[0.6097, 0.2053, 0.1492], [0.3111, 0.6257, 0.0632], [0.0195, 0.0609, 0.7446]])
SRGB = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])


def _tag(kind: bytes, body: bytes) -> bytes:
    return kind + b"\0\0\0\0" + body + b"\0" * (-len(body) % 4)


def _profile(space: bytes, gamma: float, colourants: NDArray | None) -> bytes:
    """A matrix profile of version 2, written from the standard's description."""

    def xyz(values: NDArray) -> bytes:
        return _tag(b"XYZ ", b"".join(struct.pack(">i", round(float(v) * 65536)) for v in values))

    curve = _tag(b"curv", struct.pack(">IH", 1, round(gamma * 256)))
    text = b"made\0"
    tags = {b"desc": _tag(b"desc", struct.pack(">I", len(text)) + text + b"\0" * 78), b"cprt": _tag(b"text", text)}
    tags[b"wtpt"] = xyz(np.array([0.9642, 1.0, 0.8249]))
    if colourants is None:
        tags[b"kTRC"] = curve
    else:
        for i, name in enumerate(b"rgb"):
            tags[bytes([name]) + b"XYZ"] = xyz(colourants[:, i])
            tags[bytes([name]) + b"TRC"] = curve
    place, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, data in tags.items():
        table += name + struct.pack(">II", place + len(body), len(data))
        body += data
    head = struct.pack(">I4sI4s4s4s", 0, b"\0\0\0\0", 0x02100000, b"mntr", space, b"XYZ ") + b"\0" * 12 + b"acsp"
    head = head.ljust(68, b"\0") + struct.pack(">iii", 63190, 65536, 54061)
    whole = head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body
    return struct.pack(">I", len(whole)) + whole[4:]


def _srgb_of(image: NDArray, gamma: float, colourants: NDArray) -> NDArray:
    linear = (image / 255.0) ** gamma @ (np.linalg.inv(SRGB) @ colourants).T
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _colours() -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(40, 200, (16, 24, 3), dtype=np.uint8)


def _saved(image: NDArray, kind: str, **how: object) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(image).save(buffer, format=kind, **how)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize(("gamma", "colourants"), [(2.2, P3), (2.19921875, ADOBE), (1.8, SRGB)])
def test_profiles_are_converted(kind: str, gamma: float, colourants: NDArray) -> None:
    image = _colours()
    how = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    read = decode(_saved(image, kind, icc_profile=_profile(b"RGB ", gamma, colourants), **how), where="x")
    expected = _srgb_of(image, gamma, colourants)
    assert np.abs(read - expected).max() <= 2
    assert np.abs(image - expected).max() > 5  # unconverted, it would be told


def test_a_grey_profile_and_a_palette_are_converted_too() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    read = decode(_saved(grey, "PNG", icc_profile=_profile(b"GRAY", 1.0, None)), where="x")
    linear = grey / 255.0
    expected = 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert np.abs(read - expected[:, :, None]).max() <= 2
    buffer = io.BytesIO()
    few = Pillow.fromarray(_colours()).quantize(16)
    few.save(buffer, format="PNG", icc_profile=_profile(b"RGB ", 2.2, P3))
    read = decode(buffer.getvalue(), where="x")
    assert np.abs(read - _srgb_of(np.asarray(few.convert("RGB")), 2.2, P3)).max() <= 2


def test_srgb_profiles_leave_every_pixel_as_it_is() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = _colours()
    assert (decode(_saved(image, "PNG", icc_profile=profile), where="x") == image).all()


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        (b"no profile at all", "colour profile is damaged"),
        (_profile(b"RGB ", 2.2, P3)[:200], "colour profile"),
        (_profile(b"GRAY", 2.2, None), "is of GRAY pictures and this one is RGB"),
        (_profile(b"CMYK", 2.2, P3), "is of CMYK pictures"),
    ],
)
def test_profiles_that_cannot_be_used_are_told(profile: bytes, said: str) -> None:
    with pytest.raises(ImageError, match=said):
        decode(_saved(_colours(), "PNG", icc_profile=profile), where="x")


def _with_chunk(data: bytes, kind: bytes, body: bytes) -> bytes:
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return data[:33] + chunk + data[33:]


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        (b"gAMA", struct.pack(">I", 100_000), "gamma of 1 "),
        (b"gAMA", struct.pack(">I", 45_455), ""),
        (b"cICP", bytes([12, 13, 0, 1]), "cICP"),
        (b"cICP", bytes([9, 16, 0, 1]), "cICP"),
        (b"cICP", bytes([1, 13, 0, 1]), ""),
        (b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000), "primaries"),
        (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000), ""),
    ],
)
def test_png_headers_that_state_another_colour_space(kind: bytes, body: bytes, said: str) -> None:
    data = _with_chunk(_saved(_colours(), "PNG"), kind, body)
    if said:
        with pytest.raises(ImageError, match=said):
            decode(data, where="x")
    else:
        assert (decode(data, where="x") == _colours()).all()


def test_adobe_rgb_by_exif_alone_is_refused() -> None:
    exif = Pillow.Exif()
    exif.get_ifd(0x8769)[0xA001] = 2
    with pytest.raises(ImageError, match="EXIF states Adobe RGB"):
        decode(_saved(_colours(), "JPEG", exif=exif), where="x")
    exif = Pillow.Exif()
    exif.get_ifd(0x8769)[0xA001] = 1
    assert decode(_saved(_colours(), "JPEG", exif=exif), where="x").shape == (16, 24, 3)


def _deep(kind: str, image: NDArray) -> bytes:
    done, data = cv2.imencode(kind, image)
    assert done
    return data.tobytes()


@pytest.mark.parametrize("kind", [".png", ".tiff", ".ppm"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("largest", "bits"), [(1, 8), (255, 8), (1023, 10), (4095, 12), (16_383, 14), (65_535, 0)])
def test_deep_files_with_low_values_are_refused(kind: str, channels: int, largest: int, bits: int) -> None:
    ramp = np.linspace(0, largest, 32 * 32).round().astype(np.uint16).reshape(32, 32)
    image = ramp if channels == 1 else np.stack([ramp, ramp[::-1], ramp.T], axis=-1)
    data = _deep(".pgm" if kind == ".ppm" and channels == 1 else kind, image)
    if bits:
        with pytest.raises(ImageError, match=rf"values of {bits} bits \(0 to {largest}\)"):
            decode(data, where="x")
    else:
        wanted = image[..., ::-1] if channels == 3 else image[..., None]
        assert np.abs(decode(data, where="x") - wanted / 257.0).max() <= 1


def test_a_deep_png_with_opacity_is_judged_by_its_colours() -> None:
    image = np.full((8, 8, 4), 200, np.uint16)
    image[:, :, 3] = 65_535
    with pytest.raises(ImageError, match="values of 8 bits"):
        decode(_deep(".png", image), where="x")
    assert decode(_deep(".png", np.zeros((8, 8, 3), np.uint16)), where="x").max() == 0  # black is black


def test_a_phone_picture_is_its_first_image(tmp_path: Path) -> None:
    first, second = (Pillow.fromarray(np.full((16, 16, 3), value, np.uint8)) for value in (90, 200))
    exif = Pillow.Exif()
    exif[0x0112] = 6
    wide = Pillow.fromarray(np.repeat(np.arange(32, dtype=np.uint8)[None, :, None] * 8, 16, axis=0).repeat(3, axis=2))
    buffer = io.BytesIO()
    first.save(buffer, format="MPO", save_all=True, append_images=[second])
    assert abs(int(decode(buffer.getvalue(), where="x").mean()) - 90) <= 1
    buffer = io.BytesIO()
    wide.save(buffer, format="MPO", save_all=True, append_images=[second], exif=exif)
    turned = decode(buffer.getvalue(), where="x")
    assert turned.shape == (32, 16, 3) and turned[-1].mean() > turned[0].mean() + 100
    buffer = io.BytesIO()
    first.save(buffer, format="GIF")
    with pytest.raises(ImageError, match="not an image"):
        decode(buffer.getvalue(), where="x")


def test_strips_follow_the_same_rules(tmp_path: Path) -> None:
    image = _colours()
    path = tmp_path / "a.png"
    strip = np.concatenate([image[:, :16], image[:, 8:]], axis=1)
    path.write_bytes(_saved(strip, "PNG", icc_profile=_profile(b"RGB ", 2.2, P3)))
    frames = dict(strip_frames(path))
    assert np.abs(frames[1] - _srgb_of(image[:, 8:], 2.2, P3)).max() <= 2
    exif = Pillow.Exif()
    exif[0x0112] = 6
    path.write_bytes(_saved(strip, "PNG", exif=exif))
    with pytest.raises(ImageError, match="EXIF turns it"):
        list(strip_frames(path))
