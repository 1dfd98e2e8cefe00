"""Fixtures of the training tests: a bank of drawn people and their features."""

from __future__ import annotations

import pytest
from cartoons import Cartoons, rows, tiny_config

from dgbench.models.dg.face_encoder import build_face_encoder
from dgbench.training.dg.features import cached_features
from dgbench.training.dg.frames import FrameBank


@pytest.fixture(scope="session")
def bank() -> FrameBank:
    return FrameBank(Cartoons(), rows(), size=64)


@pytest.fixture(scope="session")
def features(bank: FrameBank):
    config = tiny_config()
    encoder = build_face_encoder(config.model)
    return cached_features(bank, encoder, names=config.model.idsg.face_encoders, folder=None)
