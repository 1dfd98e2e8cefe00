"""CSIM of the open judge on real faces: what its README states, and what a wrong input does to it."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from dgbench.core.pair import Pair
from dgbench.metrics.csim import cosine
from dgbench.networks.judges import load_judges
from dgbench.scoring.evaluator import evaluate


def read(path: Path) -> np.ndarray:
    return np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])


@pytest.fixture(scope="module")
def people(assets) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Neutral and smiling photo of every Londoner who has both."""
    found = {}
    for path in sorted((assets / "frll" / "neutral_front").glob("*_03.jpg")):
        smiling = assets / "frll" / "smiling_front" / f"{path.name[:3]}_08.jpg"
        if smiling.is_file():
            found[path.name[:3]] = (read(path), read(smiling))
    assert len(found) > 70
    return found


@pytest.fixture(scope="module")
def judges(assets):
    return load_judges("open", weights=assets / "nets", roles=["identity", "detector"])


@pytest.mark.slow
def test_same_and_different_people_are_as_the_readme_states(people, judges):
    """README: same person mean 0.907 (min 0.731), others mean 0.041 (max 0.452)."""
    seen = {name: judges.observe(pair) for name, pair in people.items()}
    assert all(s.detected for pair in seen.values() for s in pair)
    same = [cosine(a.embedding, b.embedding) for a, b in seen.values()]
    others = [
        cosine(seen[one][0].embedding, seen[other][0].embedding) for one, other in itertools.combinations(seen, 2)
    ]
    print(f"same person: mean {np.mean(same):.3f}, min {min(same):.3f}")
    print(f"others: mean {np.mean(others):.3f}, max {max(others):.3f}")
    assert np.mean(same) == pytest.approx(0.907, abs=0.01)
    assert min(same) == pytest.approx(0.731, abs=0.05)
    assert np.mean(others) == pytest.approx(0.041, abs=0.02)
    assert max(others) == pytest.approx(0.452, abs=0.05)


@pytest.mark.parametrize(
    "mutate",
    [
        lambda image: np.ascontiguousarray(image[..., ::-1]),
        lambda image: (image // 4).astype(np.uint8),
        lambda image: cv2.resize(image, (512, 300)),
    ],
    ids=["bgr", "range", "stretched"],
)
def test_a_mutated_input_lowers_the_similarity_to_the_same_photo(people, judges, mutate):
    first = [pair[0] for pair in list(people.values())[:8]]
    changed = [
        cosine(a.embedding, b.embedding)
        for a, b in zip(judges.observe(first), judges.observe([mutate(image) for image in first]), strict=True)
    ]
    assert np.mean(changed) < 0.97


def test_without_alignment_the_numbers_are_not_those(people, judges):
    """Whole frames in place of aligned faces, as published scripts feed them, move same-person CSIM."""
    pairs = list(people.values())[:8]
    aligned = [cosine(*(s.embedding for s in judges.observe(pair))) for pair in pairs]
    whole = []
    for pair in pairs:
        vectors = judges._identity.embed([cv2.resize(image, (112, 112)) for image in pair])
        whole.append(cosine(*vectors))
    assert abs(np.mean(aligned) - np.mean(whole)) > 0.02


def test_ceiling_and_impostor_frame_every_method(people, judges):
    """Cross pairs of real people: source to target is what a perfect method scores, source to reference a copier."""
    names = list(people)[:20]

    class Photos:
        def generated(self, pair):
            return self.reference(pair)  # a method that copies the reference

        def source(self, pair):
            return people[pair.source[:3]][0]

        def reference(self, pair):
            return people[pair.reference[:3]][1]

        def target(self, pair):
            return people[pair.target[:3]][1]

    pairs = [
        Pair(
            pair_id=f"{one}-{other}",
            relation="cross",
            source=f"{one}_03",
            reference=f"{other}_08",
            target=f"{one}_08",
            source_identity=one,
            reference_identity=other,
        )
        for one, other in zip(names, [*names[1:], names[0]], strict=True)
    ]
    metrics = ["csim", "csim_ceiling", "csim_impostor"]
    sheet = evaluate(pairs, Photos(), judges=judges, metrics=metrics, draws=500)
    value = {item.name: item for item in sheet.metric_values()}
    print({name: (round(item.value, 3), item.interval) for name, item in value.items()})
    assert value["csim"].value == pytest.approx(value["csim_impostor"].value, abs=1e-6)
    assert value["csim_impostor"].interval.high < 0.2 < 0.8 < value["csim_ceiling"].interval.low
    assert value["csim_ceiling"].interval.low < value["csim_ceiling"].value < value["csim_ceiling"].interval.high
