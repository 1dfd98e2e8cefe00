"""The FRLL protocols as drafts: what ``frll-self@1``, ``frll-cross@1`` and ``frll-train@1`` were released from."""

from __future__ import annotations

from typing import Literal

from dgbench.core.protocol import Frame, NumberModulo, Pairing, Protocol, Split

_PLACEHOLDER = "0" * 64

SPLIT = Split(
    rule="People whose number leaves 0 when divided by 3 are for training (36 of 102), all others for testing (66).",
    train=NumberModulo(modulus=3, remainders=(0,)),
    test=NumberModulo(modulus=3, remainders=(1, 2)),
)
#: Points in order of preference: those shipped with the protocol, then the same detector on images they lack.
FRAME = Frame(size=256, crop="eye-mouth", landmarks=("frozen", "yunet"))
LICENCE = (
    "CC BY 4.0; credit: DeBruine & Jones 2017, Face Research Lab London Set, doi 10.6084/m9.figshare.5047666; "
    "shown images are cropped and resized"
)


def frll_self() -> Protocol:
    """Return the draft of ``frll-self@1``."""
    return _draft(
        "frll-self",
        title="FRLL, same person: neutral to smiling and back",
        pairing=Pairing(
            rule="Each test person twice: source neutral, reference = target smiling; and the other way round.",
            sampler="frll-expression",
            seed=0,
            parameters={"relation": "self"},
        ),
    )


def frll_cross() -> Protocol:
    """Return the draft of ``frll-cross@1``."""
    return _draft(
        "frll-cross",
        title="FRLL, another person's expression, with the real photograph as target",
        pairing=Pairing(
            rule=(
                "Each test person as source in both expressions with 6 references (other test people in the other "
                "expression), drawn by 6 cyclic shifts of one seeded order, so that everyone is source 12 times and "
                "reference 12 times. Target: the real photograph of the source person in the reference's expression."
            ),
            sampler="frll-expression",
            seed=0,
            parameters={"relation": "cross", "references_per_source": 6},
        ),
    )


def frll_train() -> Protocol:
    """Return the draft of ``frll-train@1``."""
    return _draft(
        "frll-train",
        title="FRLL, training pairs: another person's expression, with the real photograph as target",
        purpose="train",
        pairing=Pairing(
            rule="As frll-cross, among the training people; points are found by YuNet on the user's machine.",
            sampler="frll-expression",
            seed=0,
            parameters={"relation": "cross", "references_per_source": 6},
        ),
        frame=FRAME.model_copy(update={"landmarks": ("yunet",)}),
    )


def _draft(
    identifier: str, *, title: str, pairing: Pairing, purpose: Literal["test", "train"] = "test", frame: Frame = FRAME
) -> Protocol:
    return Protocol(
        id=identifier,
        version=1,
        title=title,
        purpose=purpose,
        dataset="frll",
        split=SPLIT,
        pairing=pairing,
        pairs="frozen",
        expected_pairs=0,
        pairs_sha256=_PLACEHOLDER,
        frame=frame,
        metrics=("ssim", "csim", "psnr", "l1", "pose", "landmark_nme", "expression", "detection", "fid", "fd"),
        primary_metric="ssim",
        licence=LICENCE,
        images_may_be_shown=True,
    )
