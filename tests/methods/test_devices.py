"""``--device``: a wrong form is wrong use, a device that is not here is missing, and both are said in one line."""

from __future__ import annotations

import pytest
import torch

from dgbench.core.errors import MissingError, UsageError
from dgbench.methods.devices import check_device


def _cards(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)


@pytest.mark.parametrize("text", ["gpu", "", "CUDA", "cuda:", "cuda:x", "cuda:-1", "cpu:0", "cuda:0 ", "mps"])
def test_another_form_is_wrong_use(text: str) -> None:
    with pytest.raises(UsageError, match="write cpu, cuda or cuda:N"):
        check_device(text, here=False)


def test_a_device_that_is_not_here_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    _cards(monkeypatch, 0)
    check_device("cpu")
    check_device("cuda:7", here=False)
    with pytest.raises(MissingError, match="sees no CUDA device"):
        check_device("cuda")
    _cards(monkeypatch, 2)
    check_device("cuda")
    check_device("cuda:1", count=2)
    with pytest.raises(MissingError, match=r"none of that number, this machine has cuda:0 to cuda:1$"):
        check_device("cuda:2")
    with pytest.raises(MissingError, match="3 devices are asked for"):
        check_device("cuda", count=3)
    _cards(monkeypatch, 1)
    with pytest.raises(MissingError, match=r"this machine has cuda:0$"):
        check_device("cuda:1")
