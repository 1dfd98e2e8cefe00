"""Hooks into the authors' Logger: one checkpoint, written atomically, that also holds what was used of the budget."""

import os
import time

from dgbench_trainer.trainer import looked_up

#: Key under which the budget's state lies in a checkpoint; the authors' loaders do not look at it.
STATE = "dgbench"


class Keeper:
    """Saves, resumes and reports; ``say`` sends one message to the host."""

    def __init__(self, trainer, meter, config, folder, say):
        self._trainer, self._meter, self._config, self._folder, self._say = trainer, meter, config, folder, say
        self._said = 0.0

    @property
    def path(self):
        return os.path.join(self._folder, "state.pth.tar")

    def hook(self):
        """Change the checkout's Logger and its loader; the checkout must be importable."""
        import logger
        import train

        from dgbench_trainer.meter import budgeted_loader

        kind, keeper = logger.Logger, self
        plain_iter, plain_epoch = kind.log_iter, kind.log_epoch

        def log_iter(self, *args, **kwargs):
            if "losses" in kwargs:
                keeper._meter.add_losses(kwargs["losses"])
            else:
                keeper._meter.add_losses(dict(zip(kwargs["names"], kwargs["values"])))
            keeper.report()
            return plain_iter(self, *args, **kwargs)

        def log_epoch(self, epoch, models, *args, **kwargs):
            result = plain_epoch(self, epoch, models, *args, **kwargs)
            keeper.save(models)
            return result

        def save_cpk(self, *args, **kwargs):
            keeper.save(self.models)

        kind.log_iter, kind.log_epoch, kind.save_cpk = log_iter, log_epoch, save_cpk
        train.DataLoader = budgeted_loader(train.DataLoader, self._meter)

    def report(self, seconds=2.0):
        """Tell the host how far the training is, at most every few seconds."""
        meter = self._meter
        if time.time() - self._said < seconds or not meter.has_losses():
            return
        self._said = time.time()
        losses = meter.take_losses()
        self._say({"op": "progress", "share": min(1.0, meter.share()), "losses": losses, **meter.state()})

    def save(self, models):
        """Write networks, optimisers and the used budget; the file before it stays until this one is whole."""
        import torch

        content = {name: model.state_dict() for name, model in models.items()}
        content["epoch"] = self._meter.epoch()
        content["it"] = self._meter.steps
        content[STATE] = self._meter.state()
        _write(torch, content, self.path)
        self.report(0.0)

    def resumable(self):
        """Return the checkpoint's used budget, or None where there is nothing to go on from."""
        import torch

        if not os.path.isfile(self.path):
            return None
        return torch.load(self.path, map_location="cpu", weights_only=True)[STATE]

    def prepare_resume(self):
        """Write the checkpoint that the authors' script goes on from, and return its path.

        Epoch and learning rates follow from the used share of the budget, which may be a larger budget than that of
        the sitting before. The authors' scheduler applies a milestone at the very epoch that it starts with.
        """
        import torch

        content = torch.load(self.path, map_location="cpu", weights_only=True)
        epoch = self._meter.epoch()
        content["epoch"] = epoch - self._trainer.first_epoch
        passed = sum(mark < epoch for mark in looked_up(self._config, self._trainer.milestones_key))
        for name, value in content.items():
            for group in value["param_groups"] if name.startswith("optimizer") else ():
                group["lr"] = group.get("initial_lr", group["lr"]) * 0.1**passed
        path = os.path.join(self._folder, "resume.pth.tar")
        _write(torch, content, path)
        return path

    def write_networks(self, path):
        """Write the networks alone, in the authors' layout, for the worker to read."""
        import torch

        content = torch.load(self.path, map_location="cpu", weights_only=True)
        _write(torch, {name: content[name] for name in self._trainer.networks if name in content}, path)


def _write(torch, content, path):
    torch.save(content, path + ".part")
    with open(path + ".part", "rb") as handle:
        os.fsync(handle.fileno())
    os.replace(path + ".part", path)
