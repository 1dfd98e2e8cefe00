"""Runs Monkey-Net (Siarohin et al., CVPR 2019) on still pairs, with the reference's own key points."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker import TensorWorker, main, set_align_corners
from dgbench_worker.shims import old_gesv


class MonkeyNet(TensorWorker):
    """One-frame clips (B, 3, 1, H, W); transfer.py's move_location=False, so no first frame is subtracted."""

    method = "monkey-net"
    interleaved = False
    packages = ("torch", "numpy", "PIL", "yaml", "skimage")
    markers = ("transfer.py", "modules/generator.py", "config/vox.yaml")
    can_batch = True
    options = {"align_corners": ("true", ("false", "true"))}

    def prepare_interpreter(self):
        old_gesv()
        set_align_corners(self.chosen["align_corners"] == "true")

    def build(self):
        from modules.generator import MotionTransferGenerator
        from modules.keypoint_detector import KPDetector

        model = self.configuration("config/vox.yaml")["model_params"]
        return {
            "generator": MotionTransferGenerator(**model["generator_params"], **model["common_params"]),
            "kp_detector": KPDetector(**model["kp_detector_params"], **model["common_params"]),
        }

    def infer(self, source, reference):
        source, reference = source.unsqueeze(2), reference.unsqueeze(2)
        find = self.parts["kp_detector"]
        made = self.parts["generator"](source_image=source, kp_driving=find(reference), kp_source=find(source))
        return made["video_prediction"][:, :, 0]

    def quantise(self, plane):
        import numpy

        return (255 * numpy.clip(plane, 0, 1)).astype(numpy.uint8)  # truncated, as demo.py does


if __name__ == "__main__":
    sys.exit(main(MonkeyNet, __file__))
