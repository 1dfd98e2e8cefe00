"""One test of every metric in the registry: a complete card, a floor at the end of the range, an oracle, a mutation."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from dgbench.core.face import Failure
from dgbench.doctor.golden import FormulaImages, golden_values, shipped_values
from dgbench.metrics.contract import PairMetric
from dgbench.metrics.registry import BUILT_IN, metric_class

HERE = Path(__file__).parent
NAMES = sorted(BUILT_IN)
#: Measured on the real images alone: what a method makes changes nothing.
OF_REAL_IMAGES = ("csim_ceiling", "csim_impostor")
#: Where a metric is held against another implementation; others: ``test_equals_its_oracle`` in ``test_<name>.py``.
_PAIRS = "test_pair_judged.py::"
ORACLES = {
    "ssim": "test_pixel_metrics.py::test_ssim_is_skimages",
    "psnr": "test_pixel_metrics.py::test_psnr_and_l1_are_the_plain_loops",
    "l1": "test_pixel_metrics.py::test_psnr_and_l1_are_the_plain_loops",
    "sharpness": "test_sharpness.py::test_is_the_complement_of_the_blur_effect",
    "id_rank1": "test_retrieval.py::test_one_stranger_in_ten_costs_a_tenth",
    "fid": "test_set_metrics.py::test_both_routes_are_the_textbook_formula",
    "kid": "test_set_metrics.py::test_kid_is_the_plain_loop",
    "lpips": "test_own_networks.py::test_lpips_is_the_plain_formula",
    "paper/ssim-range2": "test_own_networks.py::test_ssim_on_minus_1_to_1_is_skimages_and_not_the_canonical_value",
    "paper/csim-ir50": "test_own_networks.py::test_csim_without_alignment_sees_the_whole_frame",
    "paper/fid-stargan2": "test_own_networks.py::test_fid_of_source_against_generated",
    "expression_coefficients": "test_own_networks.py::test_expression_coefficients_compare_with_the_reference",
    "pose": "test_pair_judged.py::test_geodesic_is_scipys_rotation_angle",
    "pose_yaw": "test_pair_judged.py::test_pose_errors_by_hand",
    "pose_pitch": "test_pair_judged.py::test_pose_errors_by_hand",
    "pose_roll": "test_pair_judged.py::test_pose_errors_by_hand",
    "landmark_nme": "test_pair_judged.py::test_landmark_errors_by_hand",
    "akd": "test_pair_judged.py::test_landmark_errors_by_hand",
    "expression": "test_pair_judged.py::test_expression_ignores_head_motion_and_sees_the_mouth",
    "detection": _PAIRS + "test_an_undetected_face_is_a_failure_for_csim_and_measured_by_fallback_beside_it",
    "csim": "test_pair_judged.py::test_csim_compares_the_named_images",
    "csim_target": "test_pair_judged.py::test_csim_compares_the_named_images",
    "csim_fallback": "test_pair_judged.py::test_csim_compares_the_named_images",
    "csim_ceiling": "test_pair_judged.py::test_csim_compares_the_named_images",
    "csim_impostor": "test_pair_judged.py::test_csim_compares_the_named_images",
}


class Altered(FormulaImages):
    """Every image a method made is upside down and in other colours, and one is black."""

    def generated(self, pair):
        image = super().generated(pair)
        if isinstance(image, Failure) or pair.pair_id == "p0":
            return image if isinstance(image, Failure) else np.zeros_like(image)
        return np.ascontiguousarray(image[::-1, :, [1, 2, 0]] // 2)


class OtherSources(FormulaImages):
    """The source people look otherwise."""

    def source(self, pair):
        return np.ascontiguousarray(super().source(pair)[::-1, :, [1, 2, 0]])


@cache
def values(kind: type[FormulaImages]) -> dict[str, float]:
    return golden_values(kind())


@pytest.mark.parametrize("name", NAMES)
def test_the_card_is_complete(name):
    kind = metric_class(name)
    card = kind.card_by(name, ())
    assert card.name == name
    assert card.version >= 1 and card.title and card.title[0].isupper()
    assert len(card.definition.split()) >= 6 and card.failure_rule
    assert card.level == ("pair" if issubclass(kind, PairMetric) else "set")
    assert kind.decimals >= 1 and kind.smallest_side >= 1
    assert set(kind.parts) <= set(kind.companions) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_floor_is_the_worst_end_of_the_range(name):
    kind = metric_class(name)
    card, (low, high) = kind.card_by(name, ()), kind.valid_range
    if card.level == "set":
        assert card.floor is None
    else:
        # SSIM alone may be measured below its floor: its card says so.
        worst = low if card.direction == "higher" else high
        assert card.floor == worst or (name in ("ssim", "paper/ssim-range2") and card.floor in (0.0, -1.0))


@pytest.mark.parametrize("name", NAMES)
def test_it_is_held_against_an_oracle(name):
    file, _, test = ORACLES.get(name, f"test_{name}.py::test_equals_its_oracle").partition("::")
    assert (HERE / file).is_file(), f"{name} needs {file} with {test}"
    assert re.search(rf"^def {test}\(", (HERE / file).read_text(), re.MULTILINE), f"{file} has no {test}"


@pytest.mark.parametrize("name", [name for name in NAMES if name in shipped_values()])
def test_a_mutation_changes_it(name):
    changed = values(OtherSources if name in OF_REAL_IMAGES else Altered)[name]
    assert np.isfinite(changed)
    assert abs(changed - values(FormulaImages)[name]) > 1e-3 * max(1.0, abs(changed))


def test_only_metrics_with_a_network_of_their_own_have_no_golden_value():
    own = {name for name in NAMES if metric_class(name).card_by(name, ()).judges}
    assert set(NAMES) - set(shipped_values()) == own
