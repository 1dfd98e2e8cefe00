"""Trains First Order Motion Model by the authors' run.py, from scratch, at a size that one processor can manage."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_trainer import Trainer, main
from dgbench_worker.shims import old_skimage, safe_yaml


class FirstOrderModelTraining(Trainer):
    """vox-256.yaml below 256 px: a quarter to half of the channels, hourglasses on 32 px, a third fewer blocks."""

    method = "first-order-model"
    packages = (
        "torch",
        "torchvision",
        "numpy",
        "yaml",
        "skimage",
        "sklearn",
        "imageio",
        "matplotlib",
        "pandas",
        "tqdm",
    )
    markers = ("run.py", "train.py", "modules/generator.py", "config/vox-256.yaml")
    config = "config/vox-256.yaml"
    networks = ("generator", "kp_detector")
    perceptual_key = ("train_params", "loss_weights", "perceptual")

    def overrides(self, size):
        if size >= 256:
            return {}
        hourglass = {"scale_factor": 32 / size, "num_blocks": 4}
        return {
            "model_params": {
                "kp_detector_params": {"block_expansion": 16, "max_features": 256, **hourglass},
                "generator_params": {
                    "block_expansion": 32,
                    "max_features": 256,
                    "num_bottleneck_blocks": 4,
                    "dense_motion_params": {"block_expansion": 32, "max_features": 256, **hourglass},
                },
                "discriminator_params": {"block_expansion": 16, "max_features": 128, "num_blocks": 3},
            },
            "train_params": {"batch_size": 8, "scales": [1, 0.5, 0.25]},
        }

    def data(self, folder, size):
        return {
            "dataset_params": {
                "root_dir": folder,
                "frame_shape": [size, size, 3],
                "id_sampling": False,
                "pairs_list": None,
            }
        }

    def prepare_interpreter(self):
        safe_yaml()
        old_skimage()


if __name__ == "__main__":
    sys.exit(main(FirstOrderModelTraining, __file__))
