"""Some metrics alone: only the networks they need, records that never rank, and two folders matched by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

import dgbench
from dgbench.core.card import JudgeNetwork
from dgbench.core.errors import MissingError, UsageError
from dgbench.core.record import SUBSET_NOTE
from dgbench.networks import inception
from dgbench.networks.features import FeatureNetwork
from dgbench.results.boards.eligibility import judge_by_newest
from dgbench.results.records.store import find_records
from dgbench.scoring import panel
from dgbench.scoring.folders import score_folders
from dgbench.scoring.panel import panel_for


class FakeInception(FeatureNetwork):
    network = JudgeNetwork(role="features", name="inception", sha256="0" * 64)
    name = "fid"
    dimension = 3

    def features(self, images):
        return np.stack([image.mean(axis=(0, 1)) for image in images]).astype(np.float32)


def noise(seed: int, size: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)


def save(folder: Path, images: dict[str, np.ndarray]) -> Path:
    folder.mkdir()
    for name, image in images.items():
        Image.fromarray(image).save(folder / name)
    return folder


def test_pixels_need_no_judge_and_fid_the_inception_alone(monkeypatch):
    asked = []
    monkeypatch.setattr(panel, "load_judges", lambda name, weights, roles: asked.append(set(roles)))
    monkeypatch.setattr(inception, "load_inception", lambda weights: FakeInception())
    assert panel_for(["ssim", "psnr"], judges="open").judges.networks == ()
    chosen = panel_for(["fid", "kid"], judges="open")
    assert chosen.metrics == ("fid", "kid")
    assert [network.name for network in chosen.judges.networks] == ["inception"]
    assert asked == [], "no network of the open set is needed"
    panel_for(["csim", "ssim"], judges="open")
    assert asked == [{"detector", "identity"}]


def test_a_feature_space_is_the_judges_own():
    assert panel_for(["fd", "kd"], judges="embedded").metrics == ("fd[synthface]", "kd[synthface]")
    with pytest.raises(UsageError, match="fid and fd are of two feature spaces"):
        panel_for(["fid", "fd"], judges="embedded")
    with pytest.raises(UsageError, match="a metric is named twice"):
        panel_for(["ssim", "ssim"], judges="embedded")
    with pytest.raises(UsageError, match="Did you mean 'ssim'"):
        panel_for(["ssmi"], judges="embedded")


def test_fid_without_inception_says_what_is_missing(tmp_path):
    with pytest.raises(MissingError, match="weights-inception-2015-12-05-6726825d"):
        panel_for(["fid"], judges="open", weights=tmp_path)


def test_a_record_of_some_metrics_never_ranks_and_leaves_the_whole_record_alone(tmp_path):
    out = tmp_path / "run"
    record = dgbench.evaluate("synthface-mini-self@1", method="target", out=out, limit=2, metrics=["ssim", "l1"])
    assert [(value.name, value.value) for value in record.metrics] == [("ssim", 1.0), ("l1", 0.0)]
    assert record.notes[-1] == f"{SUBSET_NOTE}: ssim, l1"
    folder = out / "scores" / "embedded-only-ssim+l1"
    assert json.loads((folder / "record.json").read_text())["run_id"] == record.run_id
    assert not (out / "scores" / "embedded").exists()
    (stored,) = find_records(tmp_path)
    assert judge_by_newest([stored])[1][stored.path].reason == "some of the metrics alone"


def test_images_of_any_method_are_evaluated_without_a_run_folder(tmp_path):
    out = tmp_path / "run"
    first = dgbench.evaluate("synthface-mini-self@1", method="copy-source", out=out, limit=1, metrics=["psnr"])
    images = save(tmp_path / "mine", {path.name: np.array(Image.open(path)) for path in (out / "images").iterdir()})
    record = dgbench.evaluate("synthface-mini-self@1", outputs=images, label="mine", metrics=["psnr"])
    psnr = record.metrics[0]
    assert (record.method.name, psnr.n_scored) == ("mine", 1)
    assert psnr.measured_only == first.metrics[0].value
    assert psnr.failures == {"missing": psnr.n_expected - 1}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "run"], "nothing else is left behind"
    with pytest.raises(UsageError, match="give either outputs or method"):
        dgbench.evaluate("synthface-mini-self@1")


def test_two_folders_are_matched_by_name_and_the_rest_is_listed(tmp_path):
    real = {f"{number}.png": noise(number) for number in range(4)}
    made = {f"{number}.png": noise(10 + number) for number in range(3)} | {"x.bmp": noise(9)}
    made["2.png"] = noise(5, size=16)
    found = score_folders(save(tmp_path / "A", made), save(tmp_path / "B", real), metrics=["psnr"])
    assert (found.matched, found.first, found.second, found.unmatched) == (3, 4, 4, ("A/x.bmp", "B/3.png"))
    expected = [peak_signal_noise_ratio(real[f"{n}.png"], made[f"{n}.png"], data_range=255) for n in (0, 1)]
    psnr = found.metrics[0]
    assert psnr.measured_only == pytest.approx(np.mean(expected))
    assert psnr.value == pytest.approx(np.sum(expected) / 3), "a pair that cannot be measured scores the floor, 0 dB"
    assert psnr.failures == {"wrong-size": 1}
    alone = score_folders(tmp_path / "A", tmp_path / "B", metrics=["sharpness"]).metrics[0]
    assert alone.failures == {"wrong-size": 1}, "also where the metric itself compares no sizes"


def test_folders_that_do_not_fit_are_one_line(tmp_path):
    a, b = save(tmp_path / "A", {"0.png": noise(0)}), save(tmp_path / "B", {"1.png": noise(1)})
    for first, second, words in [
        (a, b, "no image of .* has the name of an image of .* \\(such as '0.png' and '1.png'\\)"),
        (a, tmp_path / "C", "C: no such folder of images"),
        (save(tmp_path / "D", {"0.png": noise(0), "0.bmp": noise(0)}), a, "'0.bmp' and '0.png' have one name"),
        (save(tmp_path / "E", {}), a, "E: holds no image"),
    ]:
        with pytest.raises(UsageError, match=words):
            score_folders(first, second, metrics=["ssim"])
    with pytest.raises(UsageError, match="id_rank1 compares people"):
        score_folders(a, a, metrics=["id_rank1"])
