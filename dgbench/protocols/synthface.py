"""The SynthFace protocols as drafts, with their cards: what ``synthface-*@1`` were released from."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from dgbench.core.protocol import Frame, NumberRange, Pairing, Protocol, Split
from dgbench.datasets.manifest import make_frames
from dgbench.protocols import multipie, rafd, voxceleb
from dgbench.protocols.release import release
from dgbench.protocols.synthface_cards import card
from dgbench.synthface.sets.mini_cells import SIZE, TEST, TRAIN, WORLD, mini_shots

_PLACEHOLDER = "0" * 64
METRICS = ("ssim", "csim", "psnr", "l1", "pose", "landmark_nme", "expression", "detection", "fid", "kid", "fd")
LICENCE = (
    "images rendered by dgbench (Apache-2.0) from ICT-FaceKit light, Copyright (c) 2020 USC Institute for Creative "
    "Technologies, MIT: keep that notice wherever the images go"
)
MINI_FRAME = Frame(size=SIZE, crop="as-stored", landmarks=("truth",))
FRAME = Frame(size=256, crop="as-stored", landmarks=("truth",))
MINI_BINS = (0.0, 45.0, 60.0, 75.0)
MINI_SPLIT = Split(
    rule=f"Training: s{TRAIN[0]:04d} to s{TRAIN[-1]:04d}. Testing: s{TEST[0]:04d} to s{TEST[-1]:04d}. By number.",
    train=NumberRange(first=TRAIN[0], last=TRAIN[-1]),
    test=NumberRange(first=TEST[0], last=TEST[-1]),
)


def drafts() -> list[Protocol]:
    """Return the drafts of all SynthFace protocols."""
    return [*_mini(), *_mirrors()]


def mini_frames() -> pd.DataFrame:
    """Return key and subject of every image of the mini set, from its grammar."""
    return make_frames([{"key": shot.key, "subject": shot.row["subject"]} for shot in mini_shots()])


def release_all(root: Path) -> list[Protocol]:
    """Write every protocol under ``root``; those already there must be the same."""
    frames = mini_frames()
    return [release(draft, root, frames=frames, card=card(draft)) for draft in drafts()]


def _mini() -> list[Protocol]:
    source = "source: one of the person's 6 near-frontal cells (|yaw| up to 30), each about equally often"
    target = "Target: the source person in the reference's cell, which is the same to the last weight for all people."
    return [
        _protocol(
            "synthface-mini-self",
            title="SynthFace mini, same person: near frontal to any pose, expression and light",
            rule=f"Each test person with each of the 12 cells as reference = target; {source}, never the same.",
            sampler="synthface-mini-test",
            parameters={"relation": "self", "max_source_yaw": 30, "min_reference_yaw": 0, "rounds": 1},
        ),
        _protocol(
            "synthface-mini-cross",
            title="SynthFace mini, another person's pose, expression and light, with the exact target",
            rule=f"Each test person with each of the 12 cells, shown by another test person; {source}. {target}",
            sampler="synthface-mini-test",
            parameters={"relation": "cross", "max_source_yaw": 30, "min_reference_yaw": 0, "rounds": 1},
        ),
        _protocol(
            "synthface-mini-largepose",
            title="SynthFace mini, near-frontal source, another person at 45 to 90 degrees, with the exact target",
            rule=f"Each test person with each of the 6 cells of |yaw| 45 to 90, by 2 other people; {source}. {target}",
            sampler="synthface-mini-test",
            parameters={"relation": "cross", "max_source_yaw": 30, "min_reference_yaw": 45, "rounds": 2},
            bins=MINI_BINS[1:],
        ),
        _protocol(
            "synthface-mini-train",
            title="SynthFace mini, training pairs with exact targets",
            purpose="train",
            rule=(
                "Each image of each training person is the reference of 3 self pairs; and each cell, shown by 3 other "
                "people of the group, that of 3 cross pairs. Sources: the person's other cells, drawn."
            ),
            sampler="synthface-mini-training",
            parameters={"rounds": 3},
        ),
    ]


def _mirrors() -> list[Protocol]:
    exact = "Target of a cross pair: the source person, rendered in the reference's own pose, expression and light."
    made = []
    for draft in (*rafd.drafts(), *multipie.drafts(), *voxceleb.drafts()):
        parameters = dict(_MIRRORS.get(draft.id, {}))
        if not parameters:
            continue
        made.append(
            _protocol(
                f"synthface-{draft.id}",
                title=f"SynthFace in the shape of {draft.id}",
                purpose=draft.purpose,
                dataset="synthface",
                variant=draft.dataset,
                split=draft.split if draft.dataset != "voxceleb1" else _VOX1_SPLIT,
                rule=f"As {draft.id} in SynthFace's {draft.dataset} world: {_RULES[draft.id]}"
                + (f" {exact}" if draft.purpose == "test" else ""),
                sampler="synthface-mirror",
                parameters={"mirrors": draft.pairing.sampler, **draft.pairing.parameters, **parameters},
                frame=FRAME,
                bins=draft.pose_bins or (0.0, 15.0, 30.0, 45.0),
            )
        )
    return made


#: Real protocol → parameters that differ in its mirror (fewer pairs, since each is rendered).
_MIRRORS: dict[str, dict[str, int]] = {
    "rafd-self": {"gazes_per_cell": 1},
    "rafd-cross": {"gazes_per_cell": 1},
    "multipie-self": {"shot": 7},
    "multipie-cross": {"shot": 7},
    "multipie-largepose": {"shot": 7},
    "multipie-train": {"shot": 7, "pairs_per_person": 40, "one_session": True},
    "voxceleb1-self": {"pairs_per_person": 20, "clips_per_person": 4},
    "voxceleb2-cross": {"pairs_per_person": 8, "clips_per_person": 4},
}
_RULES = {
    "rafd-self": "source frontal, neutral; reference = target in each camera and expression, in a gaze drawn.",
    "rafd-cross": "source frontal, neutral; reference another test person in each camera and expression, a gaze drawn.",
    "multipie-self": "source frontal, neutral; reference = target in each of 13 cameras, recording drawn; shot 07.",
    "multipie-cross": "source frontal, neutral; reference another test person in each of 13 cameras; shot 07.",
    "multipie-largepose": "source within 15 degrees of frontal; reference another person at 45 to 90 degrees; shot 07.",
    "multipie-train": "40 pairs of two images of each training person in one session, drawn; 13 cameras; shot 07.",
    "voxceleb1-self": "source a clip's first frame, reference = target a later one, 20 a person, frames drawn.",
    "voxceleb2-cross": "source a clip's first frame, reference a frame of another person's clip, 8 a person.",
}
_VOX1_SPLIT = Split(
    rule="Test: the 40 official test people, id10270 to id10309. Training: everyone else.",
    train=voxceleb.SPLITS["voxceleb1"].train,
    test=NumberRange(first=10_270, last=10_309),
)


def _protocol(
    identifier: str,
    *,
    title: str,
    rule: str,
    sampler: str,
    parameters: dict[str, str | int | float | bool],
    purpose: str = "test",
    dataset: str = WORLD,
    variant: str = "packaged",
    split: Split = MINI_SPLIT,
    frame: Frame = MINI_FRAME,
    bins: tuple[float, ...] = MINI_BINS,
) -> Protocol:
    return Protocol.model_validate(
        {
            "id": identifier,
            "version": 1,
            "title": title,
            "purpose": purpose,
            "dataset": dataset,
            "variant": variant,
            "split": split,
            "pairing": Pairing(rule=rule, sampler=sampler, seed=0, parameters=parameters),
            "pairs": "frozen",
            "expected_pairs": 0,
            "pairs_sha256": _PLACEHOLDER,
            "frame": frame,
            "pose_bins": bins,
            "metrics": METRICS,
            "primary_metric": "ssim",
            "licence": LICENCE,
            "images_may_be_shown": True,
        }
    )
