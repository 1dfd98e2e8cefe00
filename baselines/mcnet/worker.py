"""Runs MCNet (Hong and Xu, ICCV 2023) on still pairs, with absolute key points."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker import TensorWorker, main


class MCNet(TensorWorker):
    """The memory-compensation generator of the README's demo command, without --relative and --adapt_scale."""

    method = "mcnet"
    packages = ("torch", "torchvision", "numpy", "PIL", "yaml", "skimage", "einops", "torchdiffeq")
    markers = ("demo.py", "modules/generator.py", "config/vox-256.yaml")
    strip = "module."
    can_batch = False  # noise is drawn inside the network, so an image would depend on its place in the batch
    options = {"kp_num": ("15", ("10", "15"))}

    def build(self):
        import yaml
        from modules.generator import Unet_Generator_keypoint_aware
        from modules.keypoint_detector import KPDetector

        with open(os.path.join(self.repo, "config", "vox-256.yaml")) as handle:
            model = yaml.safe_load(handle)["model_params"]
        common = dict(model["common_params"], num_kp=int(self.chosen["kp_num"]))
        memory = {"mbunit": "ExpendMemoryUnit", "mb_spatial": 32, "mb_channel": 512}
        return {
            "generator": Unet_Generator_keypoint_aware(**model["generator_params"], **common, **memory),
            "kp_detector": KPDetector(**model["kp_detector_params"], **common),
        }

    def infer(self, source, reference):
        find = self.parts["kp_detector"]
        return self.parts["generator"](source, kp_source=find(source), kp_driving=find(reference))["prediction"]


if __name__ == "__main__":
    sys.exit(main(MCNet, __file__))
