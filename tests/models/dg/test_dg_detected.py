"""DG on detected landmarks: what the detector finds replaces what the data know, in training and in running."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dgbench.core.face import Failure
from dgbench.methods.contract import LoadContext, Task
from dgbench.methods.registry import method_class
from dgbench.models.dg.checkpoint import save_model
from dgbench.models.dg.config import DgConfig, IdsgConfig, RfgConfig
from dgbench.models.dg.detected import DetectedDualGenerator, DetectedSource, LandmarkDetector
from dgbench.models.dg.model import DgModel
from dgbench.synthface.sets.mini import MiniStore


@pytest.fixture(scope="module")
def mini() -> MiniStore:
    return MiniStore()


def test_the_detector_finds_a_render_s_landmarks(mini: MiniStore) -> None:
    detector = LandmarkDetector()
    for key in ("synthface-mini/s0129/c00", "synthface-mini/s0150/c02"):
        truth, found = mini.landmarks(key), detector.find(mini.image(key))
        assert found is not None and truth is not None and found.origin == "synthface-landmarks-train"
        error = np.linalg.norm((found.points - truth.points)[:, :2], axis=1).mean()
        assert error < 0.04 * mini.size and not np.array_equal(found.points, truth.points)
        assert ((found.visibility > 0.5) == (truth.visibility > 0.5)).mean() > 0.9
    assert detector.find(np.zeros((64, 64, 3), np.uint8)) is None
    assert DetectedSource(mini).landmarks("synthface-mini/s0129/c00") is not None


def test_the_method_draws_what_the_detector_found(mini: MiniStore, tmp_path: Path) -> None:
    config = DgConfig(
        size=64,
        idsg=IdsgConfig(face_encoders=("geometry",), feature_dim=205, hidden=8, decoder_hidden=8, depth=1),
        rfg=RfgConfig(base_channels=4, max_channels=8, style_dim=8),
    )
    save_model(tmp_path, DgModel(config).state_dict(), config=config, parts=("idsg", "rfg"), notes={})
    source, reference = "synthface-mini/s0129/c00", "synthface-mini/s0130/c01"
    task = Task("p", 0, source=mini.image(source), reference=mini.image(reference))
    detected, given = (method_class(name)() for name in ("dg-detected", "dg"))
    assert isinstance(detected, DetectedDualGenerator) and detected.needs == {"source", "reference"}
    for method in (detected, given):
        method.load(LoadContext(size=mini.size, checkpoint=tmp_path))
    finder = LandmarkDetector()
    seen = {
        "source_landmarks": finder.find(mini.image(source)),
        "reference_landmarks": finder.find(mini.image(reference)),
    }
    wanted = given.reenact([Task("p", 0, source=task.source, reference=task.reference, **seen)])[0]  # type: ignore[arg-type]
    found = detected.reenact([task])[0]
    assert not isinstance(found, Failure) and np.array_equal(found, wanted)
    assert "landmark_detector_sha256" in detected.parameters()
    nobody = detected.reenact([Task("p", 0, source=task.source, reference=np.zeros_like(task.source))])[0]
    assert isinstance(nobody, Failure) and nobody.kind == "no-face"
