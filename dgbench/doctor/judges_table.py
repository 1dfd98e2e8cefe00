"""What ``dgbench doctor judges`` found, as Markdown, and its place in the documentation."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dgbench.core.errors import UsageError
from dgbench.doctor.judges import METRICS, RETRIEVAL
from dgbench.io.atomic import write_bytes, write_json

BEGIN, END = "<!-- doctor judges -->", "<!-- /doctor judges -->"
_TITLES = {
    "csim": "CSIM to source",
    "csim_target": "CSIM to target",
    "pose": "pose error",
    "landmark_nme": "NME",
    "expression": "expression",
    RETRIEVAL: "rank-1",
}


def markdown(found: Mapping[str, Any]) -> str:
    """Return three tables: agreement by metric, the methods' means side by side, verification by yaw."""
    sets = list(found["means"])
    lines = [
        f"`{found['protocol']}`, {found['pairs']} pairs ({found['pairs_near']} with both yaws within ±45°), "
        f"{len(found['methods'])} methods; the same images before each set.",
        "",
        "| metric | sets | images | Spearman, all | Spearman, ±45° | Spearman of methods, ±45° | Kendall of methods |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in found["agreement"]:
        numbers = " | ".join(_number(row[key]) for key in ("over_images", "over_near", "over_methods", "kendall"))
        title = _TITLES.get(row["metric"], row["metric"])
        lines.append(f"| {title} | {row['first']}, {row['second']} | {row['images']} | {numbers} |")
    shown = [metric for metric in (*METRICS, RETRIEVAL) if metric != "expression"]
    lines += [
        "",
        "Means within ±45°, each cell " + " / ".join(sets) + ":",
        "",
        "| method | " + " | ".join(_TITLES[metric] for metric in shown) + " |",
        "|---" * (len(shown) + 1) + "|",
    ]
    for method in found["methods"]:
        cells = [" / ".join(_number(found["means"][name][method][metric]) for name in sets) for metric in shown]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "Equal error rates of the identity network over the protocol's own images, %:",
        "",
        "| set | people | images | both within ±30° | 80° to 100° apart | all |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in found["verification"].items():
        rates = " | ".join(f"{row[key]:.1f}" if key in row else "–" for key in ("eer_near", "eer_apart", "eer_all"))
        lines.append(f"| {name} | {row['people']:.0f} | {row['images']:.0f} | {rates} |")
    return "\n".join(lines) + "\n"


def write_found(found: Mapping[str, Any], path: Path) -> None:
    """Write what was found as JSON, atomically; a value that does not exist is null."""
    write_json(path, plain(found))


def read_found(path: Path) -> dict[str, Any]:
    """Read it back; null becomes NaN.

    Raises:
        UsageError: not such a file.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        markdown(filled := _with_nan(found))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: not what `dgbench doctor judges` writes ({error})") from error
    return dict(filled)


def put_into(page: Path, found: Mapping[str, Any]) -> None:
    """Replace what stands between the markers of a page.

    Raises:
        UsageError: the page has not exactly one pair of markers.
    """
    text = page.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise UsageError(f"{page}: needs one line {BEGIN} and after it one line {END}")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    write_bytes(page, f"{before}{BEGIN}\n{markdown(found)}{END}{after}".encode())


def plain(value: Any) -> Any:
    """Return JSON's own types: numbers to six places, ``None`` for what is not a number."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


def _number(value: float) -> str:
    return "–" if not math.isfinite(value) else f"{value:.3f}" if abs(value) < 2 else f"{value:.1f}"


def _with_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_nan(item) for item in value]
    return math.nan if value is None else value
