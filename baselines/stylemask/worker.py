"""Runs StyleMask (Bounareli et al., FG 2023) on still pairs; needs a CUDA GPU and nvcc."""

import argparse
import types
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker import finite, main
from dgbench_worker.crops import CroppingWorker, oriented_square

FILES = {"gan_weights": "stylegan2-ffhq-config-f_1024.pt", "e4e_inversion_model": "e4e_ffhq_encode_1024.pt"}


class StyleMask(CroppingWorker):
    """Both images inverted by e4e, then Inference_demo.reenact_pair, on FFHQ's crop."""

    method = "stylemask"
    packages = ("torch", "torchvision", "numpy", "PIL", "cv2", "skimage", "scipy", "matplotlib", "tqdm")
    markers = ("run_inference.py", "libs/models/mask_predictor.py")
    checkpoint_files = ("mask_network_1024.pt",) + tuple(sorted(FILES.values()))
    gpu_only = True

    def load(self):
        import torch

        if hasattr(torch.serialization, "add_safe_globals"):
            torch.serialization.add_safe_globals([argparse.Namespace])
        from libs.configs.config_models import stylegan2_ffhq_1024

        stylegan2_ffhq_1024.update((key, self.weight(name)) for key, name in FILES.items())
        # face-alignment serves the method's own cropping, which has the protocol's landmarks here; it would download.
        sys.modules["face_alignment"] = types.SimpleNamespace(
            FaceAlignment=lambda *args, **kwargs: None, LandmarksType=types.SimpleNamespace(_2D=None)
        )
        import run_inference
        from libs.utilities.image_utils import image_to_tensor

        settings = dict.fromkeys(("source_path", "target_path", "num_pairs", "save_grid", "save_image"), None)
        settings.update(output_path="out", masknet_path=self.weight("mask_network_1024.pt"), image_resolution=1024)
        settings.update(dataset="ffhq", resize_image=True)
        self.runner = run_inference.Inference_demo(settings)
        self.runner.load_models(True)
        self.runner.input_is_latent = True
        self.invert, self.to_tensor = run_inference.invert_image, image_to_tensor

    def square(self, points):
        """As align_crop_image, which is FFHQ's rule: eyes and mouth corners give centre, size and roll."""
        import numpy

        left, right = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
        across, eyes = right - left, (left + right) / 2
        down = (points[48] + points[54]) / 2 - eyes
        side = across - down[::-1] * [-1, 1]
        side = side / numpy.hypot(*side) * max(numpy.hypot(*across) * 2.0, numpy.hypot(*down) * 1.8)
        return oriented_square(eyes + down * 0.1, side, self.size)

    def reenact_crop(self, source, reference, source_points, reference_points):
        import numpy
        import torch
        from PIL import Image

        runner, codes = self.runner, []
        for image in (source, reference):
            if image.shape[:2] != (self.size, self.size):
                image = numpy.asarray(Image.fromarray(image).resize((self.size, self.size), Image.BICUBIC))
            tensor = self.to_tensor(image).unsqueeze(0).to(self.device)
            with torch.no_grad():
                codes.append(self.invert(tensor, runner.encoder, runner.G, runner.truncation, runner.trunc)[1])
        out = runner.reenact_pair(codes[0], codes[1])[2]
        plane = finite(out[0].permute(1, 2, 0).cpu().numpy())
        return numpy.rint(numpy.clip((plane + 1) / 2, 0, 1) * 255).astype(numpy.uint8)


if __name__ == "__main__":
    sys.exit(main(StyleMask, __file__))
