"""Runs PIRender (Ren et al., ICCV 2021) on still pairs; 3DMM coefficients come from a file made beforehand."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker import PairError, TensorWorker, WorkerError, image_key, main, part, read_checkpoint

WINDOW = 27  # the mapping net sees 13 frames on either side; a still is repeated


class PIRender(TensorWorker):
    """FaceGenerator alone; the reference image itself is never seen by it, only its coefficients."""

    method = "pirender"
    value_range = (-1.0, 1.0)
    interleaved = False
    resampling = "pillow-bilinear"
    packages = ("torch", "numpy", "PIL", "yaml")
    markers = ("inference.py", "generators/face_model.py", "config/face.yaml")
    options = {"coefficients": ("", None), "norm_crop": ("true", ("false", "true"))}

    def build(self):
        import yaml
        from generators.face_model import FaceGenerator

        with open(os.path.join(self.repo, "config", "face.yaml")) as handle:
            return {"net_G_ema": FaceGenerator(**yaml.safe_load(handle)["gen"]["param"])}

    def states(self):
        return {"net_G_ema": part(read_checkpoint(self.checkpoint), "net_G_ema", self.checkpoint)}

    def load(self):
        import numpy

        path = self.chosen["coefficients"]
        if not os.path.isfile(path):
            raise WorkerError(
                "pirender needs --set coefficients=FILE.npz: one (73,) array per image, named by the sha256 of its "
                "uint8 HWC RGB bytes; its README shows how to make it",
                3,
            )
        with numpy.load(path, allow_pickle=False) as stored:
            self.coefficients = {key: stored[key].astype(numpy.float32) for key in stored.files}
        super().load()

    def coefficients_of(self, image, what):
        key = image_key(image)
        found = self.coefficients.get(key)
        if found is None or found.shape != (73,):
            raise PairError("missing", f"no 73 coefficients for the {what} image {key[:16]}")
        return found

    def semantics(self, source, reference, same_person):
        """(73,) of both -> (1, 73, 27): the reference's; between two people its crop scale becomes the source's."""
        import torch

        made = reference.copy()
        if self.chosen["norm_crop"] == "true" and not same_person:
            made[-3] = made[-3] * (source[-3] / reference[-3])
        return torch.from_numpy(made)[None, :, None].repeat(1, 1, WINDOW).to(self.device)

    def render(self, image, semantics):
        return self.parts["net_G_ema"](image, semantics)["fake_image"].clamp(-1, 1)

    def reenact(self, tasks):
        import torch
        from dgbench_worker import finite

        made = []
        for task in tasks:
            ours, theirs = self.coefficients_of(task.source, "source"), self.coefficients_of(task.reference, "reference")
            with torch.no_grad():
                plane = self.render(self.prepare(task.source), self.semantics(ours, theirs, task.same_person))
            made.append(self.quantise(finite(plane[0].permute(1, 2, 0).cpu().numpy())))
        return made

    def quantise(self, plane):
        import numpy

        return ((plane + 1) / 2.0 * 255.0).astype(numpy.uint8)  # truncated, as inference.py does


if __name__ == "__main__":
    sys.exit(main(PIRender, __file__))
