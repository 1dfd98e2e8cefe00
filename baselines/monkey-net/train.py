"""Trains Monkey-Net by the authors' run.py, from scratch; it has no perceptual loss, so nothing is substituted."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_trainer import Trainer, main
from dgbench_worker.shims import no_device_zero, old_gesv, old_skimage, safe_yaml, set_align_corners


class MonkeyNetTraining(Trainer):
    """vox.yaml at 256 px; below, the networks of the authors' own 64 px configuration with vox.yaml's key points."""

    method = "monkey-net"
    layout = "strips"
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
        "scipy",
        "tqdm",
    )
    markers = ("run.py", "train.py", "modules/generator.py", "config/vox.yaml")
    config = "config/vox.yaml"
    networks = ("generator", "kp_detector")

    def overrides(self, size):
        if size >= 256:
            return {}
        half = {"scale_factor": 32 / size}
        return {
            "model_params": {
                "kp_detector_params": {"block_expansion": 16, "max_features": 128, "num_blocks": 4, **half},
                "generator_params": {
                    "block_expansion": 16,
                    "max_features": 128,
                    "num_blocks": 5,
                    "num_refinement_blocks": 4,
                    "dense_motion_params": {"block_expansion": 16, "max_features": 128, "num_blocks": 4, **half},
                    "kp_embedding_params": half,
                },
                "discriminator_params": {"max_features": 128},
            },
            "train_params": {"batch_size": 8},
        }

    def data(self, folder, size):
        return {
            "dataset_params": {
                "root_dir": folder,
                "image_shape": [size, size, 3],
                "augmentation_params": {"crop_param": {"size": [size, size]}},
            }
        }

    def prepare_interpreter(self):
        safe_yaml()
        old_skimage()
        old_gesv()
        no_device_zero()
        set_align_corners(True)


if __name__ == "__main__":
    sys.exit(main(MonkeyNetTraining, __file__))
