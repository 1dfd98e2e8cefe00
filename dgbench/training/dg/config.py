"""How a Dual-Generator is trained, as data: phases, optimisers, loss weights; presets for paper and small runs."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dgbench.models.dg.config import DgConfig, FaceEncoderName, IdsgConfig, RfgConfig, compat, paper
from dgbench.models.dg.face_encoder import feature_dim

_FROZEN = ConfigDict(frozen=True, extra="forbid")
Stage = Literal["self", "cross"]
Network = Literal["idsg", "rfg"]


class Phase(BaseModel):
    """A run of steps of one network in one stage; ``lr`` is the share of its learning rate at the start, which
    falls along a half cosine to ``lr_end`` of it.
    """

    model_config = _FROZEN
    stage: Stage
    network: Network
    steps: int = Field(ge=0)
    lr: float = Field(default=1.0, gt=0)
    lr_end: float = Field(default=1.0, gt=0)


class IdsgTraining(BaseModel):
    """Optimiser and loss weights of the shape generator (defaults: the released code's).

    Attributes:
        cross_truth: whether the true landmarks of a cross pair count in stage cross alone; in every stage, as in the
            released code, which has no stages; or never, as where no true target exists.
    """

    model_config = _FROZEN
    batch: int = Field(default=32, ge=2)
    lr: float = 2e-5
    lr_classifier: float = 2e-5
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 1e-4
    adversarial: float = 1.0
    localization: float = 1.0
    localization_cross: float = 1.0
    cross_truth: Literal["cross", "always", "never"] = "cross"
    action: float = 1.0
    subject_class: float = 1.0
    visible_local_shape: float = 1.0
    r1: float = 1.0
    detach_action: bool = True
    vls_form: Literal["hinge", "absolute"] = "hinge"


class RfgTraining(BaseModel):
    """Optimiser and loss weights of the face generator.

    Attributes:
        attribute_focus: how much more a pixel at eyes, brows, nose or mouth counts in the attribute loss than one of
            the backdrop (0: all alike, as released).
        style_every: steps between style-consistency terms, which are then multiplied by as much.
        r1_every: steps between R1 penalties, which are then multiplied by as much.
        cross_truth: ``where-known`` counts true targets of cross pairs where the data have them; ``never`` trains
            stage cross as where none exist: adversary, style, identity cosine and landmarks alone on its cross rows.
        augment_critics: aim of the adaptive augmentation of what the discriminators see (Karras et al. 2020): the mean
            sign of their logits on real images above which it grows; 0 = none.
        generated_maps: share of samples whose map comes from the shape generator, from the phase's middle on in
            stage self, throughout in stage cross.
        cross_share: share of cross pairs in stage cross; the rest are self pairs, against drift.
        adversarial_from: RFG step from which discriminators are trained and heard.
    """

    model_config = _FROZEN
    batch: int = Field(default=4, ge=1)
    lr: float = 1e-4
    lr_discriminators: float = 1e-4
    betas: tuple[float, float] = (0.0, 0.99)
    weight_decay: float = 1e-4
    adversarial: float = 1.0
    attribute: float = 20.0
    attribute_focus: float = Field(default=0.0, ge=0)
    identity: float = 20.0
    identity_cosine: float = 1.0
    style: float = 1.0
    style_every: int = Field(default=1, ge=1)
    landmark: float = 1.0
    feature_matching: float = 0.0
    r1: float = 1.0
    r1_every: int = Field(default=1, ge=1)
    detach_style: bool = True
    generated_maps: float = Field(default=0.5, ge=0, le=1)
    cross_share: float = Field(default=0.5, ge=0, le=1)
    adversarial_from: int = Field(default=0, ge=0)
    cross_truth: Literal["where-known", "never"] = "where-known"
    augment_critics: float = Field(default=0.0, ge=0, lt=1)


class TrainConfig(BaseModel):
    """Everything that decides a training run, besides the data.

    Attributes:
        perceptual: the frozen network of the identity loss: VGG-Face's five layers, the embedded identity network
            that is meant for training, or none.
        perceptual_normalisation: what VGG-Face's activations are computed from: its own normalisation, or the released
            code's off-scale one, whose activations are about 58 times smaller.
        identity_network: the network of the identity cosine: the one of the identity loss, or an ArcFace network given
            by path (``arcface_backbone.pth``) on the aligned face.
        landmark_network: the differentiable landmark network of the landmark loss; ``embedded`` knows renders,
            ``3ddfa`` photographs (``mb05_120x120.pth``, by path).
        landmarks: those that come with the data, true ones where they are known; or those that the embedded network
            ``landmarks-train`` finds in the images, as F_l would.
        augment: share of samples whose image and landmarks are scaled, turned and shifted together.
        augment_colour: share of samples whose source and target get one colour cast, so that style codes reach
            beyond the renders' lamps and cameras.
        clip: largest gradient norm per optimiser; 0 = no clipping.
        precision: Lightning Fabric's name (``32-true``, ``bf16-mixed``, ``16-mixed``).
        channels_last: memory layout of the image networks (faster on CPU and tensor cores; same numbers).
        compiled: let torch.compile fuse the face generator's normalisations (needs a C++ compiler; other rounding).
        start_at_mean: begin with the training people's mean shape.
        validation_people: the last so many training people by id are held out and never trained on.
        validate_every: steps of the face generator between validations on them; 0 = none.
        validation_pairs: how many of their cross pairs are judged each time.
        half_export: write the finished model's matrices in half precision, for models that are shipped.
    """

    model_config = _FROZEN
    model: DgConfig = DgConfig()
    phases: tuple[Phase, ...] = (
        Phase(stage="self", network="idsg", steps=100_000),
        Phase(stage="self", network="rfg", steps=260_000),
        Phase(stage="cross", network="idsg", steps=20_000, lr=0.3),
        Phase(stage="cross", network="rfg", steps=60_000, lr=0.3),
    )
    idsg: IdsgTraining = IdsgTraining()
    rfg: RfgTraining = RfgTraining()
    perceptual: Literal["vgg-face", "embedded", "none"] = "vgg-face"
    perceptual_normalisation: Literal["published", "imagenet"] = "imagenet"
    identity_network: Literal["perceptual", "arcface"] = "perceptual"
    landmark_network: Literal["embedded", "3ddfa", "none"] = "embedded"
    landmarks: Literal["data", "detected"] = "data"
    augment: float = Field(default=0.5, ge=0, le=1)
    augment_colour: float = Field(default=0.0, ge=0, le=1)
    ema: float = Field(default=0.999, ge=0, lt=1)
    clip: float = Field(default=10.0, ge=0)
    seed: int = 0
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    channels_last: bool = True
    compiled: bool = False
    start_at_mean: bool = True
    validation_people: int = Field(default=0, ge=0)
    validate_every: int = Field(default=0, ge=0)
    validation_pairs: int = Field(default=96, ge=1)
    half_export: bool = False
    save_every: int = Field(default=10_000, ge=1)
    grid_every: int = Field(default=5_000, ge=1)
    log_every: int = Field(default=50, ge=1)
    keep_checkpoints: int = Field(default=2, ge=1)

    @model_validator(mode="after")
    def _features_agree(self) -> TrainConfig:
        names = self.model.idsg.face_encoders
        if "random" not in names and feature_dim(names) != self.model.idsg.feature_dim:
            raise ValueError(
                f"face encoders {', '.join(names)} give {feature_dim(names)} features; "
                f"model.idsg.feature_dim is {self.model.idsg.feature_dim}"
            )
        return self

    @property
    def total_steps(self) -> int:
        """Steps over all phases."""
        return sum(phase.steps for phase in self.phases)


def paper_training(*, size: int = 256) -> TrainConfig:
    """Return the ``paper`` preset at full width, for photographs.

    VGG-Face has its own normalisation; the identity loss's weight is the released code's at that scale (20 / 58).
    """
    return TrainConfig(
        model=paper(size=size),
        rfg=RfgTraining(identity=0.35),
        perceptual_normalisation="published",
        identity_network="arcface",
        landmark_network="3ddfa",
    )


def compat_training(*, size: int = 256) -> TrainConfig:
    """Return the ``compat`` preset: the released code's losses; self pairs only, as it trained its generator."""
    return TrainConfig(
        model=compat(size=size),
        phases=(
            Phase(stage="self", network="idsg", steps=100_010),
            Phase(stage="self", network="rfg", steps=260_000),
        ),
        idsg=IdsgTraining(betas=(0.99, 0.999), detach_action=False, vls_form="absolute", cross_truth="always"),
        rfg=RfgTraining(
            attribute=1.0, identity=1.0, identity_cosine=0.0, landmark=0.0, detach_style=False, generated_maps=0.0
        ),
        landmark_network="none",
        start_at_mean=False,
        clip=0.0,
    )


def small_training(*, size: int = 64) -> TrainConfig:
    """Return the ``small`` preset: ``paper`` narrowed for minutes on two cores and rendered people.

    E_f is the source's geometry beside the embedded identity network; learning rates are those of short runs.
    """
    encoders: tuple[FaceEncoderName, ...] = ("geometry", "embedded")
    return TrainConfig(
        model=DgConfig(
            size=size,
            idsg=IdsgConfig(
                frame="head",
                face_encoders=encoders,
                feature_dim=feature_dim(encoders),
                standardise=True,
                decoder_hidden=256,
                depth=1,
            ),
            rfg=RfgConfig(base_channels=16, max_channels=64, style_dim=64, styled_head=True),
        ),
        phases=(
            Phase(stage="self", network="idsg", steps=100),
            Phase(stage="self", network="rfg", steps=300),
            Phase(stage="cross", network="idsg", steps=500, lr_end=0.02),
            Phase(stage="cross", network="rfg", steps=600, lr_end=0.05),
        ),
        idsg=IdsgTraining(
            batch=64,
            lr=2e-3,
            lr_classifier=2e-3,
            weight_decay=1e-3,
            adversarial=0.01,
            localization=0.1,
            action=0.1,
            subject_class=0.01,
            visible_local_shape=0.1,
        ),
        rfg=RfgTraining(
            batch=8,
            lr=2e-3,
            lr_discriminators=5e-4,
            betas=(0.5, 0.99),
            weight_decay=0.0,
            adversarial=0.02,
            identity=0.4,
            identity_cosine=0.5,
            style=0.05,
            landmark=0.05,
            r1_every=16,
            adversarial_from=800,
        ),
        perceptual="embedded",
        augment=0.2,
        ema=0.99,
        save_every=400,
        grid_every=200,
    )


PRESETS = {"paper": paper_training, "compat": compat_training, "small": small_training}
