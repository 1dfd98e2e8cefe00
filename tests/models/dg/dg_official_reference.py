"""The official networks again, by torch.nn.functional alone on a state with official keys: the import's yardstick."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

State = dict[str, Tensor]


def lrelu(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2)


def conv(state: State, name: str, x: Tensor, padding: int = 0) -> Tensor:
    return F.conv2d(x, state[f"{name}.weight"], state.get(f"{name}.bias"), padding=padding)


def linear(state: State, name: str, x: Tensor) -> Tensor:
    return F.linear(x, state[f"{name}.weight"], state[f"{name}.bias"])


def norm(state: State, name: str, x: Tensor) -> Tensor:
    if f"{name}.weight" not in state:
        return x
    return F.instance_norm(x, weight=state[f"{name}.weight"], bias=state[f"{name}.bias"])


def res_block(state: State, name: str, x: Tensor) -> Tensor:
    residual = conv(state, f"{name}.conv1", lrelu(norm(state, f"{name}.norm1", x)), 1)
    residual = conv(state, f"{name}.conv2", lrelu(norm(state, f"{name}.norm2", F.avg_pool2d(residual, 2))), 1)
    shortcut = conv(state, f"{name}.conv1x1", x) if f"{name}.conv1x1.weight" in state else x
    return (residual + F.avg_pool2d(shortcut, 2)) / math.sqrt(2)


def adain(state: State, name: str, x: Tensor, style: Tensor) -> Tensor:
    gamma, beta = linear(state, f"{name}.fc", style)[:, :, None, None].chunk(2, dim=1)
    return (1 + gamma) * F.instance_norm(x) + beta


def noisy(state: State, name: str, x: Tensor, generator: torch.Generator | None) -> Tensor:
    if f"{name}.weight" not in state:
        return x
    plane = torch.randn((x.shape[0], 1, *x.shape[2:]), generator=generator).to(x)
    return lrelu(x + state[f"{name}.weight"].view(1, -1, 1, 1) * plane)


def adain_block(
    state: State, name: str, x: Tensor, style: Tensor, doubles: bool, shortcut: bool, noise: torch.Generator | None
) -> Tensor:
    residual = lrelu(adain(state, f"{name}.norm1", noisy(state, f"{name}.noise", x, noise), style))
    if doubles:
        residual = F.interpolate(residual, scale_factor=2, mode="nearest")
    residual = noisy(state, f"{name}.noise_2", conv(state, f"{name}.conv1", residual, 1), noise)
    residual = conv(state, f"{name}.conv2", lrelu(adain(state, f"{name}.norm2", residual, style)), 1)
    if not shortcut:
        return residual
    if doubles:
        x = F.interpolate(x, scale_factor=2, mode="nearest")
    if f"{name}.conv1x1.weight" in state:
        x = conv(state, f"{name}.conv1x1", x)
    return (residual + x) / math.sqrt(2)


def indices(state: State, prefix: str, tail: str) -> list[int]:
    return sorted({int(key.split(".")[1]) for key in state if key.startswith(f"{prefix}.") and key.endswith(tail)})


def generator(
    state: State,
    maps: Tensor,
    style: Tensor,
    *,
    shortcut: bool = True,
    masks: bool = False,
    noise: torch.Generator | None = None,
) -> Tensor:
    x = conv(state, "from_rgb", maps, 1)
    for index in indices(state, "encode", "conv1.weight"):
        x = res_block(state, f"encode.{index}", x)
    for index in indices(state, "decode", "conv1.weight"):
        x = adain_block(state, f"decode.{index}", x, style, index >= 4, shortcut, noise)
        if masks and x.shape[2] in (32, 64, 128):
            x = x + F.interpolate(maps[:, :1], size=x.shape[2:], mode="bilinear")
    return torch.sigmoid(conv(state, "to_rgb.2", lrelu(norm(state, "to_rgb.0", x))))


def attention(state: State, name: str, x: Tensor) -> Tensor:
    batch, channels, height, width = x.shape
    query = conv(state, f"{name}.query_conv", x).view(batch, -1, height * width).permute(0, 2, 1)
    key = conv(state, f"{name}.key_conv", x).view(batch, -1, height * width)
    weights = torch.softmax(torch.bmm(query, key), dim=-1)
    value = conv(state, f"{name}.value_conv", x).view(batch, -1, height * width)
    out = torch.bmm(value, weights.permute(0, 2, 1)).view(batch, channels, height, width)
    return state[f"{name}.gamma"] * out + x


def numbered_trunk(state: State, prefix: str, x: Tensor) -> tuple[Tensor, int]:
    x = conv(state, f"{prefix}.0", x, 1)
    index = 1
    while f"{prefix}.{index}.conv1.weight" in state or f"{prefix}.{index}.gamma" in state:
        name = f"{prefix}.{index}"
        x = attention(state, name, x) if f"{name}.gamma" in state else res_block(state, name, x)
        index += 1
    return lrelu(conv(state, f"{prefix}.{index + 1}", lrelu(x))), index + 1


def style_encoder(state: State, images: Tensor) -> Tensor:
    x, _ = numbered_trunk(state, "shared", images)
    return linear(state, "fc", x.flatten(1))


def style_mlp(state: State, features: Tensor) -> Tensor:
    return linear(state, "mlp.2", lrelu(linear(state, "mlp.0", features)))


def discriminator(state: State, images: Tensor, maps: Tensor) -> Tensor:
    x, final = numbered_trunk(state, "main", torch.cat([images, maps], dim=1))
    return conv(state, f"main.{final + 2}", x).view(-1)


def discriminator_pix(state: State, images: Tensor, maps: Tensor, pool: bool) -> Tensor:
    x = torch.cat([images, maps], dim=1)
    if pool:
        x = F.avg_pool2d(x, 2)
    x = conv(state, "input", x, 1)
    for index in indices(state, "blocks", "conv1.weight"):
        x = res_block(state, f"blocks.{index}", x)
    return conv(state, "output.3", lrelu(conv(state, "output.1", lrelu(x)))).view(-1)


def perceptron(state: State, x: Tensor) -> Tensor:
    for index in indices(state, "main", ".weight"):
        x = linear(state, f"main.{index}", x)
        if f"main.{index + 2}.weight" in state or "main_2.0.weight" in state or "main_3.0.weight" in state:
            x = lrelu(x)
    for last in ("main_2.0", "main_3.0"):
        if f"{last}.weight" in state:
            x = linear(state, last, x)
    return x
