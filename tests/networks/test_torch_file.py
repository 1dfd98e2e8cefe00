"""Files of torch.save: tensors come out, anything else is refused in one line and in no time."""

from __future__ import annotations

import io
import pickle
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from dgbench.core.errors import UsageError
from dgbench.networks.torch_file import read_tensors


@pytest.mark.parametrize("new", [True, False])
def test_tensors_come_out_of_both_formats(tmp_path: Path, new: bool) -> None:
    path = tmp_path / "nets.pth"
    torch.save({"a": {"weight": torch.arange(6.0)}}, path, _use_new_zipfile_serialization=new)
    assert torch.equal(read_tensors(path)["a"]["weight"], torch.arange(6.0))


@pytest.mark.parametrize("new", [True, False])
def test_what_is_no_tensor_is_refused_unless_it_is_named_harmless(tmp_path: Path, new: bool) -> None:
    path = tmp_path / "nets.pth"
    torch.save({"best": np.float64(0.5)}, path, _use_new_zipfile_serialization=new)
    with pytest.raises(UsageError, match="nothing else is run"):
        read_tensors(path)
    scalar = np._core.multiarray.scalar  # type: ignore[attr-defined]
    harmless = [(scalar, "numpy.core.multiarray.scalar"), scalar, np.dtype, np.dtypes.Float64DType]
    assert read_tensors(path, harmless=harmless)["best"] == 0.5
    with pytest.raises(UsageError, match="nothing else is run"):
        read_tensors(path)


@pytest.mark.parametrize("packed", [True, False])
def test_a_word_that_would_keep_torch_busy_for_hours_is_refused(tmp_path: Path, packed: bool) -> None:
    """Torch searches its own message, which holds the word, in a time that grows with its square."""
    slow = b"\x80\x02c" + b"x" * 1_000_000 + b"\nname\n."
    path = tmp_path / "nets.ckpt"
    path.write_bytes(slow)
    if packed:
        sound = io.BytesIO()
        torch.save({"a": torch.zeros(1)}, sound)
        with zipfile.ZipFile(sound) as old, zipfile.ZipFile(path, "w") as new:
            for name in old.namelist():
                new.writestr(name, slow if name.endswith("data.pkl") else old.read(name))
    began = time.process_time()
    with pytest.raises(UsageError, match="a word of 1000005 characters"):
        read_tensors(path)
    assert time.process_time() - began < 20


def test_damage_and_absence_are_one_line(tmp_path: Path) -> None:
    for name, data in {"empty": b"", "text": b"hello", "half": pickle.dumps([1, 2, 3])[:-4]}.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(UsageError, match=f"{name}: not a file of plain tensors"):
            read_tensors(path)
    with pytest.raises(UsageError, match="not a file of plain tensors"):
        read_tensors(tmp_path / "absent")
