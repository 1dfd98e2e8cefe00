"""A toy method with the manners of real repositories; the first pixel of the reference picks a misfortune."""

import os
import sys
import time

import numpy as np
from modules.util import BRIGHTNESS

print("toy A: initialisation method [xavier]")
os.write(1, b"toy A: printed by C code\n")

CALLS = []


def animate(source, reference, relative=True):
    """Source colours lit by the reference's; relative motion of one still is none, as in real methods."""
    print("toy A: 1/1 frames")
    CALLS.append(1)
    act(reference[0, 0])
    lit = source.astype(np.float32) / 255 if relative else (0.75 * source + 0.25 * reference) / 255
    return np.clip(lit + BRIGHTNESS / 255, 0, 1)


def act(pixel):
    code = int(pixel[0]) if int(pixel[1]) == 255 and int(pixel[2]) == 1 else 0
    if code == 1:
        os.kill(os.getpid(), 9)
    elif code == 2:
        time.sleep(3600)
    elif code == 3:
        raise ValueError("no face\nwas found")
    elif code == 5:
        raise MemoryError("out of memory: tried to allocate 20.00 GiB")
    elif code == 6:
        import urllib.request

        urllib.request.urlopen("http://127.0.0.1:9/vgg16.pth", timeout=5)
    elif code == 7:
        sys.stdin.readline()
        input_left = os.read(0, 10)
        if input_left:
            raise ValueError("the method read the protocol")
    elif code == 8:
        sys.exit("giving up")
