"""A folder of frames per clip, two of them drawn for each item."""

import os

import numpy as np
from PIL import Image
from torch.utils.data import Dataset


class Frames(Dataset):
    def __init__(self, root_dir, frame_shape):
        self.root = os.path.join(root_dir, "train")
        self.clips = sorted(os.listdir(self.root))
        assert os.path.isdir(os.path.join(root_dir, "test"))
        self.shape = tuple(frame_shape)

    def __len__(self):
        return len(self.clips)

    def __getitem__(self, index):
        folder = os.path.join(self.root, self.clips[index])
        names = np.random.choice(sorted(os.listdir(folder)), 2)
        frames = [np.asarray(Image.open(os.path.join(folder, name)), dtype="float32") / 255 for name in names]
        assert frames[0].shape == self.shape
        return {"source": frames[0].transpose(2, 0, 1), "driving": frames[1].transpose(2, 0, 1)}
