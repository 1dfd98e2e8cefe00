"""Networks trained on photographs take SynthFace for faces: detection, pose, identity."""

from __future__ import annotations

import numpy as np
import pytest

from dgbench.networks.judges import load_judges
from dgbench.synthface.head.expressions import RAFD_EXPRESSIONS, expression_of
from dgbench.synthface.person.person import person
from dgbench.synthface.render.render import render
from dgbench.synthface.render.scene import Scene

YAWS = (-60, -40, -20, 0, 20, 40, 60)
PEOPLE = 8


@pytest.mark.slow
def test_open_judges_find_the_faces_read_their_yaw_and_tell_people_apart(assets, scanned):
    """Slow: 56 renders at 256 px and three networks on each; needed because only they can say that it is a face."""
    scenes, truth = [], []
    for number in range(PEOPLE):
        who = person(number)
        for k, yaw in enumerate(YAWS):
            expression = expression_of(who, RAFD_EXPRESSIONS[(number + k) % 8])
            scenes.append(render(scanned, who, Scene(yaw=yaw, pitch=5 - k, expression=expression)).image)
            truth.append((number, yaw))
    judges = load_judges("open", weights=assets / "nets", roles=("detector", "identity", "pose"))
    seen = judges.observe(scenes)
    assert np.mean([one.detected for one in seen]) >= 0.95
    errors = [abs(one.pose.yaw - yaw) for one, (_, yaw) in zip(seen, truth, strict=True) if one.pose]
    assert np.median(errors) <= 8
    embedding = np.array([one.embedding for one in seen if one.embedding is not None])
    who = np.array([number for one, (number, _) in zip(seen, truth, strict=True) if one.embedding is not None])
    likeness = embedding @ embedding.T
    first, second = np.triu_indices(len(who), 1)
    same = who[first] == who[second]
    pairs = likeness[first, second]
    assert pairs[same].mean() > pairs[~same].mean() + 0.25
