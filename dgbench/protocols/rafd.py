"""The RaFD protocols as drafts: what ``rafd-self@1``, ``rafd-cross@1`` and ``rafd-train@1`` were released from."""

from __future__ import annotations

from dgbench.core.protocol import AllExcept, Frame, IdList, Pairing, Protocol, Split
from dgbench.datasets.rafd import PEOPLE

_PLACEHOLDER = "0" * 64

#: Of each group's people in order of id, the 2nd, 6th, 10th, …: every group is tested in its proportion.
TEST_PEOPLE = tuple(sorted(person for ids in PEOPLE.values() for person in ids[1::4]))
FRAME = Frame(size=256, crop="eye-mouth", landmarks=("yunet", "camera-median"))
LICENCE = (
    "asked for one by one by researchers of accredited universities, for scientific use alone; images may be shown "
    "as examples in scientific publications, nowhere else without permission; credit: Langner et al. 2010"
)
METRICS = ("ssim", "csim", "psnr", "l1", "pose", "landmark_nme", "expression", "detection", "fid", "fd")


def drafts() -> list[Protocol]:
    """Return the drafts of the three protocols."""
    return [
        _draft(
            "rafd-self",
            title="RaFD, same person: frontal neutral to any camera, expression and gaze",
            pairing=Pairing(
                rule=(
                    "Each test person: source in camera 090, neutral, gaze frontal; reference = target in each of "
                    "the 5 cameras x 8 expressions, in 2 of the 3 gazes drawn per person and cell, never the source."
                ),
                sampler="rafd-grid",
                seed=0,
                parameters={"relation": "self", "gazes_per_cell": 2},
            ),
        ),
        _draft(
            "rafd-cross",
            title="RaFD, another person's camera, expression and gaze, with the real photograph as target",
            pairing=Pairing(
                rule=(
                    "As rafd-self, but the reference is another test person in that camera, expression and gaze: a "
                    "shift of one seeded circle of people, another shift in each cell. Target: the photograph of "
                    "the source person in the reference's camera, expression and gaze."
                ),
                sampler="rafd-grid",
                seed=0,
                parameters={"relation": "cross", "gazes_per_cell": 2},
            ),
        ),
        _draft(
            "rafd-train",
            title="RaFD, training pairs of one person",
            purpose="train",
            pairing=Pairing(
                rule=(
                    "Each training person: the 120 photographs on one seeded circle, each the reference = target "
                    "once with the next as its source."
                ),
                sampler="rafd-training",
                seed=0,
            ),
        ),
    ]


def _draft(identifier: str, *, title: str, pairing: Pairing, purpose: str = "test") -> Protocol:
    return Protocol.model_validate(
        {
            "id": identifier,
            "version": 1,
            "title": title,
            "purpose": purpose,
            "dataset": "rafd",
            "split": Split(
                rule=(
                    "Test: 18 people, of each group and gender (in order of id) the 2nd, 6th, 10th, and so on. "
                    "Training: the other 49."
                ),
                train=AllExcept(ids=TEST_PEOPLE),
                test=IdList(ids=TEST_PEOPLE),
            ),
            "pairing": pairing,
            "pairs": "frozen",
            "expected_pairs": 0,
            "pairs_sha256": _PLACEHOLDER,
            "frame": FRAME,
            "pose_bins": (0.0, 45.0, 90.0),
            "metrics": METRICS,
            "primary_metric": "ssim",
            "licence": LICENCE,
        }
    )
