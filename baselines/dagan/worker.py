"""Runs DaGAN (Hong et al., CVPR 2022) on still pairs: key points found with estimated depth, absolute motion."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker import TensorWorker, main, part, read_checkpoint


class DaGAN(TensorWorker):
    """Depth of both images, key points of image and depth, then the depth-aware generator."""

    method = "dagan"
    packages = ("torch", "torchvision", "numpy", "PIL", "yaml", "skimage")
    markers = ("demo.py", "depth/resnet_encoder.py", "config/vox-adv-256.yaml")
    checkpoint_files = ("DaGAN_vox_adv_256.pth.tar", "encoder.pth", "depth.pth")
    strip = "module."
    can_batch = True
    options = {"kp_num": ("15", ("10", "15"))}

    def build(self):
        import depth
        import yaml
        from modules.generator import DepthAwareGenerator
        from modules.keypoint_detector import KPDetector

        with open(os.path.join(self.repo, "config", "vox-adv-256.yaml")) as handle:
            model = yaml.safe_load(handle)["model_params"]
        common = dict(model["common_params"], num_kp=int(self.chosen["kp_num"]))
        encoder = depth.ResnetEncoder(18, False)
        return {
            "generator": DepthAwareGenerator(**model["generator_params"], **common),
            "kp_detector": KPDetector(**model["kp_detector_params"], **dict(common, num_channels=4)),
            "encoder": encoder,
            "depth": depth.DepthDecoder(num_ch_enc=encoder.num_ch_enc, scales=range(4)),
        }

    def states(self):
        path = self.weight("DaGAN_vox_adv_256.pth.tar")
        checkpoint = read_checkpoint(path)
        states = {name: part(checkpoint, name, path) for name in ("generator", "kp_detector")}
        own = self.parts["encoder"].state_dict()
        # The encoder's file also holds the image size it was trained at, beside the weights.
        states["encoder"] = {k: v for k, v in read_checkpoint(self.weight("encoder.pth")).items() if k in own}
        states["depth"] = read_checkpoint(self.weight("depth.pth"))
        return states

    def disparity(self, image):
        return self.parts["depth"](self.parts["encoder"](image))[("disp", 0)]

    def infer(self, source, reference):
        import torch

        near, far = self.disparity(source), self.disparity(reference)
        find = self.parts["kp_detector"]
        return self.parts["generator"](
            source,
            kp_source=find(torch.cat((source, near), 1)),
            kp_driving=find(torch.cat((reference, far), 1)),
            source_depth=near,
            driving_depth=far,
        )["prediction"]


if __name__ == "__main__":
    sys.exit(main(DaGAN, __file__))
