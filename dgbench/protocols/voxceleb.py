"""The VoxCeleb protocols as drafts: what the two of VoxCeleb1, the three of VoxCeleb2 and their training came from."""

from __future__ import annotations

from dgbench.core.protocol import AllExcept, Frame, IdList, Pairing, Protocol, Split
from dgbench.datasets.voxceleb.people import VOX1_TEST, VOX2_TEST

#: The official test people of VoxCeleb1 that the published list of 256 px clips (vox-metadata.csv) holds.
VOX1_CLIP_PEOPLE = tuple(f"id{number}" for number in (*range(10280, 10288), *range(10289, 10293), 10306))
SPLITS = {
    "voxceleb1": Split(
        rule=(
            "Test: the 13 of the 40 official test people (id10270 to id10309) who are in the published list of 256 px "
            "clips. Training: everyone but the 40. By id, whatever folder a file lies in: the published list has "
            "id10282 and id10306 in both parts."
        ),
        train=AllExcept(ids=VOX1_TEST),
        test=IdList(ids=VOX1_CLIP_PEOPLE),
    ),
    "voxceleb2": Split(
        rule="Test: the 118 official test people. Training: everyone else.",
        train=AllExcept(ids=VOX2_TEST),
        test=IdList(ids=VOX2_TEST),
    ),
}
VARIANTS = {"voxceleb1": "vp-mp4", "voxceleb2": "official-mp4"}
FRAME = Frame(size=256, crop="as-stored")
LICENCE = (
    "research use on request to the VoxCeleb project; the videos belong to those who uploaded them; credit: {credit}"
)
CREDIT = {"voxceleb1": "Nagrani et al. 2017", "voxceleb2": "Chung et al. 2018"}
WITH_TARGET = ("ssim", "csim", "psnr", "l1", "pose", "landmark_nme", "expression", "detection", "fid", "fd")
WITHOUT_TARGET = ("csim", "pose", "expression", "detection", "fid", "fd")
_SHARES = "At most {clips} clips per person in the order of a digest, one frame of each clip per round, {count} {what}."


def drafts() -> list[Protocol]:
    """Return the drafts of the seven protocols."""
    made = []
    for dataset, people, count in (("voxceleb1", 13, 80), ("voxceleb2", 118, 10)):
        shares = _SHARES.format(clips=40, count=count, what="pairs per person")
        made += [
            _protocol(
                dataset,
                "self",
                title="same clip: first frame to a later one",
                rule=f"Source: a clip's first frame; reference = target: a later one. Frames on a grid of 5. {shares}",
                parameters={"pairs_per_person": count, "clips_per_person": 40},
                expected_pairs=people * count,
                min_coverage=0.9,
            ),
            _protocol(
                dataset,
                "cross",
                title="another person's frame, no target",
                rule=(
                    "Source: the first frame of a clip; reference: a frame of another test person's clip, people by "
                    f"shifts of one seeded circle. Nobody filmed the target. {shares}"
                ),
                parameters={"pairs_per_person": count, "clips_per_person": 40},
                expected_pairs=people * count,
                min_coverage=0.9,
                metrics=WITHOUT_TARGET,
                primary_metric="csim",
            ),
            _protocol(
                dataset,
                "train",
                title="training pairs of one clip",
                purpose="train",
                rule=f"Two different frames of one clip. {_SHARES.format(clips=8, count=20, what='pairs per person')}",
                parameters={"pairs_per_person": 20, "clips_per_person": 8},
                min_coverage=0.5,
            ),
        ]
    shares = _SHARES.format(clips=40, count=10, what="pairs at most")
    made.append(
        _protocol(
            "voxceleb2",
            "largepose",
            title="same video: near-frontal source, reference turned by 45 degrees or more",
            rule=(
                "By estimated yaw: source = first frame of the video with |yaw| up to 30, reference = target = a "
                f"frame of the same video with |yaw| of 45 or more. {shares}"
            ),
            parameters={
                "pairs_per_person": 10,
                "clips_per_person": 40,
                "max_source_yaw": 30,
                "min_reference_yaw": 45,
            },
            expected_pairs=1180,
            min_coverage=0.5,
            pose_bins=(45.0, 60.0, 75.0, 90.0),
        )
    )
    return made


def _protocol(
    dataset: str, kind: str, *, title: str, rule: str, parameters: dict[str, str | int | float | bool], **more: object
) -> Protocol:
    sampler = {"train": "training"}.get(kind, kind)
    return Protocol.model_validate(
        {
            "id": f"{dataset}-{kind}",
            "version": 1,
            "title": f"VoxCeleb{dataset[-1]}, {title}",
            "dataset": dataset,
            "variant": VARIANTS[dataset],
            "split": SPLITS[dataset],
            "pairing": Pairing(rule=rule, sampler=f"voxceleb-{sampler}", seed=0, parameters=parameters),
            "pairs": "built",
            "frame": FRAME,
            "metrics": WITH_TARGET,
            "primary_metric": "ssim",
            "licence": LICENCE.format(credit=CREDIT[dataset]),
            **more,
        }
    )
