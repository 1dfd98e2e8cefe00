"""From a planned image to bytes: rendering, the cut to the layout's picture shape, JPEG, PNG and H.264."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image as Pillow

from dgbench.core.face import Image, Landmarks
from dgbench.io.images import RENDER_NOTE, encode_png
from dgbench.synthface.head.model import Head
from dgbench.synthface.render.render import render
from dgbench.synthface.sets.cells import Shot
from dgbench.synthface.sets.layouts.staging import someone

#: Bytes that a pixel takes on disk by the file's suffix, on the low side: what room is asked for before a tree.
_BYTES_PER_PIXEL = {".png": 1.0, ".jpg": 0.2, ".mp4": 0.02}


def render_shot(head: Head, shot: Shot, *, seed: int, canvas: tuple[int, int]) -> tuple[Image, Landmarks]:
    """Render an image of a layout.

    Args:
        head: the head model.
        shot: what to show.
        seed: seed of the world that the person is from.
        canvas: (width, height) to cut from the middle of the rendered square, whose side is the larger of the two.

    Returns:
        The image, uint8 (height, width, 3), and its landmarks in that image's pixels.
    """
    width, height = canvas
    side = max(canvas)
    rendered = render(head, someone(shot.person, seed), replace(shot.scene, size=side))
    left, top = (side - width) // 2, (side - height) // 2
    points = rendered.landmarks.points - np.array([left, top, 0], np.float32)
    image = np.ascontiguousarray(rendered.image[top : top + height, left : left + width])
    return image, Landmarks(points, rendered.landmarks.visibility, "truth")


def encode_image(image: Image, name: str) -> bytes:
    """Encode uint8 HWC RGB as what the file name says: PNG, or JPEG of quality 95 without chroma subsampling.

    The file says that it was rendered, so that under a licensed set's name, and away from its tree, it is not taken for
    a photograph.
    """
    if name.endswith(".png"):
        return encode_png(image, note=RENDER_NOTE)
    buffer = io.BytesIO()
    Pillow.fromarray(image).save(buffer, format="JPEG", quality=95, subsampling=0, comment=RENDER_NOTE)
    return buffer.getvalue()


def expected_bytes(name: str, canvas: tuple[int, int]) -> int:
    """Return about how many bytes one image of ``canvas`` (width, height) takes in the file ``name``."""
    return int(canvas[0] * canvas[1] * _BYTES_PER_PIXEL[name[name.rindex(".") :]])


def encode_clip(images: Sequence[Image], *, rate: int) -> bytes:
    """Encode frames of one even size as H.264 in mp4, on one thread: bytes must not depend on the machine.

    Args:
        images: uint8 HWC RGB, at least one.
        rate: frames per second that the container claims.
    """
    import av

    height, width = images[0].shape[:2]
    buffer = io.BytesIO()
    with av.open(buffer, mode="w", format="mp4", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": "18", "preset": "veryfast", "threads": "1"}
        stream.thread_count = 1
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return buffer.getvalue()
