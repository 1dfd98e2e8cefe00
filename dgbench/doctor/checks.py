"""What ``dgbench doctor`` looks at, from packages to golden vectors; each check says ok, missing or broken."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dgbench.core.errors import DgbenchError
from dgbench.doctor.golden import differing, golden_values, shipped_values
from dgbench.io.atomic import write_bytes
from dgbench.io.cache import cache_folder
from dgbench.io.locks import BusyError, folder_lock
from dgbench.io.provenance import code_version, environment
from dgbench.io.weights import known_weights, weight_status

Verdict = Literal["ok", "missing", "broken"]
#: Packages that one part alone needs.
_OPTIONAL = {"ray": "for `dgbench suite --cluster`: pip install 'dgbench[cluster]'"}


@dataclass(frozen=True)
class Check:
    """One finding. ``missing`` things are needed by some work only; ``broken`` ones must be mended."""

    name: str
    verdict: Verdict
    detail: str


def run_checks(*, weights: Path | None, results: Path | None) -> list[Check]:
    """Run every check; none raises."""
    found = [_code(), *_packages(), _devices(), *_judges(weights), *_weights(weights)]
    found += [_disk("cache folder", cache_folder()), _disk("results folder", results or Path("results"))]
    return [*found, _video(), *_golden(), _protocols(), _head()]


def _code() -> Check:
    code = code_version()
    commit = f", commit {code.commit[:12]}{' (changed)' if code.dirty else ''}" if code.commit else ""
    return Check("dgbench", "ok", f"{code.version}{commit}")


def _packages() -> list[Check]:
    about = environment()
    rows = [Check("python", "ok", f"{about['python']} on {about['system']} {about['machine']}")]
    for name, version in about["packages"].items():
        rows.append(Check(name, "ok" if version else "broken", version or "not installed; pip install dgbench again"))
    for name, use in _OPTIONAL.items():
        found = importlib.util.find_spec(name) is not None
        version = importlib.metadata.version(name) if found else f"not installed; {use}"
        rows.append(Check(name, "ok" if found else "missing", version))
    return rows


def _devices() -> Check:
    import torch

    found = [f"cpu ({os.cpu_count()} cores, {torch.get_num_threads()} threads)"]
    for number in range(torch.cuda.device_count()):
        card = torch.cuda.get_device_properties(number)
        found.append(f"cuda:{number} {card.name} ({card.total_memory / (1 << 30):.0f} GB)")
    try:
        # A driver that does not fit shows itself only when something is computed.
        for number in range(torch.cuda.device_count()):
            torch.ones(8, device=f"cuda:{number}").sum().item()
    except RuntimeError as error:
        return Check(
            "devices", "broken", f"{', '.join(found)}; a sum on cuda fails: {' '.join(str(error).split())[:160]}"
        )
    return Check("devices", "ok", ", ".join(found))


def _judges(weights: Path | None) -> list[Check]:
    """Load each judge set and let it look at a face-less image: that proves files, packages and shapes at once.

    A set whose files are not all here is not loaded, since some of them would be downloaded for it.
    """
    import numpy as np

    from dgbench.core.card import JUDGE_SETS
    from dgbench.networks.judges import load_judges

    grey = np.full((256, 256, 3), 128, np.uint8)
    rows = []
    for name in JUDGE_SETS:
        files = [row.name for row in known_weights() if name in row.sets]
        lacking = [file for file in files if weight_status(file, folder=weights)["state"] == "missing"]
        if lacking:
            rows.append(Check(f"judges {name}", "missing", f"{len(lacking)} of {len(files)} files are not here"))
            continue
        try:
            seen = load_judges(name, weights=weights).observe([grey])[0]
        except DgbenchError as error:
            rows.append(Check(f"judges {name}", "missing" if error.exit_code == 3 else "broken", str(error)))
        else:
            verdict: Verdict = "broken" if seen.detected else "ok"
            rows.append(Check(f"judges {name}", verdict, "sees a face in a grey image" if seen.detected else "ready"))
    return rows


def _weights(weights: Path | None) -> list[Check]:
    rows = []
    verdicts: dict[str, Verdict] = {"here": "ok", "missing": "missing", "other": "broken"}
    for row in known_weights():
        status = weight_status(row.name, folder=weights)
        detail = str(status["path"]) or f"for the {', '.join(row.sets)} judges; from {row.url}"
        if status["state"] == "other":
            detail += " has another content than the known file"
        rows.append(Check(f"weights {row.name}", verdicts[str(status["state"])], detail))
    return rows


def _disk(name: str, folder: Path) -> Check:
    """Write, rename, lock and remove in the folder (or in the nearest one above it that exists)."""
    place = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.is_dir())
    try:
        with tempfile.TemporaryDirectory(dir=place, prefix=".dgbench-doctor-") as scratch:
            write_bytes(Path(scratch) / "file", b"x")
            write_bytes(Path(scratch) / "file", b"y")
            with folder_lock(Path(scratch), purpose="doctor"):
                if not _another_is_refused(Path(scratch)):
                    return Check(
                        name, "broken", f"{folder}: a lock held here keeps nobody out; use another file system"
                    )
    except (DgbenchError, OSError) as error:
        return Check(name, "broken", f"{folder}: {error}")
    free = shutil.disk_usage(place).free / (1 << 30)
    return Check(name, "ok", f"{folder}: write, rename and lock work, {free:.1f} GB free")


def _another_is_refused(folder: Path) -> bool:
    """Whether a second owner, who opens the file anew, is kept out while this process holds the lock."""
    try:
        with folder_lock(folder, purpose="doctor, again"):
            return False
    except BusyError:
        return True


def _golden() -> list[Check]:
    """Compute every metric on formulas and compare with the values that ship."""
    try:
        shipped = shipped_values()
        wrong = differing(golden_values(), shipped)
    except Exception as error:  # noqa: BLE001 - as in _attempt
        return [Check("golden vectors", "broken", f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")]
    if wrong:
        return [Check("golden vectors", "broken", text) for text in wrong]
    return [Check("golden vectors", "ok", f"all {len(shipped)} metrics give their values: {', '.join(shipped)}")]


def _video() -> Check:
    """Encode eight frames and decode them again."""
    return _attempt("video", _video_round_trip)


def _video_round_trip() -> str:
    import io

    import av
    import numpy as np

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for value in range(8):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), value * 30, np.uint8), format="rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    buffer.seek(0)
    with av.open(buffer) as clip:
        count = sum(1 for _ in clip.decode(video=0))
    if count != 8:
        raise DgbenchError(f"8 frames were encoded and {count} decoded")
    return "H.264 encode and decode work"


def _protocols() -> Check:
    def load() -> str:
        from dgbench.protocols.registry import list_protocols

        loaded = list_protocols()
        for each in loaded:
            if each.protocol.pairs == "frozen":
                each.pairs()
        return f"{len(loaded)} released, every frozen pair list matches its digest"

    return _attempt("protocols", load)


def _head() -> Check:
    def load() -> str:
        from dgbench.synthface.head.load import load_head

        load_head(None)
        return "ready: SynthFace can be rendered"

    return _attempt("head model", load)


def _attempt(name: str, work: Callable[[], str]) -> Check:
    try:
        return Check(name, "ok", work())
    except DgbenchError as error:
        return Check(name, "missing" if error.exit_code == 3 else "broken", str(error))
    except Exception as error:  # noqa: BLE001 - a doctor reports whatever is wrong instead of failing of it
        return Check(name, "broken", f"{type(error).__name__}: {error}")
