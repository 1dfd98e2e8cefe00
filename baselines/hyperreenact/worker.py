"""Runs HyperReenact (Bounareli et al., ICCV 2023) on still pairs; needs a CUDA GPU and nvcc."""

import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker import Worker, finite, main, only_weights

FILES = {
    "pose_encoder_path": "deca_model.tar",
    "app_encoder_path": "insight_face.pth",
    "e4e_path": "e4e-voxceleb.pt",
    "generator_weights": "stylegan-voxceleb.pt",
    "sfd_detector_path": "s3fd-619a316812.pth",
}


class HyperReenact(Worker):
    """Inference.load_models, the source inverted by e4e, then Inference.forward_model, on the protocol's frame."""

    method = "hyperreenact"
    packages = ("torch", "torchvision", "numpy", "PIL", "cv2", "kornia", "scipy")
    markers = ("run_inference.py", "libs/models/hypernetwork_reenact.py")
    checkpoint_files = ("hypernetwork.pt",) + tuple(sorted(FILES.values()))
    gpu_only = True

    def load(self):
        import torch

        only_weights()
        if hasattr(torch.serialization, "add_safe_globals"):
            torch.serialization.add_safe_globals([argparse.Namespace])
        from libs.configs.config_models import model_arguments

        model_arguments.update((key, self.weight(name)) for key, name in FILES.items())
        import run_inference

        names = ("source_path", "target_path", "save_grids", "save_images", "save_video")
        settings = dict.fromkeys(names, None)
        settings.update(output_path="out", model_path=self.weight("hypernetwork.pt"))
        self.runner = run_inference.Inference(settings)
        self.runner.load_models()
        self.to_tensor = run_inference.image_to_tensor

    def reenact(self, tasks):
        import numpy
        import torch
        from PIL import Image

        made = []
        for task in tasks:
            images = []
            for image in (task.source, task.reference):
                if image.shape[:2] != (self.size, self.size):
                    image = numpy.asarray(Image.fromarray(image).resize((self.size, self.size), Image.BICUBIC))
                images.append(self.to_tensor(image).unsqueeze(0).to(self.device))
            with torch.no_grad():
                code = self.runner.encoder(images[0])
                out = self.runner.forward_model(images[0], images[1], code)
            plane = finite(out[0].permute(1, 2, 0).cpu().numpy())
            made.append(numpy.rint(numpy.clip((plane + 1) / 2, 0, 1) * 255).astype(numpy.uint8))
        return made


if __name__ == "__main__":
    sys.exit(main(HyperReenact, __file__))
