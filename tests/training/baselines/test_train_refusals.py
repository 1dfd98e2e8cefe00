"""What a training refuses before the authors' script is started, each in one line."""

from __future__ import annotations

import pytest

from dgbench.core.errors import MissingError, UsageError
from dgbench.methods.baseline_card import load_card
from dgbench.training.baselines.train import train_baseline


def test_there_must_be_something_to_resume(make_job, drawn):
    with pytest.raises(UsageError, match="holds no training to go on with; leave out --resume"):
        train_baseline(make_job(resume=True), drawn, drawn.rows)


def test_methods_without_training_say_why_in_one_line(make_job, drawn, tmp_path):
    for name, words in (("lia", "published no training code"), ("x2face", "256 px")):
        with pytest.raises(UsageError, match=words) as caught:
            train_baseline(make_job(card=load_card(name)), drawn, drawn.rows)
        assert "\n" not in str(caught.value) and not (tmp_path / "model").exists()


def test_a_missing_checkout_says_how_to_get_it(make_job, drawn, monkeypatch):
    monkeypatch.delenv("DGBENCH_BASELINE_TOY_NET", raising=False)
    with pytest.raises(MissingError, match=r"missing checkout \(git clone https://example.org/toy-net"):
        train_baseline(make_job(repo=None), drawn, drawn.rows)


def test_vgg19_is_asked_for_by_name_and_not_downloaded(make_job, drawn, tmp_path):
    with pytest.raises(MissingError, match=r"vgg19-dcbb9e9d\.pth is not here"):
        train_baseline(make_job(perceptual="vgg19", weights=tmp_path), drawn, drawn.rows)
