"""Worker of the toy network."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker import TensorWorker, cpu_cuda_shim, main, part, read_checkpoint, strict_load


class ToyNet(TensorWorker):
    method = "toy-net"
    size = 32
    markers = ("modules/generator.py",)
    can_batch = True

    def load(self):
        if self.device == "cpu":
            cpu_cuda_shim()
        from modules.generator import Generator

        state = part(read_checkpoint(self.checkpoint), "generator", self.checkpoint)
        self.generator = strict_load(Generator(), state, "generator").to(self.device)

    def networks(self):
        return [self.generator]

    def infer(self, source, reference):
        return self.generator(source, reference)


if __name__ == "__main__":
    sys.exit(main(ToyNet, __file__))
