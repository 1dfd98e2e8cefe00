"""Import torchvision beside a torch that lacks its compiled operators, as CPU-only installs often do."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from dgbench.core.errors import MissingError

_LIBRARY: list[Any] = []
_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def import_torchvision() -> None:
    """Make ``import torchvision`` work; torch-fidelity and insightface-like packages import it at their top.

    Only where the plain import fails for the missing operators are their signatures declared, and the import is
    tried again. ``torchvision.ops.nms`` itself then stays unusable, and nothing in dgbench calls it.

    Raises:
        MissingError: torchvision is not installed, or does not fit the installed torch.
    """
    if "torchvision" in sys.modules:
        return
    try:
        importlib.import_module("torchvision")
        return
    except ModuleNotFoundError as error:
        raise MissingError("torchvision is not installed; pip install 'torchvision>=0.19,<0.29'") from error
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise MissingError(f"torchvision does not fit this torch ({error}); install both again together") from error
    for name in [name for name in sys.modules if name == "torchvision" or name.startswith("torchvision.")]:
        del sys.modules[name]
    import torch

    # The library object must outlive this call, or the declarations vanish with it.
    library: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for schema in _SCHEMAS:
        library.define(schema)
    _LIBRARY.append(library)
    importlib.import_module("torchvision")
