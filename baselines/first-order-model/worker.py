"""Runs First Order Motion Model (Siarohin et al., NeurIPS 2019) on still pairs, with absolute key points."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker import TensorWorker, main, set_align_corners


class FirstOrderModel(TensorWorker):
    """Key points of source and reference to the generator, as demo.make_animation(relative=False) does."""

    method = "first-order-model"
    packages = ("torch", "numpy", "PIL", "yaml", "skimage")
    markers = ("demo.py", "modules/generator.py", "config/vox-256.yaml")
    can_batch = True
    options = {"config": ("vox-256", ("vox-256", "vox-adv-256")), "align_corners": ("false", ("false", "true"))}

    def prepare_interpreter(self):
        if self.chosen["align_corners"] == "true":
            set_align_corners(True)

    def build(self):
        from modules.generator import OcclusionAwareGenerator
        from modules.keypoint_detector import KPDetector

        model = self.configuration(os.path.join("config", self.chosen["config"] + ".yaml"))["model_params"]
        return {
            "generator": OcclusionAwareGenerator(**model["generator_params"], **model["common_params"]),
            "kp_detector": KPDetector(**model["kp_detector_params"], **model["common_params"]),
        }

    def infer(self, source, reference):
        find = self.parts["kp_detector"]
        return self.parts["generator"](source, kp_source=find(source), kp_driving=find(reference))["prediction"]


if __name__ == "__main__":
    sys.exit(main(FirstOrderModel, __file__))
