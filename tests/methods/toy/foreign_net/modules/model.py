"""The training step, with a perceptual network that would be downloaded."""

import torch
from torch import nn


class Vgg19(nn.Module):
    def __init__(self):
        super().__init__()
        raise OSError("no network to download VGG-19 over")


class Full(nn.Module):
    def __init__(self, generator, params):
        super().__init__()
        self.generator, self.weights, self.vgg = generator, params["loss_weights"]["perceptual"], Vgg19()

    def forward(self, x):
        made = self.generator(x["source"], x["driving"])
        pairs = zip(self.weights, self.vgg(made), self.vgg(x["driving"]))
        return {"perceptual": sum(weight * torch.abs(a - b.detach()).mean() for weight, a, b in pairs)}
