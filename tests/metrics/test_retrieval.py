"""Identity retrieval: values worked out by hand, the gallery's rule, and what failures and chance do."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import FakeJudges

from dgbench.core.face import Failure
from dgbench.core.pair import Pair
from dgbench.metrics.registry import make_metric
from dgbench.metrics.retrieval import cell_of
from dgbench.scoring.evaluator import evaluate

PEOPLE = [f"p{number:02d}" for number in range(10)]
CELLS = ("front", "side")


def pair(person: str, cell: str, shown_by: str) -> Pair:
    return Pair(
        pair_id=f"{person}-{cell}",
        relation="cross",
        source=f"set/{person}/front",
        reference=f"set/{shown_by}/{cell}",
        target=f"set/{person}/{cell}",
        source_identity=person,
        reference_identity=shown_by,
    )


PAIRS = [pair(who, cell, PEOPLE[(n + 1) % len(PEOPLE)]) for n, who in enumerate(PEOPLE) for cell in CELLS]


def picture(person: str, cell: str) -> np.ndarray:
    image = np.full((32, 32, 3), 50, np.uint8)
    image[0, 0] = (int(person[1:]) + 1, CELLS.index(cell), 0)
    return image


def embedding(image: np.ndarray) -> np.ndarray:
    """One axis a person, and one shared axis a cell that is stronger than who it is: as pose is for a recogniser."""
    vector = np.zeros(16, np.float32)
    vector[int(image[0, 0, 0])] = 1.0
    vector[12 + int(image[0, 0, 1])] = 2.0
    return vector / np.linalg.norm(vector)


class Images:
    def __init__(self, generated) -> None:
        self._generated = generated

    def generated(self, pair):
        return self._generated(pair)

    def source(self, pair):
        return picture(pair.source_identity, "front")

    def reference(self, pair):
        return picture(pair.reference_identity, pair.target.rsplit("/", 1)[1])

    def target(self, pair):
        return picture(pair.source_identity, pair.target.rsplit("/", 1)[1])


def scored(generated, pairs=PAIRS):
    judges = FakeJudges(embedding=embedding)
    (value,) = evaluate(pairs, Images(generated), judges=judges, metrics=["id_rank1"], draws=20).metric_values()
    return value


def cell(one: Pair) -> str:
    return one.target.rsplit("/", 1)[1]


def test_the_right_person_is_found_whatever_the_pose() -> None:
    value = scored(lambda one: picture(one.source_identity, cell(one)))
    assert value.value == 1.0
    assert value.note == "chance 0.100: a gallery of 10 people"


def test_a_stranger_is_never_the_right_person() -> None:
    assert scored(lambda one: picture(one.reference_identity, cell(one))).value == 0.0


def test_a_tie_is_no_hit() -> None:
    blank = np.full((32, 32, 3), 50, np.uint8)
    blank[0, 0] = (15, 0, 0)  # nobody
    assert scored(lambda one: blank).value == 0.0


def test_one_stranger_in_ten_costs_a_tenth() -> None:
    wrong = PEOPLE[3]
    value = scored(lambda one: picture(PEOPLE[4] if one.source_identity == wrong else one.source_identity, cell(one)))
    assert value.value == pytest.approx(0.9)


def test_failed_pairs_score_nothing_and_stay_in_the_gallery() -> None:
    lost = PEOPLE[0]

    def made(one: Pair):
        if one.source_identity == lost:
            return Failure("timeout", "took too long")
        # Everybody is drawn as the person that failed, who must be in the gallery to be found there.
        return picture(lost, cell(one))

    value = scored(made)
    assert value.value == 0.0
    assert value.failures == {"timeout": 2}
    assert "gallery of 10 people" in value.note


def test_few_people_in_a_cell_are_compared_by_their_sources() -> None:
    pairs = [one for one in PAIRS if cell(one) == "front" or one.source_identity in PEOPLE[:3]]
    value = scored(lambda one: picture(one.source_identity, cell(one)), pairs)
    assert value.value == 1.0
    assert "gallery of 10 people" in value.note


@pytest.mark.parametrize(
    ("target", "person", "cell"),
    [
        ("frll/001/08", "001", "frll/08"),
        ("synthface-multipie/201@202/s1/r01/20_0/07", "201", "synthface-multipie/s1/r01/20_0/07"),
        ("synthface-voxceleb2/id1+clip@id2/x/0007", "id1", "synthface-voxceleb2/x/0007"),
        ("set/other/c", "me", None),
        (None, "me", None),
    ],
)
def test_a_cell_is_the_key_without_the_person(target, person, cell) -> None:
    one = Pair(
        pair_id="a", relation="cross", source="s", reference="r", target=target, source_identity=person,
        reference_identity="x",
    )  # fmt: skip
    assert cell_of(one) == cell


def test_the_card_says_what_it_measures() -> None:
    card = make_metric("id_rank1", FakeJudges()).card
    assert {network.role for network in card.judges} == {"detector", "identity"}
    assert card.floor == 0.0
