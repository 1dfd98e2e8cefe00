"""Every choice of the Dual-Generator as data: two presets, ``paper`` and ``compat``, over the same code."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Mode = Literal["paper", "compat"]
FaceEncoderName = Literal["vgg-face", "arcface", "embedded", "geometry", "thumbnail", "random"]
_FROZEN = ConfigDict(frozen=True, extra="forbid")


class IdsgConfig(BaseModel):
    """The identity-specific shape generator: landmark vector, layer widths, and the released code's quirks.

    Attributes:
        coordinates: ``xyz`` (204 values) or ``xy`` (136 values, as released).
        frame: ``image``: E_l sees and R_l draws landmarks as they lie in the image, as published. ``head`` (ours):
            the reference's rigid head pose is taken off before E_l, R_l draws the change of shape, and the pose is
            put back; needs ``xyz``.
        visibility: whether the 68 visibilities are part of the landmark encoder's input.
        face_encoders: frozen encoders whose features are concatenated, in this order, to the identity code r_s.
        feature_dim: length of r_s.
        standardise: centre and scale what E_l and R_l take in by training statistics (ours; released: raw).
        depth: hidden layers of every perceptron.
        classes: number of training people, the outputs of the identity classifier.
        sigmoid_classifier: squash class scores before the softmax, as the released code does (a bug of its own).
    """

    model_config = _FROZEN
    coordinates: Literal["xyz", "xy"] = "xyz"
    frame: Literal["image", "head"] = "image"
    visibility: bool = True
    face_encoders: tuple[FaceEncoderName, ...] = ("vgg-face",)
    feature_dim: int = Field(default=4096, ge=1)
    standardise: bool = False
    code_dim: int = Field(default=136, ge=1)
    hidden: int = Field(default=136, ge=1)
    decoder_hidden: int = Field(default=512, ge=1)
    depth: int = Field(default=5, ge=1)
    classes: int = Field(default=1454, ge=1)
    sigmoid_classifier: bool = False

    @model_validator(mode="after")
    def _head_has_depth(self) -> IdsgConfig:
        if self.frame == "head" and self.coordinates != "xyz":
            raise ValueError("frame 'head' needs coordinates 'xyz'")
        return self

    @property
    def shape_dim(self) -> int:
        """Length of a landmark vector: 204 or 136."""
        return 68 * len(self.coordinates)

    @property
    def input_dim(self) -> int:
        """Length of the landmark encoder's input: 272, 204 or 136."""
        return self.shape_dim + (68 if self.visibility else 0)


class MapConfig(BaseModel):
    """How landmarks become a map.

    Attributes:
        rule: ``visible`` keeps a line whose two ends are visible; ``profile`` is the released code's choice of one
            of three line sets by the distance of the eye corners; ``all`` draws every line.
        width: line thickness in pixels (of the fine grid, where there is one).
        fine: lines are drawn on a grid so many times finer and averaged down: thin, anti-aliased, and at their place
            to a fraction of a pixel. 1 = as released. At 64 px the released lines are as thick as an eye.
        by_part: one channel each for outline with nose, for brows with eyes, and for the mouth, in place of three
            equal channels, so that crowded lines stay apart.
        value: brightness of a line; the released demo feeds 1/255 by an overflow, its training 1.
        profile_gap: the 30 pixels (at 256) of the profile rule, as a share of the image size.
    """

    model_config = _FROZEN
    rule: Literal["visible", "profile", "all"] = "visible"
    width: int = Field(default=2, ge=1, le=8)
    fine: int = Field(default=1, ge=1, le=8)
    by_part: bool = False
    value: float = Field(default=1.0, gt=0.0, le=1.0)
    profile_gap: float = 30.0 / 256.0


class RfgConfig(BaseModel):
    """The reenacted face generator, its style encoder and its discriminators.

    Attributes:
        base_channels: width at full resolution; ``None`` is the official rule 2^14 / size.
        max_channels: cap of the doubling widths.
        noise: learnt per-channel noise in the decoder (a variant of the released code).
        high_pass: the released ``w_hpf > 0`` variant: one more level, decoder blocks without shortcuts.
        self_attention: an attention block after the fourth block of style encoder and discriminators.
        id_embed: style from the face encoder's features through two layers, in place of the style encoder.
        id_embed_dim: length of those features.
        second_head: keep the released code's unused four-channel head.
        styled_head: let the style set scale and shift of the last normalisation too (ours). The official one takes
            the mean colour off every picture, which only long training makes up for.
        mask_features: add the resized map to decoder features of 32, 64 and 128 pixels.
        discriminators: ``face+shape`` (D_f sees the image, D_s image and map), ``shape`` (the released default) or
            ``pix2pix`` (the released pair at two scales).
    """

    model_config = _FROZEN
    base_channels: int | None = Field(default=None, ge=4)
    max_channels: int = Field(default=512, ge=4)
    style_dim: int = Field(default=128, ge=1)
    noise: bool = False
    high_pass: bool = False
    self_attention: bool = False
    id_embed: bool = False
    id_embed_dim: int = 4096
    second_head: bool = False
    mask_features: bool = False
    styled_head: bool = False
    discriminators: Literal["face+shape", "shape", "pix2pix"] = "face+shape"


class DgConfig(BaseModel):
    """The whole model: image size, networks, map style, and what happens around them at inference.

    Attributes:
        mode: which preset this came from; written into the checkpoint and the model card.
        size: image side in pixels, a multiple of 16.
        eye_transfer: rebuild the eyelid opening from the reference after the shape generator (as the demo does).
        vgg_normalisation: ``published`` is VGG-Face's own; ``imagenet`` is the released code's off-scale input,
            without which the official shape generator does not work.
    """

    model_config = _FROZEN
    mode: Mode = "paper"
    size: int = Field(default=256, ge=64, le=512)
    idsg: IdsgConfig = IdsgConfig()
    rfg: RfgConfig = RfgConfig()
    map: MapConfig = MapConfig()
    eye_transfer: bool = False
    vgg_normalisation: Literal["published", "imagenet"] = "published"

    @field_validator("size")
    @classmethod
    def _divides(cls, value: int) -> int:
        if value % 16:
            raise ValueError(f"size {value} is not a multiple of 16")
        return value

    @property
    def base_channels(self) -> int:
        """Width at full resolution."""
        return self.rfg.base_channels or 2**14 // 2 ** int(math.log2(self.size))


def paper(*, size: int = 256, classes: int = 1454) -> DgConfig:
    """Return the ``paper`` preset: 3D landmarks with visibility, logits, two discriminators."""
    return DgConfig(mode="paper", size=size, idsg=IdsgConfig(classes=classes))


def compat(*, size: int = 256, classes: int = 1454) -> DgConfig:
    """Return the ``compat`` preset: what the released code does, each quirk by its own option."""
    return DgConfig(
        mode="compat",
        size=size,
        idsg=IdsgConfig(coordinates="xy", visibility=False, classes=classes, sigmoid_classifier=True),
        rfg=RfgConfig(discriminators="shape"),
        map=MapConfig(rule="profile"),
        eye_transfer=True,
        vgg_normalisation="imagenet",
    )
