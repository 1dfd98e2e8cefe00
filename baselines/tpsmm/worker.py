"""Runs Thin-Plate Spline Motion Model (Zhao and Zhang, CVPR 2022) on still pairs, in its standard mode."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker import TensorWorker, main


class ThinPlateSpline(TensorWorker):
    """Key points, dense motion, inpainting, as demo.make_animation(mode="standard") does."""

    method = "tpsmm"
    packages = ("torch", "torchvision", "numpy", "PIL", "yaml", "skimage")
    markers = ("demo.py", "modules/inpainting_network.py", "config/vox-256.yaml")
    can_batch = True
    options = {"mode": ("standard", ("standard", "avd"))}

    def build(self):
        from modules.avd_network import AVDNetwork
        from modules.dense_motion import DenseMotionNetwork
        from modules.inpainting_network import InpaintingNetwork
        from modules.keypoint_detector import KPDetector

        model = self.configuration("config/vox-256.yaml")["model_params"]
        common = model["common_params"]
        parts = {
            "inpainting_network": InpaintingNetwork(**model["generator_params"], **common),
            "kp_detector": KPDetector(**common),
            "dense_motion_network": DenseMotionNetwork(**common, **model["dense_motion_params"]),
        }
        if self.chosen["mode"] == "avd":
            parts["avd_network"] = AVDNetwork(num_tps=common["num_tps"], **model["avd_network_params"])
        return parts

    def infer(self, source, reference):
        found, moved = self.parts["kp_detector"](source), self.parts["kp_detector"](reference)
        if self.chosen["mode"] == "avd":
            moved = self.parts["avd_network"](found, moved)
        motion = self.parts["dense_motion_network"](
            source_image=source, kp_driving=moved, kp_source=found, bg_param=None, dropout_flag=False
        )
        return self.parts["inpainting_network"](source, motion)["prediction"]


if __name__ == "__main__":
    sys.exit(main(ThinPlateSpline, __file__))
