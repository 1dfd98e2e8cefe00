"""Worker of toy B."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker import Worker, main


class ToyB(Worker):
    method = "toy-b"
    size = 32
    packages = ("numpy", "PIL")
    markers = ("modules/net.py",)

    def load(self):
        from modules.net import transfer

        self.transfer = transfer

    def reenact(self, tasks):
        return [self.transfer(task.reference, task.source).astype("uint8") for task in tasks]


if __name__ == "__main__":
    sys.exit(main(ToyB, __file__))
