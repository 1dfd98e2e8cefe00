"""Both generators can learn one batch by heart, and the losses go where they should."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from cartoons import Cartoons, rows, tiny_config
from torch import Tensor

from dgbench.models.dg.checkpoint import load_checkpoint
from dgbench.models.dg.config import DgConfig, IdsgConfig, RfgConfig
from dgbench.training.dg.batches import idsg_batch
from dgbench.training.dg.config import IdsgTraining, Phase, RfgTraining
from dgbench.training.dg.draws import Draw
from dgbench.training.dg.frames import FrameBank
from dgbench.training.dg.frozen import FrozenNetworks
from dgbench.training.dg.loop import train


def curve(out: Path, name: str) -> list[float]:
    lines = (out / "log" / "curves.jsonl").read_text().splitlines()
    return [json.loads(line)[name] for line in lines if name in json.loads(line)]


def test_idsg_learns_two_people_by_heart(tmp_path: Path) -> None:
    bank = FrameBank(Cartoons(), rows(2, 2), size=64)
    features = torch.eye(2)[torch.from_numpy(bank.subject)].repeat(1, 103)[:, :205]
    config = tiny_config(
        phases=(Phase(stage="cross", network="idsg", steps=250, lr_end=0.05),),
        idsg=IdsgTraining(batch=8, lr=3e-3, adversarial=0, subject_class=0, action=0, visible_local_shape=0),
        augment=0.0,
        ema=0.5,
        log_every=10,
        save_every=1000,
    )
    train(config, bank=bank, features=features, frozen=FrozenNetworks(), out=tmp_path)
    cross = curve(tmp_path, "idsg/localization_cross")
    assert cross[-1] < 0.25 * cross[0]
    model = load_checkpoint(tmp_path).model()
    draw = Draw(*(torch.tensor(one).numpy() for one in ([0, 2], [1, 3], [3, 1], [2, 0])))
    batch = idsg_batch(bank, features, draw, augment=0.0, seed=0, part=slice(0, 2))
    with torch.no_grad():
        made = model.target_landmarks(batch.points, batch.visibility, batch.other)
    error = (made - batch.truth)[..., :2].norm(dim=2).mean()
    assert error < 0.35 * (batch.points - batch.truth)[..., :2].norm(dim=2).mean()


def test_rfg_learns_two_pictures_by_heart(tmp_path: Path) -> None:
    bank = FrameBank(Cartoons(), rows(2, 2), size=64)
    config = tiny_config(
        model=DgConfig(
            size=64,
            idsg=IdsgConfig(face_encoders=("geometry",), feature_dim=205, hidden=8, decoder_hidden=8, depth=1),
            rfg=RfgConfig(base_channels=8, max_channels=16, style_dim=8, styled_head=True),
        ),
        phases=(Phase(stage="self", network="rfg", steps=50),),
        rfg=RfgTraining(batch=4, lr=5e-3, betas=(0.5, 0.99), adversarial=0.0, style=0.0, generated_maps=0.0),
        augment=0.0,
        log_every=10,
        save_every=1000,
        grid_every=1000,
    )
    features: Tensor = torch.zeros(len(bank), 205)
    train(config, bank=bank, features=features, frozen=FrozenNetworks(), out=tmp_path)
    attribute = curve(tmp_path, "rfg/g_attribute")
    assert attribute[-1] < 0.6 * attribute[0]


def test_adversaries_learn_to_tell_and_are_heard(bank: FrameBank, features: Tensor, tmp_path: Path) -> None:
    config = tiny_config(
        phases=(Phase(stage="self", network="idsg", steps=120),),
        idsg=IdsgTraining(batch=16, lr=2e-3, lr_classifier=2e-2, localization=0.0, visible_local_shape=0.0, action=0.0),
        log_every=20,
        save_every=1000,
    )
    train(config, bank=bank, features=features, frozen=FrozenNetworks(), out=tmp_path)
    assert curve(tmp_path, "idsg/c_class")[-1] < 0.9 * curve(tmp_path, "idsg/c_class")[0]
    assert curve(tmp_path, "idsg/subject_class")[-1] < curve(tmp_path, "idsg/subject_class")[0]
