"""Training of the toy network."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_trainer import Trainer, main
from dgbench_worker.shims import cpu_cuda_shim, safe_yaml


class ToyNetTraining(Trainer):
    method = "toy-net"
    markers = ("run.py", "modules/generator.py")
    config = "config/toy-256.yaml"
    networks = ("generator",)
    perceptual_key = ("train_params", "loss_weights", "perceptual")

    def overrides(self, size):
        return {"model_params": {"generator_params": {"width": 6}}, "train_params": {"batch_size": 4}}

    def data(self, folder, size):
        return {"dataset_params": {"root_dir": folder, "frame_shape": [size, size, 3]}}

    def prepare_interpreter(self):
        cpu_cuda_shim()
        safe_yaml()


if __name__ == "__main__":
    sys.exit(main(ToyNetTraining, __file__))
