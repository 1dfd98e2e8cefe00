"""Runs the released Dual-Generator (Hsu et al., CVPR 2022) on still pairs, from its own networks and functions."""

import functools
import types
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker import finite, main, part, read_checkpoint, take_functions
from dgbench_worker.crops import CroppingWorker, fitted

FILES = ("501500_nets_ema.ckpt", "30000_nets_ema.ckpt", "vgg_face_dag.pth")
LINES = {"demo": 1.0 / 255.0, "training": 1.0}


#: Where demo.py's get_arcface puts eyes, nose tip and mouth corners in its 256 px crop.
TEMPLATE = (
    (92.5613, 103.3926),
    (163.0357, 103.0028),
    (128.0225, 143.4732),
    (99.0707, 184.731),
    (157.4319, 184.4082),
)


class OfficialDualGenerator(CroppingWorker):
    """demo.py is a script that opens a camera when imported; its functions are taken from the file instead."""

    method = "dg-official"
    border = "black"
    packages = ("torch", "torchvision", "numpy", "PIL", "cv2", "munch", "skimage")
    markers = ("demo.py", "core/model_lm_talking.py", "core_IDSG/model_lm_talking_tran.py")
    checkpoint_files = FILES
    options = {
        "crop": ("own", ("own", "frame")),
        "lines": ("training", ("training", "demo")),
        "eyes": ("true", ("false", "true")),
    }

    def prepare_interpreter(self):
        import torch

        # The VGG file is read from the working directory, without map_location, and not as weights alone.
        plain = functools.partial(torch.load, map_location="cpu", weights_only=True)
        torch.load = lambda path, **kwargs: plain(self.weight(FILES[2]) if path == "./vgg_face_dag.pth" else path)

    def build(self):
        import cv2
        import numpy
        import torch
        from core.model_lm_talking import build_model
        from core_IDSG.model_lm_talking_tran import build_model_idsg
        from network.loss import vgg_feature
        from torchvision import transforms

        common = {"img_size": 256, "num_domains": 2, "dataset": "vox1", "id_embed_dim": 4096, "wing_path": None}
        off = {name: False for name in ("id_embed", "pix2pix", "use_noise", "self_att", "masks", "multi")}
        drawer = types.SimpleNamespace(style_dim=128, w_hpf=0, loss="perceptual", **off, **common)
        mover = types.SimpleNamespace(style_dim=64, w_hpf=1, transformer=True, vgg_encode=True, **off, **common)
        parts = dict(build_model(drawer)[1])
        parts.update((name, net) for name, net in build_model_idsg(mover)[1].items() if name != "fan")
        parts["vgg"] = vgg_feature(False, None)
        scope = {"np": numpy, "cv2": cv2, "transforms": transforms, "torch": _without_cuda(torch)}
        script = os.path.join(self.repo, "demo.py")
        self.turn_eye, self.show_map = take_functions(script, ("turn_eye", "show_map"), scope)
        return parts

    def states(self):
        drawn, moved = (read_checkpoint(self.weight(name)) for name in FILES[:2])
        states = {name: part(drawn, name, FILES[0]) for name in ("generator", "style_encoder")}
        for name in ("linear_decoder", "lm_linear_encoder", "linear_discriminator", "linear_classfier"):
            states[name] = part(moved, name, FILES[1])
        states["vgg"] = self.parts["vgg"].state_dict()  # read by its own constructor, strictly
        return states

    def landmark_map(self, image, landmarks):
        """(1, 3, 256, 256) source and (1, 136) reference landmarks / 256 -> the map that the generator reads."""
        code = self.parts["lm_linear_encoder"](landmarks)
        moved = self.parts["linear_decoder"](code, self.parts["vgg"](image))
        if self.chosen["eyes"] == "true":
            moved = self.turn_eye(moved, landmarks)
        lines = self.show_map(finite(moved.cpu()))
        return ((lines > 0).float() * LINES[self.chosen["lines"]]).to(self.device)

    def generated(self, source, points):
        """uint8 (256, 256, 3) and 68 rows x, y in its pixels -> float (256, 256, 3) in [0, 1]."""
        import torch

        with torch.no_grad():
            image = torch.from_numpy(source.transpose(2, 0, 1)).float().div(255).unsqueeze(0).to(self.device)
            flat = torch.tensor(points, dtype=torch.float32).reshape(1, 136).to(self.device) / 256
            drawn = self.landmark_map(image, flat)
            style = self.parts["style_encoder"](image)
            made = self.parts["generator"](drawn, style, masks=None, loss_select="perceptual")
        return finite(made[0].permute(1, 2, 0).cpu().numpy())

    def square(self, points):
        """As get_arcface: eye corners' middles, nose tip and mouth corners on the template."""
        import numpy

        five = [(points[36] + points[39]) / 2, (points[42] + points[45]) / 2, points[30], points[48], points[54]]
        return fitted(numpy.array(five), TEMPLATE)

    def reenact_crop(self, source, reference, source_points, reference_points):
        import numpy
        from PIL import Image

        points = reference_points * (256.0 / reference.shape[0])
        if source.shape[0] != 256:
            source = numpy.asarray(Image.fromarray(source).resize((256, 256), Image.BICUBIC))
        plane = self.generated(source, points.tolist())
        return (numpy.clip(plane, 0, 1) * 255).astype(numpy.uint8)  # truncated, as tensor_to_np does


def _without_cuda(torch):
    """What show_map uses of torch, its CUDA tensor type being the CPU's: the map is moved where it is needed."""
    cuda = types.SimpleNamespace(FloatTensor=torch.FloatTensor)
    return types.SimpleNamespace(cuda=cuda, from_numpy=torch.from_numpy, abs=torch.abs)


if __name__ == "__main__":
    sys.exit(main(OfficialDualGenerator, __file__))
