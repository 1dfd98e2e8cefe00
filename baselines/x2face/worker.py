"""Runs X2Face (Wiles et al., ECCV 2018) on still pairs; the reference is the driving frame."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker import TensorWorker, cpu_cuda_shim, main, set_align_corners


class X2Face(TensorWorker):
    """The unwrapped-face network of the notebook: driver first, source second, result clamped to [0, 1]."""

    method = "x2face"
    interleaved = False
    resampling = "pillow-bilinear"  # torchvision's Scale
    markers = ("UnwrapMosaic/UnwrappedFace.py",)
    paths = ("UnwrapMosaic",)
    can_batch = True
    options = {"align_corners": ("true", ("false", "true"))}

    def prepare_interpreter(self):
        import torch

        # The constructor initialises with functions that torch has removed or made stricter; the checkpoint
        # overwrites every weight, so no initialisation is needed at all.
        for name in ("uniform", "constant", "xavier_normal", "kaiming_normal", "orthogonal"):
            setattr(torch.nn.init, name, lambda tensor, *args, **kwargs: tensor)
        if self.device == "cpu":
            cpu_cuda_shim()
            torch.cuda.is_available = lambda: True  # define_G asserts it, then uses no GPU of its own
        set_align_corners(self.chosen["align_corners"] == "true")

    def build(self):
        from UnwrappedFace import UnwrappedFaceWeightedAverage

        return {
            "state_dict": UnwrappedFaceWeightedAverage(output_num_channels=2, input_num_channels=3, inner_nc=128)
        }

    def infer(self, source, reference):
        return self.parts["state_dict"](reference, source).clamp(min=0, max=1)


if __name__ == "__main__":
    sys.exit(main(X2Face, __file__))
