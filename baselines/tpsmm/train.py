"""Trains Thin-Plate Spline Motion Model by the authors' run.py, from scratch, at a small size."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_trainer import Trainer, main
from dgbench_worker.shims import old_skimage, safe_yaml


class ThinPlateSplineTraining(Trainer):
    """vox-256.yaml below 256 px: half or less of the channels, the hourglass on half the side; ResNet-18 stays."""

    method = "tpsmm"
    packages = ("torch", "torchvision", "numpy", "yaml", "skimage", "sklearn", "imageio", "matplotlib", "tqdm")
    markers = ("run.py", "train.py", "modules/inpainting_network.py", "config/vox-256.yaml")
    config = "config/vox-256.yaml"
    networks = ("inpainting_network", "kp_detector", "dense_motion_network", "bg_predictor")
    perceptual_key = ("train_params", "loss_weights", "perceptual")
    first_epoch = 1

    def overrides(self, size):
        if size >= 256:
            return {}
        return {
            "model_params": {
                "generator_params": {"block_expansion": 32, "max_features": 256},
                # Four occlusion maps at 1/8 of the side and up: the hourglass's scale and depth go together.
                "dense_motion_params": {"block_expansion": 32, "max_features": 256, "num_blocks": 4},
            },
            "train_params": {"batch_size": 8, "scales": [1, 0.5, 0.25], "dataloader_workers": 0},
        }

    def data(self, folder, size):
        return {"dataset_params": {"root_dir": folder, "frame_shape": None, "id_sampling": False}}

    def prepare_interpreter(self):
        safe_yaml()
        old_skimage()


if __name__ == "__main__":
    sys.exit(main(ThinPlateSplineTraining, __file__))
