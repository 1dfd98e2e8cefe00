"""What a method is to the runtime: the class that every worker.py fills in."""

import hashlib
import os
from typing import ClassVar, Dict

from dgbench_worker.errors import PairError, WorkerError


class Task:
    """One pair: images uint8 (H, W, 3) RGB, landmarks a list of 68 [x, y, z] in pixels, or None."""

    def __init__(self, pair_id, seed):
        self.pair_id = pair_id
        self.seed = seed
        self.source = None
        self.reference = None
        self.source_landmarks = None
        self.reference_landmarks = None


class Worker:
    """A method in its own interpreter. Subclasses say what they are and how their authors run them."""

    method = ""
    motion = "absolute"
    needs = ("source", "reference")
    size = 256  # the square size that the networks take, in pixels
    packages = ("torch", "numpy", "PIL")
    markers = ()  # files that a checkout of this repository has
    paths = ("",)  # folders of the checkout that its modules are imported from
    checkpoint_files = ()  # empty: the checkpoint is one file; else a folder with these files
    gpu_only = False
    can_batch = False
    options: ClassVar[Dict[str, tuple]] = {}  # name -> (default, allowed values or None)

    def __init__(self, repo=None, checkpoint=None, device="cpu", chosen=None):
        self.repo = repo
        self.checkpoint = checkpoint
        self.device = device
        self.chosen = {name: default for name, (default, _) in self.options.items()}
        for name, value in sorted((chosen or {}).items()):
            if name not in self.options:
                known = ", ".join(sorted(self.options)) or "none"
                raise WorkerError(f"{self.method} has no option {name!r} (it has: {known})")
            allowed = self.options[name][1]
            if allowed and value not in allowed:
                raise WorkerError("option {}={}: choose one of {}".format(name, value, ", ".join(allowed)))
            self.chosen[name] = value

    def load(self):
        """Build the networks from the checkout and load the checkpoint strictly."""
        raise WorkerError(f"{self.method}: load is not defined", 1)

    def reenact(self, tasks):
        """Return one uint8 (H, W, 3) RGB array per task."""
        raise WorkerError(f"{self.method}: reenact is not defined", 1)

    def networks(self):
        """Return every torch module in use (the faithfulness kit puts them wrongly on purpose)."""
        return []

    def weight(self, name):
        """Return the path of one file of the checkpoint folder."""
        return os.path.join(self.checkpoint, name)


class TensorWorker(Worker):
    """A method that maps two image tensors to one: most of them. ``value_range`` is that of the network."""

    value_range = (0.0, 1.0)

    def resize(self, image):
        """Return the image at the method's size, as its authors resize; called only where sizes differ."""
        raise WorkerError(f"{self.method}: resize is not defined", 1)

    def prepare(self, image):
        """uint8 (H, W, 3) -> float32 tensor (1, 3, size, size) in ``value_range``."""
        import numpy
        import torch

        if image.shape[:2] != (self.size, self.size):
            image = self.resize(image)
        low, high = self.value_range
        plane = image.astype(numpy.float32) / numpy.float32(255.0) if image.dtype == numpy.uint8 else image
        plane = plane * (high - low) + low if (low, high) != (0.0, 1.0) else plane
        tensor = torch.from_numpy(numpy.ascontiguousarray(plane.astype(numpy.float32).transpose(2, 0, 1)))
        return tensor.unsqueeze(0).to(self.device)

    def infer(self, source, reference):
        """float tensors (N, 3, size, size) -> generated (N, 3, h, w) in ``value_range``."""
        raise WorkerError(f"{self.method}: infer is not defined", 1)

    def quantise(self, plane):
        """float (h, w, 3) in ``value_range`` -> uint8, as the authors write their images."""
        import numpy

        low, high = self.value_range
        unit = (plane.astype(numpy.float64) - low) / (high - low)
        return numpy.rint(numpy.clip(unit, 0.0, 1.0) * 255.0).astype(numpy.uint8)

    def reenact(self, tasks):
        import torch

        with torch.no_grad():
            source = torch.cat([self.prepare(task.source) for task in tasks])
            reference = torch.cat([self.prepare(task.reference) for task in tasks])
            made = self.infer(source, reference)
        return [self.quantise(finite(plane)) for plane in made.permute(0, 2, 3, 1).cpu().numpy()]


def finite(plane):
    """Return the array, or fail the pair: NaN would become a plausible grey level."""
    import numpy

    if not numpy.isfinite(plane).all():
        raise PairError("not-finite", "the network returned NaN or infinity")
    return plane


def landmarks_at(points, from_size, to_size):
    """Return [x, y] rows of landmarks scaled from one square size to another."""
    factor = float(to_size) / float(from_size)
    return [[row[0] * factor, row[1] * factor] for row in points]


def image_key(image):
    """Name an image by content: sha256 of its uint8 HWC RGB bytes. Side inputs are stored under this name."""
    return hashlib.sha256(image.tobytes()).hexdigest()
