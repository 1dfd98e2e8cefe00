"""Worker of toy A."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker import PairError, Worker, finite, main


class ToyA(Worker):
    method = "toy-a"
    size = 32
    packages = ("numpy", "PIL")
    markers = ("modules/net.py",)
    can_batch = True
    options = {"mode": ("absolute", ("absolute", "relative")), "fault": ("", None)}

    def load(self):
        from modules.net import animate

        if self.chosen["fault"] == "die":
            os._exit(7)
        self.animate = animate

    def reenact(self, tasks):
        import numpy

        made = []
        if self.chosen["fault"] == "gone":
            raise AttributeError("module 'torch' has no attribute 'qr'")
        if self.chosen["fault"] == "picky" and tasks[0].pair_id == "trial":
            raise PairError("no-face", "no face in the source")
        for task in tasks:
            image = self.animate(task.source, task.reference, relative=self.chosen["mode"] == "relative")
            if tuple(task.reference[0, 0]) == (4, 255, 1):
                image = image * numpy.nan
            if self.chosen["fault"] == "state" and getattr(self, "seen", None) is not None:
                image = (image + self.seen) / 2
            self.seen = image
            if self.chosen["fault"] == "bgr":
                image = image[:, :, ::-1]
            if self.chosen["fault"] == "range":
                image = image / 255
            if self.chosen["fault"] == "swap":
                image = self.animate(task.reference, task.source, relative=False)
            if self.chosen["fault"] == "random":
                image = image + numpy.random.default_rng().random(image.shape) / 10
            if self.chosen["fault"] == "legacy":
                image = image + numpy.random.rand(*image.shape) / 10
            if self.chosen["fault"] == "batch":
                image = image + len(tasks) / 100
            if self.chosen["fault"] == "float":
                made.append(finite(image))
                continue
            made.append((numpy.clip(finite(image), 0, 1) * 255).astype(numpy.uint8))
        return made


if __name__ == "__main__":
    sys.exit(main(ToyA, __file__))
