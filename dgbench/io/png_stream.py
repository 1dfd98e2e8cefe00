"""Whether a PNG's compressed stream holds every row: Pillow leaves the rows black that a short but valid one lacks."""

from __future__ import annotations

import struct
import zlib

_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # colour type → samples per pixel


def holds_every_row(data: bytes) -> bool:
    """Return whether the pixel stream is as long as the header says; an interlaced file is believed.

    ``data`` must be a PNG that Pillow has read, so that its chunks are known to be sound.
    """
    if data[12:16] != b"IHDR":
        return False
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", data[16:29])
    if interlaced:
        return True
    wanted = height * (1 + (width * depth * _SAMPLES[colour] + 7) // 8)  # a row begins with the number of its filter
    return len(zlib.decompressobj().decompress(_pixel_stream(data), wanted)) == wanted


def _pixel_stream(data: bytes) -> bytes:
    parts, place = [], 8
    while place + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        if kind == b"IDAT":
            parts.append(data[place + 8 : place + 8 + length])
        place += 12 + length
    return b"".join(parts)
