"""Worker of the toy network."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker import TensorWorker, cpu_cuda_shim, main


class ToyNet(TensorWorker):
    method = "toy-net"
    size = 32
    markers = ("modules/generator.py",)
    can_batch = True

    def prepare_interpreter(self):
        if self.device == "cpu":
            cpu_cuda_shim()

    def build(self):
        from modules.generator import Generator

        if not self.training:
            return {"generator": Generator()}
        return {"generator": Generator(**self.configuration("config/toy-256.yaml")["model_params"]["generator_params"])}

    def infer(self, source, reference):
        return self.parts["generator"](source, reference)


if __name__ == "__main__":
    sys.exit(main(ToyNet, __file__))
