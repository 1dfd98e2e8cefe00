"""A training configuration from a preset and a YAML file that says what differs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dgbench.core.errors import UsageError, did_you_mean
from dgbench.io.yaml_file import read_yaml
from dgbench.training.dg.config import PRESETS, TrainConfig


def load_config(preset: str, path: Path | None = None) -> TrainConfig:
    """Return the preset, changed by the file where one is given (mappings are merged, lists replaced).

    Raises:
        UsageError: no such preset, or the file is not YAML, or names an unknown or impossible setting.
    """
    if preset not in PRESETS:
        known = sorted(PRESETS)
        raise UsageError(f"--preset {preset}: the presets are {', '.join(known)}.{did_you_mean(preset, known)}")
    base = PRESETS[preset]()
    if path is None:
        return base
    changes = read_yaml(path, what="a YAML configuration") or {}
    if not isinstance(changes, dict):
        raise UsageError(f"{path}: a configuration is a mapping of settings, not {type(changes).__name__}")
    try:
        return TrainConfig.model_validate(_merged(base.model_dump(mode="json"), changes))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UsageError(f"{path}: {where}: {first['msg']}") from error


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in changes.items():
        old = result.get(key)
        result[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result
