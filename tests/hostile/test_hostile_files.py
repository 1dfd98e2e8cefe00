"""Hostile images, archives, tables and names through the public door: one line or one counted failure each."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_frll import make_copy
from PIL import Image as Pillow

from dgbench.core.digests import sha256_bytes
from dgbench.core.errors import UsageError
from dgbench.io.archive import extract
from dgbench.io.video import VideoError, read_table
from dgbench.protocols.pairs_file import read_pairs
from dgbench.protocols.registry import load_protocol, protocols_root

Call = Callable[..., Any]  # the fixture `call`

# Images


def _png(width: int, height: int, *, rows: int = 0) -> bytes:
    """A PNG that claims any size; ``rows`` black rows of it are there, squeezed to almost nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    data = zlib.compress(bytes(rows * (1 + 3 * width)), 9)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _animated(kind: str) -> bytes:
    frames = [Pillow.fromarray(np.full((256, 256, 3), value, np.uint8)) for value in (0, 99, 200)]
    buffer = io.BytesIO()
    frames[0].save(buffer, format=kind, save_all=True, append_images=frames[1:])
    return buffer.getvalue()


IMAGES = {
    "bomb of 12,000 x 12,000": _png(12_000, 12_000, rows=12_000),
    "100,000 x 100,000 by its header": _png(100_000, 100_000),
    "no pixels": _png(0, 0),
    "cut off": _png(256, 256, rows=256)[:150],
    "animated WebP": _animated("WEBP"),
    "animated PNG": _animated("PNG"),
    "GIF under another name": _animated("GIF"),
    "drawing with a script": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "PostScript": b"%!PS-Adobe-3.0\n(/etc/passwd) (r) file\n",
    "empty": b"",
    "a page": b"<!doctype html><title>sign in</title>",
}


def test_hostile_images_are_counted_failures_with_their_reasons(call: Call, tmp_path: Path) -> None:
    data = make_copy(tmp_path / "frll", people=12)
    covered = [pair.pair_id for pair in load_protocol("frll-self@1").pairs()]
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    present = {path.name[:3] for path in (data / "neutral_front").iterdir()}
    ids = [pair_id for pair_id in covered if any(person in pair_id for person in present)][: len(IMAGES) + 1]
    assert len(ids) == len(IMAGES) + 1
    for pair_id, content in zip(ids[1:], IMAGES.values(), strict=True):
        (outputs / f"{pair_id}.png").write_bytes(content)
    Pillow.fromarray(np.full((256, 256, 3), 90, np.uint8)).save(outputs / f"{ids[0]}.png")
    (outputs / "..%2f..%2fetc.png").write_bytes(b"x")
    said = call(
        "score", "--protocol", "frll-self@1", "--data", data, "--outputs", outputs, "--method", "m", "--out",
        tmp_path / "run", "--json",
    )  # fmt: skip
    lines = [json.loads(line) for line in (tmp_path / "run/journal/1-of-1.jsonl").read_text().splitlines()]
    told = {line["pair_id"]: line for line in lines}
    assert told[ids[0]]["status"] == "ok"
    for pair_id, name in zip(ids[1:], IMAGES, strict=True):
        assert told[pair_id]["status"] == "failed" and told[pair_id]["kind"] == "unreadable", name
        assert pair_id in told[pair_id]["message"], name
    assert len(list((tmp_path / "run" / "images").iterdir())) == 1
    assert said.code in (0, 1)


@pytest.mark.parametrize("name", ["bomb of 12,000 x 12,000", "animated PNG", "drawing with a script"])
def test_a_hostile_photograph_in_a_data_set_costs_its_pairs_alone(call: Call, tmp_path: Path, name: str) -> None:
    data = make_copy(tmp_path / "frll", people=6)
    sorted((data / "neutral_front").iterdir())[0].write_bytes(IMAGES[name])
    run = ("run", "--protocol", "frll-self@1", "--data", data, "--method", "copy-source", "--out", tmp_path / "run")
    said = call(*run)
    assert said.code == 1 and "pairs failed" in said.line
    assert call(*run, "--max-failures", 2).code == 0


def test_a_playlist_under_a_clips_name_opens_nothing(tmp_path: Path) -> None:
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(b"\0")
    for text in (f"ffconcat version 1.0\nfile '{secret}'\n", f"#EXTM3U\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n"):
        clip = tmp_path / "clip.mp4"
        clip.write_text(text)
        with pytest.raises(VideoError) as caught:
            read_table(clip)
        assert "secret" not in str(caught.value)


# Archives


def _tar(path: Path, *members: tuple[str, bytes, bytes, str]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, kind, data, link in members:
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname = kind, len(data), link
            archive.addfile(info, io.BytesIO(data))
    return path


def test_archives_write_nothing_outside_and_leave_nothing_behind(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("mine")
    files = [
        _tar(tmp_path / "a.tar", ("x", tarfile.SYMTYPE, b"", str(outside)), ("x/in", tarfile.REGTYPE, b"1", "")),
        _tar(tmp_path / "b.tar", ("x", tarfile.LNKTYPE, b"", str(outside / "kept"))),
        _tar(tmp_path / "c.tar", ("pipe", tarfile.FIFOTYPE, b"", "")),
        _tar(tmp_path / "d.tar", ("disk", tarfile.BLKTYPE, b"", "")),
        _tar(tmp_path / "e.tar", (f"../{outside.name}/kept", tarfile.REGTYPE, b"theirs", "")),
        _tar(tmp_path / "f.tar", (str(outside / "kept"), tarfile.REGTYPE, b"theirs", "")),
    ]
    bomb = tmp_path / "g.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(4 << 20))
    small = bytearray(bomb.read_bytes())
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):  # headers that promise ten bytes
        at = small.index(mark) + (22 if mark.endswith(b"\x04") else 24)
        small[at : at + 4] = struct.pack("<I", 10)
    (tmp_path / "h.zip").write_bytes(bytes(small))
    files += [bomb, tmp_path / "h.zip"]
    before = sorted(path.name for path in tmp_path.iterdir())
    for file in files:
        with pytest.raises(UsageError) as caught:
            extract(file, tmp_path / "out", max_bytes=1 << 20)
        assert "\n" not in str(caught.value) and str(file) in str(caught.value)
        assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert [path.read_text() for path in outside.iterdir()] == ["mine"]


# Tables and names


@pytest.mark.parametrize(
    "name", ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2", "\t=1", "../../up", "a/b", "a\nb", ""]
)
def test_names_that_a_spreadsheet_or_a_path_would_act_on(call: Call, tmp_path: Path, name: str) -> None:
    data = make_copy(tmp_path / "frll", people=3)
    (tmp_path / "outputs").mkdir()
    score = ("score", "--protocol", "frll-self@1", "--data", data, "--outputs", tmp_path / "outputs", "--out",
             tmp_path / "run")  # fmt: skip
    said = call(*score, f"--method={name}")
    assert said.code == 2
    assert call(*score, "--method", "m", f"--trained-on={name}").code == 2
    assert not (tmp_path / "run").exists()


def test_a_run_file_that_names_another_place_is_damaged(call: Call, tmp_path: Path) -> None:
    data = make_copy(tmp_path / "frll", people=3)
    run = tmp_path / "deep" / "run"
    assert call("run", "--protocol", "frll-self@1", "--data", data, "--method", "target", "--out", run).code == 0
    plan = json.loads((run / "run.json").read_text())
    for name in ("../../../up", "=cmd", "/etc"):
        (run / "run.json").write_text(json.dumps(plan | {"method": name}))
        said = call("score", run, "--results", tmp_path / "results")
        assert said.code == 2 and "run.json: damaged" in said.line
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    "pair_id", ["../../up", "/etc/passwd", "a/b", "..", ".hidden", "a\\b", "a\0b", "-rf", "x" * 300]
)
def test_pair_ids_are_no_paths(tmp_path: Path, pair_id: str) -> None:
    """A released list cannot be edited; a list that somebody is about to release is held against the same rule."""
    released = protocols_root() / "frll-self" / "v1" / "pairs.csv.gz"
    rows = gzip.decompress(released.read_bytes()).decode().split("\n")
    rows[1] = f"{pair_id},{rows[1].split(',', 1)[1]}"
    content = "\n".join(rows).encode()
    file = tmp_path / "pairs.csv.gz"
    file.write_bytes(gzip.compress(content))
    with pytest.raises(UsageError, match="not a pair list"):
        read_pairs(file, sha256=sha256_bytes(content))


def test_a_journal_that_names_paths_reaches_nothing(call: Call, tmp_path: Path) -> None:
    data = make_copy(tmp_path / "frll", people=3)
    run = tmp_path / "run"
    assert call("run", "--protocol", "frll-self@1", "--data", data, "--method", "target", "--out", run).code == 0
    with (run / "journal" / "1-of-1.jsonl").open("a") as journal:
        journal.write(json.dumps({"pair_id": "../../../etc/passwd", "status": "ok", "sha256": "0" * 64}) + "\n")
    assert call("score", run).code == 0
    table = (run / "scores" / "embedded" / "record.json").read_text()
    assert "passwd" not in table


ENCODINGS = {
    "UTF-16": "method,ssim\nours,0.5\n".encode("utf-16"),
    "Latin-1": "method,ssim\nL\xf6we,0.5\n".encode("latin-1"),
    "zeros": b"method,ssim\0\nours,0.5\n",
    "one endless cell": b"method,ssim\n" + b"x" * 200_000 + b",1\n",
    "no table": b"\x89PNG\r\n\x1a\n",
}


@pytest.mark.parametrize("kind", ENCODINGS)
def test_tables_in_odd_encodings(call: Call, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "numbers.csv"
    path.write_bytes(ENCODINGS[kind])
    said = call("audit", "--table", path)
    assert said.code == 2 and "numbers.csv" in said.line


def test_formula_cells_are_text_like_any_other(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "numbers.csv"
    path.write_text("method,ssim,fid\n=cmd|' /C calc'!A0,1.7,=1+1\n", encoding="utf-8-sig")
    said = call("audit", "--table", path)
    assert said.code == 1 and "'=1+1' is no plain number" in said.out


def test_records_that_a_spreadsheet_would_act_on_build_no_table(call: Call, tmp_path: Path) -> None:
    from fabricated_records import write_run

    folder = write_run(tmp_path / "results", "honest", 0.5)
    file = folder / "record.json"
    record = json.loads(file.read_text())
    for change in ({"name": "=1+1"}, {"name": "../../x"}, {"training_data": ["=1+1"]}):
        file.write_text(json.dumps(record | {"method": record["method"] | change}))
        said = call("leaderboard", "build", tmp_path / "results")
        assert said.code == 2 and "record.json" in said.line
    assert not (tmp_path / "results" / "leaderboards").exists()


def test_a_worker_reply_may_not_say_where_its_image_is() -> None:
    from dgbench.methods.worker_protocol import ProtocolError, parse

    honest = {"op": "done", "id": "p", "ok": True, "height": 256, "width": 256}
    assert parse(json.dumps(honest).encode())
    for extra in ({"path": "/etc/passwd"}, {"out": "../../x"}, {"op": "exec"}, {"height": "1; rm -rf /"}):
        with pytest.raises(ProtocolError):
            parse(json.dumps(honest | extra).encode())
