"""Runs Latent Image Animator (Wang et al., ICLR 2022) on still pairs, without a start frame (absolute)."""

import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker import TensorWorker, cpu_cuda_shim, main


class LatentImageAnimator(TensorWorker):
    """One call of the generator on [-1, 1]; with h_start it would return the source itself on a still."""

    method = "lia"
    value_range = (-1.0, 1.0)
    interleaved = False
    resampling = "pillow-bicubic"
    markers = ("run_demo.py", "networks/generator.py")
    harmless_classes = (argparse.Namespace,)  # the training script stores its arguments
    can_batch = True

    def prepare_interpreter(self):
        if self.device == "cpu":
            cpu_cuda_shim()  # ToFlow.forward moves its grid to the GPU unasked

    def build(self):
        from networks.generator import Generator

        return {"gen": Generator(256, 512, 20, 1)}

    def infer(self, source, reference):
        return self.parts["gen"](source, reference)

    def quantise(self, plane):
        import numpy

        return numpy.clip(plane * 127.5 + 128, 0, 255).astype(numpy.uint8)  # as evaluation.py writes its videos


if __name__ == "__main__":
    sys.exit(main(LatentImageAnimator, __file__))
