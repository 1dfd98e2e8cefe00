"""Runs the public re-implementation of one-shot free-view synthesis (Wang et al., CVPR 2021) on still pairs."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker import TensorWorker, main, take_functions


class FreeView(TensorWorker):
    """Canonical key points of the source, head pose and expression of the reference, absolute."""

    method = "face-vid2vid"
    packages = ("torch", "torchvision", "numpy", "PIL", "yaml", "skimage")
    markers = ("demo.py", "modules/generator.py", "config/vox-256.yaml")
    can_batch = True
    options = {
        "config": ("vox-256", ("vox-256", "vox-256-beta")),
        "generator": ("spade", ("spade", "original")),
    }

    def build(self):
        import torch
        import yaml
        from modules.generator import OcclusionAwareGenerator, OcclusionAwareSPADEGenerator
        from modules.keypoint_detector import HEEstimator, KPDetector

        with open(os.path.join(self.repo, "config", self.chosen["config"] + ".yaml")) as handle:
            model = yaml.safe_load(handle)["model_params"]
        common = model["common_params"]
        self.jacobian = common["estimate_jacobian"]
        kinds = {"spade": OcclusionAwareSPADEGenerator, "original": OcclusionAwareGenerator}
        script = os.path.join(self.repo, "demo.py")
        names = ("headpose_pred_to_degree", "get_rotation_matrix", "keypoint_transformation")
        self.transform = take_functions(script, names, {"torch": torch, "F": torch.nn.functional})[2]
        return {
            "generator": kinds[self.chosen["generator"]](**model["generator_params"], **common),
            "kp_detector": KPDetector(**model["kp_detector_params"], **common),
            "he_estimator": HEEstimator(**model["he_estimator_params"], **common),
        }

    def infer(self, source, reference):
        estimate = self.parts["he_estimator"]
        canonical = self.parts["kp_detector"](source)
        found = self.transform(canonical, estimate(source), self.jacobian)
        moved = self.transform(canonical, estimate(reference), self.jacobian)
        return self.parts["generator"](source, kp_source=found, kp_driving=moved)["prediction"]


if __name__ == "__main__":
    sys.exit(main(FreeView, __file__))
