"""Runs HyperReenact (Bounareli et al., ICCV 2023) on still pairs; needs a CUDA GPU and nvcc."""

import argparse
import os
import sys
import types

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker import finite, main
from dgbench_worker.crops import CroppingWorker, oriented_square

FILES = {
    "pose_encoder_path": "deca_model.tar",
    "app_encoder_path": "insight_face.pth",
    "e4e_path": "e4e-voxceleb.pt",
    "generator_weights": "stylegan-voxceleb.pt",
}


class HyperReenact(CroppingWorker):
    """Inference.load_models, the source inverted by e4e, then Inference.forward_model, on the authors' crop.

    The landmarks are the protocol's: the authors' finders would download two networks and unpickle one.
    """

    method = "hyperreenact"
    packages = ("torch", "torchvision", "numpy", "PIL", "cv2", "kornia", "scipy", "skimage", "matplotlib", "tqdm")
    markers = ("run_inference.py", "libs/models/hypernetwork_reenact.py")
    checkpoint_files = ("hypernetwork.pt",) + tuple(sorted(FILES.values()))
    gpu_only = True

    def load(self):
        import torch

        if hasattr(torch.serialization, "add_safe_globals"):
            torch.serialization.add_safe_globals([argparse.Namespace])
        from libs.configs.config_models import model_arguments

        model_arguments.update((key, self.weight(name)) for key, name in FILES.items())
        self._stand_in()
        import run_inference

        names = ("source_path", "target_path", "save_grids", "save_images", "save_video")
        settings = dict.fromkeys(names, None)
        settings.update(output_path="out", model_path=self.weight("hypernetwork.pt"))
        self.runner = run_inference.Inference(settings)
        self.runner.load_models()
        self.to_tensor = run_inference.image_to_tensor

    def _stand_in(self):
        """Let the method's two landmark finders answer with the protocol's points, and bring back kornia's old name."""
        import kornia
        import libs.face_models.landmarks_estimation as finder
        import torch

        worker = self

        class Points:
            def __init__(self, *args, **kwargs):
                pass

            def get_landmarks_from_batch(self, images):
                return torch.tensor(worker.points["source"], dtype=torch.float32, device=worker.device)[None]

            def get_landmarks(self, image):
                return [worker.points["reference"]]

        finder.LandmarksEstimation = Points
        sys.modules["face_alignment"] = types.SimpleNamespace(
            FaceAlignment=Points, LandmarksType=types.SimpleNamespace(TWO_D=None)
        )
        if not hasattr(kornia, "warp_affine"):
            from kornia.geometry.transform import warp_affine

            kornia.warp_affine = warp_affine

    def square(self, points):
        """As crop_using_landmarks: twice the longer extent of the points, a sixth of it higher than their middle."""
        import numpy

        low, high = points.min(axis=0), points.max(axis=0)
        extent = int((high - low).max())
        centre = numpy.rint((low + high) / 2)
        centre[1] -= extent // 6
        return oriented_square(centre, (extent, 0.0), self.size)

    def reenact_crop(self, source, reference, source_points, reference_points):
        import numpy
        import torch
        from PIL import Image

        images, self.points = [], {}
        for name, image, points in (
            ("source", source, source_points),
            ("reference", reference, reference_points),
        ):
            self.points[name] = points * (self.size / float(image.shape[0]))
            if image.shape[:2] != (self.size, self.size):
                image = numpy.asarray(Image.fromarray(image).resize((self.size, self.size), Image.BICUBIC))
            images.append(self.to_tensor(image).unsqueeze(0).to(self.device))
        with torch.no_grad():
            code = self.runner.encoder(images[0])
            out = self.runner.forward_model(images[0], images[1], code)
        plane = finite(out[0].permute(1, 2, 0).cpu().numpy())
        return numpy.rint(numpy.clip((plane + 1) / 2, 0, 1) * 255).astype(numpy.uint8)


if __name__ == "__main__":
    sys.exit(main(HyperReenact, __file__))
