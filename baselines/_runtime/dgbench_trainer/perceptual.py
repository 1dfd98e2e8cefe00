"""What stands in for VGG-19 in a perceptual loss: an exported network of dgbench's, pixels, or VGG-19 itself.

All return a list of activations of (B, 3, H, W) images in 0..1, as the authors' ``Vgg19`` does; the authors' code
takes the mean absolute difference of each. The image itself comes first in the two substitutes.
"""

import json

#: How many activations each gives; the configuration weights one by one.
COUNTS = {"network": 6, "pixels": 5, "vgg19": 5}


def from_network(path):
    """Return a builder of the network that dgbench exported to an npz file (arrays, and a layer list as JSON)."""
    import numpy
    import torch
    import torch.nn.functional as F

    with numpy.load(path, allow_pickle=False) as stored:
        arrays = {name: torch.from_numpy(stored[name]) for name in stored.files if name != "layers"}
        layers = json.loads(bytes(stored["layers"]).decode())

    class Exported(torch.nn.Module):
        def __init__(self):
            super().__init__()
            for name, value in arrays.items():
                self.register_buffer(name, value)

        def _run(self, x, steps):
            for step in steps:
                if "residual" in step:
                    x = x + self._run(x, step["residual"])
                    continue
                weight, bias = getattr(self, step["name"] + "_weight"), getattr(self, step["name"] + "_bias")
                x = F.conv2d(x, weight, bias, step["stride"], step["padding"], 1, step["groups"])
                x = F.relu(x) if step["relu"] else x
            return x

        def forward(self, images):
            found, x = [images], images * 2 - 1
            for layer in layers:
                x = self._run(x, layer["steps"])
                if layer["tap"]:
                    found.append(x)
            return found

    return Exported


def pixels():
    """Return a builder of: the image, its differences to the right and down, and its means over 2, 4 and 8 pixels."""
    import torch
    import torch.nn.functional as F

    class Pixels(torch.nn.Module):
        def forward(self, images):
            right = images[..., :, 1:] - images[..., :, :-1]
            down = images[..., 1:, :] - images[..., :-1, :]
            steps = torch.cat([right.flatten(1), down.flatten(1)], dim=1)
            return [images, steps, *(F.avg_pool2d(images, side) for side in (2, 4, 8))]

    return Pixels


def vgg19_file(path):
    """Make ``torchvision.models.vgg19(pretrained=True)`` read a file that the user has, and download nothing."""
    import torch
    from torchvision import models

    plain = models.vgg19

    def vgg19(*args, **kwargs):
        network = plain(weights=None)
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        return network

    models.vgg19 = vgg19
