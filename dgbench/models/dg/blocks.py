"""Building blocks of the image networks: residual blocks with instance or adaptive instance normalisation."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.2
_EPS = 1e-5
_HALF = 1 / math.sqrt(2)


def affine_instance_norm(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Normalise each channel of each sample over space, then ``scale · x + shift``, as one multiply-add.

    Written out, because the library's version copies channels-last tensors to another layout and back, and its
    one-pass moments do not use vector instructions.

    Args:
        x: (B, C, H, W).
        scale: (C,) or (B, C).
        shift: as ``scale``.

    Returns:
        (B, C, H, W).
    """
    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x  # moments lose too much in half precision
    centred = wide - wide.mean(dim=(2, 3), keepdim=True)
    variance = centred.square().mean(dim=(2, 3), keepdim=True)
    gain = torch.rsqrt(variance + _EPS) * scale[..., None, None]
    return torch.addcmul(shift[..., None, None], centred, gain).to(x.dtype)


class Normalised(nn.Module):
    """What normalises; :func:`compile_norms` puts a faster version of the same function in its place."""

    def __init__(self) -> None:
        super().__init__()
        self.normalise: Callable[[Tensor, Tensor, Tensor], Tensor] = affine_instance_norm


def compile_norms(module: nn.Module) -> None:
    """Let every normalisation inside ``module`` run as one fused kernel (needs a C++ compiler; rounds otherwise)."""
    fused = torch.compile(affine_instance_norm, dynamic=False)
    for layer in module.modules():
        if isinstance(layer, Normalised):
            layer.normalise = fused


class InstanceNorm(Normalised):
    """Instance normalisation with a learnt scale and shift per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, H, W)."""
        return self.normalise(x, self.weight, self.bias)


class AdaIN(Normalised):
    """Adaptive instance normalisation: scale and shift are linear in the style code (StarGAN v2, eq. of sec. 3)."""

    def __init__(self, channels: int, style_dim: int) -> None:
        super().__init__()
        self.fc = nn.Linear(style_dim, 2 * channels)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Normalise (B, C, H, W) by the style (B, style_dim)."""
        gamma, beta = self.fc(style).chunk(2, dim=1)
        return self.normalise(x, 1 + gamma, beta)


class Noise(nn.Module):
    """Add one noise plane per sample, weighted by channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        """Add noise drawn from ``generator`` to (B, C, H, W); the order of calls is the order of the layers."""
        shape = (x.shape[0], 1, x.shape[2], x.shape[3])
        plane = torch.randn(shape, generator=generator, dtype=torch.float32).to(x)
        return x + self.weight[:, None, None] * plane


class SelfAttention(nn.Module):
    """Attention over positions with a learnt share of the result (SAGAN)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1))
        self.query = nn.Conv2d(channels, max(1, channels // 8), 1)
        self.key = nn.Conv2d(channels, max(1, channels // 8), 1)
        self.value = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Attend over the H·W positions of (B, C, H, W)."""
        query, key, value = (layer(x).flatten(2) for layer in (self.query, self.key, self.value))
        weights = torch.softmax(query.transpose(1, 2) @ key, dim=-1)
        return x + self.gamma * (value @ weights.transpose(1, 2)).reshape(x.shape)


class ResBlk(nn.Module):
    """Residual block, optionally normalised and halving the resolution; the sum is divided by √2."""

    def __init__(self, channels_in: int, channels_out: int, *, normalise: bool, halve: bool) -> None:
        super().__init__()
        self.halve = halve
        self.conv1 = nn.Conv2d(channels_in, channels_in, 3, padding=1)
        self.conv2 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.norm1 = InstanceNorm(channels_in) if normalise else nn.Identity()
        self.norm2 = InstanceNorm(channels_in) if normalise else nn.Identity()
        self.shortcut = (
            nn.Conv2d(channels_in, channels_out, 1, bias=False) if channels_in != channels_out else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) → (B, C_out, H/2 or H, W/2 or W)."""
        residual = self.conv1(F.leaky_relu(self.norm1(x), SLOPE))
        # Pooling commutes with a 1×1 convolution without bias, and is four times cheaper before it.
        shortcut = self.shortcut(F.avg_pool2d(x, 2)) if self.halve else self.shortcut(x)
        if self.halve:
            residual = F.avg_pool2d(residual, 2)
        residual = self.conv2(F.leaky_relu(self.norm2(residual), SLOPE))
        return (residual + shortcut) * _HALF


class AdainResBlk(nn.Module):
    """Residual block styled by AdaIN, optionally doubling the resolution; noise and shortcut by variant."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        *,
        style_dim: int,
        doubles: bool,
        noise: bool = False,
        add_shortcut: bool = True,
    ) -> None:
        super().__init__()
        self.doubles = doubles
        self.add_shortcut = add_shortcut
        self.norm1 = AdaIN(channels_in, style_dim)
        self.norm2 = AdaIN(channels_out, style_dim)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.noise1 = Noise(channels_in) if noise else None
        self.noise2 = Noise(channels_out) if noise else None
        # The high-pass variant keeps the weights of a shortcut that it never adds; so does its checkpoint.
        self.shortcut = (
            nn.Conv2d(channels_in, channels_out, 1, bias=False) if channels_in != channels_out else nn.Identity()
        )

    def forward(self, x: Tensor, style: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """(B, C_in, H, W) and (B, style_dim) → (B, C_out, H or 2H, W or 2W)."""
        residual = x
        if self.noise1 is not None:
            residual = F.leaky_relu(self.noise1(residual, generator), SLOPE)
        residual = F.leaky_relu(self.norm1(residual, style), SLOPE)
        if self.doubles:
            residual = F.interpolate(residual, scale_factor=2, mode="nearest")
        residual = self.conv1(residual)
        if self.noise2 is not None:
            residual = F.leaky_relu(self.noise2(residual, generator), SLOPE)
        residual = self.conv2(F.leaky_relu(self.norm2(residual, style), SLOPE))
        if not self.add_shortcut:
            return residual
        shortcut = self.shortcut(x)  # a 1×1 convolution commutes with nearest doubling; cheaper before it
        if self.doubles:
            shortcut = F.interpolate(shortcut, scale_factor=2, mode="nearest")
        return (residual + shortcut) * _HALF


def initialise(module: nn.Module, *, seed: int) -> None:
    """Draw He-normal (fan in) weights and zero biases for every layer, from one seeded generator, in place.

    Noise and attention shares start at zero; the style layers of AdaIN are linear layers like any other.
    """
    generator = torch.Generator().manual_seed(seed)
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            fan_in = layer.weight[0].numel()
            with torch.no_grad():
                fresh = torch.randn(layer.weight.shape, generator=generator) * math.sqrt(2 / fan_in)
                layer.weight.copy_(fresh)
                if layer.bias is not None:
                    layer.bias.zero_()
