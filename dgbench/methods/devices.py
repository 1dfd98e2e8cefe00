"""The device that a user names, checked before any work: its form, and whether this machine has it."""

from __future__ import annotations

import re

from dgbench.core.errors import MissingError, UsageError

_FORM = re.compile(r"cpu|cuda(?::(\d{1,4}))?")


def check_device(text: str, *, here: bool = True, count: int = 1) -> None:
    """Check what ``--device`` names.

    Args:
        text: ``cpu``, ``cuda`` or ``cuda:N``.
        here: whether the work is done by this process's PyTorch; for a worker with its own, or another machine, only
            the form can be told.
        count: how many devices are asked for at once.

    Raises:
        UsageError: it is of another form. MissingError: this machine has no such device.
    """
    form = _FORM.fullmatch(text)
    if form is None:
        raise UsageError(f"--device {text}: write cpu, cuda or cuda:N (such as cuda:0)")
    if text == "cpu" or not here:
        return
    import torch

    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not found:
        raise MissingError(f"--device {text}: PyTorch sees no CUDA device here; see `dgbench doctor`, or use cpu")
    if max(count, int(form[1] or 0) + 1) > found:
        asked = f"{count} devices are asked for" if count > 1 else "there is none of that number"
        raise MissingError(
            f"--device {text}: {asked}, this machine has cuda:0" + (f" to cuda:{found - 1}" * (found > 1))
        )
