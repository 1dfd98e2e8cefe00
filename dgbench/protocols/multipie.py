"""The Multi-PIE protocols as drafts: what ``multipie-self@1``, ``-cross``, ``-largepose`` and ``-train`` came from."""

from __future__ import annotations

from dgbench.core.protocol import Frame, NumberRange, Pairing, Protocol, Split

SPLIT = Split(
    rule="People numbered 001 to 200 are for training, 201 to 346 for testing (137 people): by number, not by disk.",
    train=NumberRange(first=1, last=200),
    test=NumberRange(first=201, last=346),
)
FRAME = Frame(size=256, crop="eye-mouth", landmarks=("yunet", "camera-median"))
LICENCE = "CMU's signed agreement: no redistribution of images; credit: Gross et al. 2010"
METRICS = ("ssim", "csim", "psnr", "l1", "pose", "landmark_nme", "expression", "detection", "fid", "fd")
BINS = (0.0, 15.0, 30.0, 45.0, 60.0, 75.0, 90.0)
TEST_PEOPLE = 137
_COMMON = (
    "Each test person in one session, drawn among theirs; shot 07; the 13 head-height cameras. "
    "Source: neutral recording 01{source}. Reference: {reference}, its recording drawn per camera, never the source's "
    "own cell. {target}"
)


def drafts() -> list[Protocol]:
    """Return the drafts of the four protocols."""
    frontal, near = " from camera 05_1", " from 14_0, 05_1 or 05_0 (|yaw| up to 15), drawn per camera"
    other = "Target: the source person in the reference's recording and camera, same session and shot."
    return [
        _test(
            "multipie-self",
            title="Multi-PIE, same person: frontal neutral to any of 13 cameras",
            rule=_COMMON.format(source=frontal, reference="each camera of the same person", target="Target: the same."),
            parameters={"relation": "self", "max_source_yaw": 0, "min_reference_yaw": 0},
            cameras=13,
        ),
        _test(
            "multipie-cross",
            title="Multi-PIE, another person's camera and expression, with the real image as target",
            rule=_COMMON.format(
                source=frontal, reference="each camera, another test person of the same session", target=other
            ),
            parameters={"relation": "cross", "max_source_yaw": 0, "min_reference_yaw": 0},
            cameras=13,
        ),
        _test(
            "multipie-largepose",
            title="Multi-PIE, near-frontal source, another person at 45 to 90 degrees, with the real image as target",
            rule=_COMMON.format(
                source=near,
                reference="each camera of |yaw| 45, 60, 75 and 90, another test person of the same session",
                target=other,
            ),
            parameters={"relation": "cross", "max_source_yaw": 15, "min_reference_yaw": 45},
            cameras=8,
        ),
        _protocol(
            id="multipie-train",
            title="Multi-PIE, training pairs of one person",
            purpose="train",
            pairing=Pairing(
                rule=(
                    "Each training person: up to 60 distinct pairs of two images of one session and one shot of "
                    "light (19 left out), any two head-height cameras and recordings, drawn by seed."
                ),
                sampler="multipie-training",
                seed=0,
                parameters={"pairs_per_person": 60},
            ),
            pose_bins=BINS,
            min_coverage=0.5,
        ),
    ]


def _test(
    identifier: str, *, title: str, rule: str, parameters: dict[str, str | int | float | bool], cameras: int
) -> Protocol:
    return _protocol(
        id=identifier,
        title=title,
        pairing=Pairing(rule=rule, sampler="multipie-cameras", seed=0, parameters={**parameters, "shot": 7}),
        expected_pairs=TEST_PEOPLE * cameras,
        pose_bins=BINS if cameras == 13 else (45.0, 60.0, 75.0, 90.0),
        min_coverage=0.95,
    )


def _protocol(**fields: object) -> Protocol:
    return Protocol.model_validate(
        {
            "version": 1,
            "dataset": "multipie",
            "variant": "multiview",
            "split": SPLIT,
            "pairs": "built",
            "frame": FRAME,
            "metrics": METRICS,
            "primary_metric": "ssim",
            "licence": LICENCE,
            **fields,
        }
    )
