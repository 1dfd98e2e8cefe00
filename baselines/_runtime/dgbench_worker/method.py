"""What a method is to the runtime: the class that every worker.py fills in."""

import hashlib
import json
import os
from typing import ClassVar, Dict

from dgbench_worker.errors import PairError, WorkerError
from dgbench_worker.weights import part, read_checkpoint, strict_load


class Task:
    """One pair: images uint8 (H, W, 3) RGB, landmarks a list of 68 [x, y, z] in pixels, or None.

    ``same_person`` says that source and reference show one person, for methods whose authors treat that case apart.
    """

    def __init__(self, pair_id, seed):
        self.pair_id = pair_id
        self.seed = seed
        self.source = None
        self.reference = None
        self.source_landmarks = None
        self.reference_landmarks = None
        self.same_person = False


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
    strip = ""  # prefix that the authors' checkpoints put before every key
    harmless_classes = ()  # plain classes beside the weights in the authors' checkpoints
    options: ClassVar[Dict[str, tuple]] = {}  # name -> (default, allowed values or None)

    def __init__(self, repo=None, checkpoint=None, device="cpu", chosen=None):
        self.repo = repo
        self.checkpoint = checkpoint
        self.device = device
        self.parts = {}
        self.chosen = {name: default for name, (default, _) in self.options.items()}
        for name, value in sorted((chosen or {}).items()):
            if name not in self.options:
                known = ", ".join(sorted(self.options)) or "none"
                raise WorkerError(f"{self.method} has no option {name!r} (it has: {known})")
            allowed = self.options[name][1]
            if allowed and value not in allowed:
                raise WorkerError("option {}={}: choose one of {}".format(name, value, ", ".join(allowed)))
            self.chosen[name] = value
        self.training = self._read_training()
        if self.training:
            self.size = self.training["size"]

    def _read_training(self):
        """Return what ``training.json`` beside a checkpoint file says, for weights that dgbench let train; or None."""
        if self.checkpoint is None or self.checkpoint_files:
            return None
        path = os.path.join(os.path.dirname(self.checkpoint), "training.json")
        if not os.path.isfile(path):
            return None
        try:
            with open(path, encoding="utf-8") as handle:
                said = json.load(handle)
            if said["method"] != self.method:
                raise WorkerError("{} is of {}, not of {}".format(path, said["method"], self.method))
            return {key: said[key] for key in ("size", "config", "config_sha256", "checkpoint_sha256")}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WorkerError(f"{path} is no training note ({error})")

    def configuration(self, upstream):
        """Return the configuration of the networks: what they were trained with, else a file of the checkout."""
        import yaml

        path = os.path.join(self.repo, upstream)
        if self.training:
            path = os.path.join(os.path.dirname(self.checkpoint), self.training["config"])
        with open(path, "rb") as handle:
            content = handle.read()
        if self.training and hashlib.sha256(content).hexdigest() != self.training["config_sha256"]:
            raise WorkerError(f"{path} is not the configuration that the checkpoint was trained with")
        return yaml.safe_load(content)

    def prepare_interpreter(self):
        """Change what the method's old code needs changed; called before anything of it is imported."""

    def build(self):
        """Return the networks by the names that the checkpoint stores them under; random weights, on the CPU."""
        raise WorkerError(f"{self.method}: build is not defined", 1)

    def states(self):
        """Return the state dict of each network by name, read from the checkpoint in the authors' layout."""
        checkpoint = read_checkpoint(self.checkpoint, self.harmless_classes)
        return {name: part(checkpoint, name, self.checkpoint) for name in self.parts}

    def load(self):
        """Build the networks from the checkout and load the checkpoint strictly."""
        self.prepare_interpreter()
        self.parts = self.build()
        for name, state in self.states().items():
            strict_load(self.parts[name], state, name, strip=self.strip).to(self.device)

    def reenact(self, tasks):
        """Return one uint8 (H, W, 3) RGB array per task."""
        raise WorkerError(f"{self.method}: reenact is not defined", 1)

    def weight(self, name):
        """Return the path of one file of the checkpoint folder."""
        return os.path.join(self.checkpoint, name)


class TensorWorker(Worker):
    """A method that maps two image tensors to one: most of them. ``value_range`` is that of the network."""

    value_range = (0.0, 1.0)
    resampling = "skimage"  # how the authors bring an image to the method's size
    interleaved = True  # whether the authors' tensors keep the image's HWC layout in memory (last bits depend on it)

    def resize(self, image):
        """Return the image at the method's size, as its authors resize; called only where sizes differ.

        Networks trained at a smaller size saw images that were shrunk by area, so they are given such.
        """
        if self.training and image.shape[0] > self.size:
            import numpy
            from PIL import Image

            return numpy.asarray(Image.fromarray(image).resize((self.size, self.size), Image.BOX))
        if self.resampling == "skimage":
            from skimage.transform import resize

            return resize(image, (self.size, self.size))
        if self.resampling == "opencv":
            import cv2

            return cv2.resize(image, (self.size, self.size))
        import numpy
        from PIL import Image

        kernel = {"pillow-bicubic": Image.BICUBIC, "pillow-bilinear": Image.BILINEAR}[self.resampling]
        return numpy.asarray(Image.fromarray(image).resize((self.size, self.size), kernel))

    def prepare(self, image):
        """uint8 (H, W, 3) -> float32 tensor (1, 3, size, size) in ``value_range``."""
        import numpy
        import torch

        if image.shape[:2] != (self.size, self.size):
            image = self.resize(image)
        low, high = self.value_range
        plane = image.astype(numpy.float32) / numpy.float32(255.0) if image.dtype == numpy.uint8 else image
        plane = plane * (high - low) + low if (low, high) != (0.0, 1.0) else plane
        tensor = torch.from_numpy(plane.astype(numpy.float32)).unsqueeze(0).permute(0, 3, 1, 2)
        return (tensor if self.interleaved else tensor.contiguous()).to(self.device)

    def infer(self, source, reference):
        """float tensors (N, 3, size, size) -> generated (N, 3, h, w) in ``value_range``."""
        raise WorkerError(f"{self.method}: infer is not defined", 1)

    def quantise(self, plane):
        """float (h, w, 3) in ``value_range`` -> uint8, as the authors write their images."""
        import numpy

        low, high = self.value_range
        unit = plane if (low, high) == (0.0, 1.0) else (plane - low) / (high - low)
        return numpy.rint(numpy.clip(unit, 0.0, 1.0) * numpy.float32(255.0)).astype(numpy.uint8)

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
