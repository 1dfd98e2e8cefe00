"""Another toy method in a folder of the same name, without ``animate``."""

import numpy as np
from modules.util import BRIGHTNESS


def transfer(driver, source):
    print("toy B")
    return np.clip(source.astype(np.float32) * 0.5 + driver.astype(np.float32) * 0.25 + BRIGHTNESS, 0, 255)
