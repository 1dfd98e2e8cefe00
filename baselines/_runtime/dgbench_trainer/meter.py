"""How much of the budget is used, and the loader that ends an epoch when its share of the budget is over."""

import time


class Finished(Exception):  # noqa: N818 - it names what happened
    """The budget is used up; raised between two steps."""


class Stopped(Exception):  # noqa: N818
    """The user asked to stop; raised between two steps."""


class Meter:
    """Counts steps and seconds over all sittings.

    Seconds are the process's processor seconds (all threads), or wall seconds where a GPU does the work. One of
    ``seconds`` and ``steps`` is the budget, the other is 0. ``epochs`` is the number of epochs of the authors' own
    schedule: each is given the same share of the budget, so that learning rate and everything else that depends on
    the epoch changes at the same share of the training as in theirs.
    """

    def __init__(self, seconds, steps, epochs, on_gpu, before=None):
        before = before or {}
        self.budget_seconds, self.budget_steps, self.epochs = float(seconds), int(steps), int(epochs)
        self.steps = int(before.get("steps", 0))
        self.samples = int(before.get("samples", 0))
        self.sittings = int(before.get("sittings", 0)) + 1
        self._seconds_before = float(before.get("seconds", 0.0))
        self._clock = time.time if on_gpu else time.process_time
        self._began = None
        self.batch = 0
        self.stopping = False
        self._losses = {}
        self._losses_of = 0

    def begin(self):
        """Start the clock; called with the first batch, so that importing and building are no training."""
        if self._began is None:
            self._began = self._clock()

    def seconds(self):
        return self._seconds_before + (self._clock() - self._began if self._began is not None else 0.0)

    def share(self):
        """Return the used share of the budget, 0 or more."""
        return self.steps / self.budget_steps if self.budget_steps else self.seconds() / self.budget_seconds

    def epoch(self):
        """Return the number of the authors' epochs that the used share amounts to."""
        return int(self.share() * self.epochs)

    def check(self):
        if self.stopping:
            raise Stopped()
        if self.share() >= 1.0:
            raise Finished()

    def step(self):
        self.steps += 1
        self.samples += self.batch

    def add_losses(self, losses):
        for name, value in losses.items():
            self._losses[name] = self._losses.get(name, 0.0) + float(value)
        self._losses_of += 1

    def has_losses(self):
        return self._losses_of > 0

    def take_losses(self):
        """Return the mean of each loss since the last call."""
        mean = {name: value / self._losses_of for name, value in self._losses.items()}
        self._losses, self._losses_of = {}, 0
        return mean

    def state(self):
        return {"steps": self.steps, "samples": self.samples, "seconds": self.seconds(), "sittings": self.sittings}


def budgeted_loader(plain, meter):
    """Return a stand-in for torch's DataLoader: in this process, and one epoch lasts one share of the budget.

    The authors' scripts hard-wire four to twelve loader processes, which cost more than they bring at small sizes,
    and whose time the meter would not see.
    """

    class Loader:
        def __init__(self, dataset, batch_size=1, shuffle=False, num_workers=0, drop_last=False):
            self._inner = plain(dataset, batch_size=batch_size, shuffle=shuffle, num_workers=0, drop_last=drop_last)
            if not len(self._inner):
                raise ValueError(f"{len(dataset)} clips are fewer than one batch of {batch_size}")
            meter.batch = batch_size

        def __iter__(self):
            meter.begin()
            meter.check()
            end = (meter.epoch() + 1) / meter.epochs
            while True:
                for batch in self._inner:
                    yield batch  # the step is made here
                    meter.step()
                    if meter.share() >= end or meter.stopping:
                        return

    return Loader
