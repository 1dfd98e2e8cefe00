"""The official checkpoints' names for our parameters: one function from a module to its official key table."""

from __future__ import annotations

import re
from collections.abc import Callable

from torch import nn

from dgbench.models.dg.discriminators import Discriminator
from dgbench.models.dg.generator import FaceGenerator
from dgbench.models.dg.idsg import IdentityClassifier, LandmarkDecoder, LandmarkDiscriminator, LandmarkEncoder
from dgbench.models.dg.style_encoder import FeatureStyle, StyleEncoder
from dgbench.models.dg.trunk import Trunk

_GENERATOR = (
    (r"^stem\.", "from_rgb."),
    (r"^encoder\.", "encode."),
    (r"^decoder\.", "decode."),
    (r"^head\.", "to_rgb."),
    (r"^second_head\.", "to_rgb_lm."),
    (r"\.shortcut\.", ".conv1x1."),
    (r"\.noise1\.", ".noise."),
    (r"\.noise2\.", ".noise_2."),
)


def _rename(rules: tuple[tuple[str, str], ...]) -> Callable[[str], str]:
    def apply(name: str) -> str:
        for pattern, replacement in rules:
            name = re.sub(pattern, replacement, name)
        return name

    return apply


def _numbered_trunk(trunk: Trunk, prefix: str) -> list[tuple[str, str]]:
    """Rules for a trunk that the released code keeps as one numbered list (activations count, attention too)."""
    before = trunk.attention_at if trunk.attention is not None else len(trunk.blocks)
    rules = [(r"^trunk\.stem\.", f"{prefix}.0.")]
    for index in range(len(trunk.blocks)):
        rules.append((rf"^trunk\.blocks\.{index}\.", f"{prefix}.{index + 1 + int(index >= before)}."))
    rules.append((r"^trunk\.attention\.(query|key|value)\.", rf"{prefix}.{before + 1}.\1_conv."))
    rules.append((r"^trunk\.attention\.gamma", f"{prefix}.{before + 1}.gamma"))
    rules.append((r"^trunk\.final\.", f"{prefix}.{final_index(trunk)}."))
    rules.append((r"\.shortcut\.", ".conv1x1."))
    return rules


def final_index(trunk: Trunk) -> int:
    """Place of the wide convolution in the released numbered list: stem, blocks, attention, activation, it."""
    return len(trunk.blocks) + 2 + int(trunk.attention is not None)


def _perceptron(depth: int, last: str) -> Callable[[str], str]:
    def apply(name: str) -> str:
        _, index, kind = name.removeprefix("body.").split(".")
        return f"{last}.{kind}" if last and int(index) == depth else f"main.{2 * int(index)}.{kind}"

    return apply


def official_names(module: nn.Module) -> dict[str, str]:
    """Map each of our parameter names in ``module`` to the official one, in the order of our state.

    Raises:
        ValueError: the released code has no such network.
    """
    rename: Callable[[str], str]
    match module:
        case FaceGenerator():
            rename = _rename(_GENERATOR)
        case StyleEncoder():
            rename = _rename(tuple(_numbered_trunk(module.trunk, "shared")))
        case FeatureStyle():
            rename = _rename(((r"^layers\.", "mlp."),))
        case Discriminator():
            logit = (r"^logit\.", f"main.{final_index(module.trunk) + 2}.")
            rename = _rename((*_numbered_trunk(module.trunk, "main"), logit))
        case LandmarkEncoder() | LandmarkDecoder():
            rename = _perceptron(-1, "")
        case LandmarkDiscriminator():
            rename = _perceptron(len(module.layers) - 1, "main_2.0")
        case IdentityClassifier():
            rename = _perceptron(len(module.layers) - 1, "main_3.0")
        case _:
            raise ValueError(f"the released code has no counterpart of {type(module).__name__}")
    return {name: rename(name) for name in module.state_dict()}


def pix2pix_names(module: Discriminator) -> dict[str, str]:
    """Map a discriminator's parameter names to those of the released two-scale pair."""
    rename = _rename(
        (
            (r"^trunk\.stem\.", "input."),
            (r"^trunk\.blocks\.", "blocks."),
            (r"^trunk\.final\.", "output.1."),
            (r"^logit\.", "output.3."),
            (r"\.shortcut\.", ".conv1x1."),
        )
    )
    return {name: rename(name) for name in module.state_dict()}
