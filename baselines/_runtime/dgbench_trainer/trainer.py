"""What a method is to the trainer: the class that every train.py fills in."""

import os
import sys

from dgbench_worker.errors import WorkerError


class Trainer:
    """A method trained by its authors' script. Subclasses name files of the checkout and what old code needs.

    The script must be of the family that three of the methods share: ``run.py --config --log_dir --checkpoint``,
    a module ``train`` that draws batches from ``DataLoader``, and a ``Logger`` with ``log_iter``, ``log_epoch``,
    ``save_cpk`` and ``load_cpk``.
    """

    method = ""
    layout = "frames"  # "frames": a folder of frames per person; "strips": one image per person, frames side by side
    packages = ("torch", "numpy", "PIL", "yaml")
    markers = ()  # files that a checkout of this repository has
    config = ""  # the configuration of the checkout that is overridden
    arguments = ()  # further arguments of run.py
    networks = ()  # what of the authors' checkpoint is kept in the trained one
    perceptual_key = ()  # where the configuration weights the perceptual loss; empty: the method has none
    paths = ("",)
    epochs_key = ("train_params", "num_epochs")
    milestones_key = ("train_params", "epoch_milestones")
    first_epoch = 0  # what run.py adds to the checkpoint's epoch when it goes on

    def overrides(self, size):
        """Return what the configuration must say otherwise to train at ``size`` pixels on one processor."""
        raise WorkerError(f"{self.method}: overrides is not defined", 1)

    def data(self, folder, size):
        """Return what the configuration must say of the data."""
        raise WorkerError(f"{self.method}: data is not defined", 1)

    def prepare_interpreter(self):
        """Change what the method's old code needs changed; called before anything of it is imported."""

    def set_perceptual(self, build):
        """Put ``build()``, a module that returns a list of activations, in VGG's place."""
        import modules.model

        modules.model.Vgg19 = build

    def script(self, repo):
        sys.path.insert(0, repo)
        return os.path.join(repo, "run.py")


def merged(config, changes):
    """Return ``config`` with ``changes``, both nested dicts; a change that is no dict replaces what was there."""
    both = dict(config)
    for key, value in changes.items():
        inner = both.get(key)
        both[key] = merged(inner, value) if isinstance(value, dict) and isinstance(inner, dict) else value
    return both


def looked_up(config, keys):
    """Return the value at a path of keys."""
    for key in keys:
        config = config[key]
    return config


def nested(keys, value):
    """Return ``{keys[0]: {keys[1]: ... value}}``."""
    for key in reversed(keys):
        value = {key: value}
    return value
