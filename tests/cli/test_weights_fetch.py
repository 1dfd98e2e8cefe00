"""``dgbench weights fetch`` against a server of this test's own: whole, cut, wrong, gone, and licences."""

from __future__ import annotations

import hashlib
import http.server
import io
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from dgbench.cli.weights import fetch
from dgbench.core.errors import MissingError, UsageError
from dgbench.io import weights
from dgbench.io.weights import KnownWeight

DATA = bytes(range(256)) * 1000


def archive() -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as bundle:
        bundle.writestr("buffalo_l/det.onnx", DATA)
    return memory.getvalue()


FILES = {"/up/first-name.onnx": DATA, "/up/bundle.zip": archive(), "/up/changed.onnx": b"other"}


class Server(http.server.BaseHTTPRequestHandler):
    cut = False
    asked: list[tuple[str, str | None]] = []  # noqa: RUF012

    def do_GET(self) -> None:
        span = self.headers.get("Range")
        self.asked.append((self.path, span))
        body = FILES[self.path][int(span[6:-1]) if span else 0 :]
        self.send_response(206 if span else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.cut else body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.delenv("DGBENCH_OFFLINE")  # the only server asked here is this test's own
    monkeypatch.setenv("HOME", str(tmp_path))
    Server.cut, Server.asked = False, []
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{httpd.server_port}/up"

    def row(name: str, url: str, *, data: bytes = DATA, packed: bytes = b"", free: bool = True) -> KnownWeight:
        digests = [hashlib.sha256(content).hexdigest() if content else "" for content in (data, packed)]
        return KnownWeight(name, ("open",) if free else ("standard",), "x", digests[0], "MIT" if free else "research "
                           "only", f"{base}/{url}", digests[1], free=free)  # fmt: skip

    rows = (
        row("judge/second-name.onnx", "first-name.onnx"),
        row("buffalo_l/det.onnx", "bundle.zip", packed=FILES["/up/bundle.zip"], free=False),
        row("changed.onnx", "changed.onnx"),
    )
    monkeypatch.setattr(weights, "known_weights", lambda: rows)
    yield base
    httpd.shutdown()
    httpd.server_close()


def call(*what: str, to: Path, accept: bool = False) -> None:
    fetch(list(what), to=to, accept=accept, as_json=False)


def test_a_file_comes_once_under_the_name_that_judges_expect(server, tmp_path, capsys):
    to = tmp_path / "nets"
    call("second-name.onnx", to=to)
    assert (to / "judge" / "second-name.onnx").read_bytes() == DATA
    out = capsys.readouterr()
    assert out.err == "licence of judge/second-name.onnx: MIT\n"
    assert out.out == f"fetched  judge/second-name.onnx: {to}/judge/second-name.onnx\n"
    call("second-name.onnx", to=to)
    assert capsys.readouterr().out.startswith("here     judge/second-name.onnx")
    assert len(Server.asked) == 1


def test_a_cut_transfer_is_taken_up_by_the_same_command(server, tmp_path):
    Server.cut = True
    with pytest.raises(MissingError, match=r"not reached .*; call again to resume") as caught:
        call("second-name.onnx", to=tmp_path / "nets")
    assert caught.value.exit_code == 3
    assert not (tmp_path / "nets" / "judge" / "second-name.onnx").exists()
    Server.cut = False
    call("second-name.onnx", to=tmp_path / "nets")
    assert (tmp_path / "nets" / "judge" / "second-name.onnx").read_bytes() == DATA
    assert Server.asked[-1] == ("/up/first-name.onnx", f"bytes={len(DATA) // 2}-")


def test_a_wrong_digest_leaves_nothing_behind(server, tmp_path):
    with pytest.raises(UsageError, match=r"changed\.onnx: gave a file of sha256 .* is expected") as caught:
        call("changed.onnx", to=tmp_path / "nets")
    assert "\n" not in str(caught.value)
    assert [path.name for path in (tmp_path / "nets").iterdir() if not path.name.startswith(".")] == []


def test_a_licence_that_forbids_uses_is_asked_for(server, tmp_path, monkeypatch, capsys):
    to = tmp_path / "nets"
    with pytest.raises(UsageError, match=r"det\.onnx: research only; read the licence and pass --accept-licence"):
        call("standard", to=to)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: False)
    with pytest.raises(UsageError, match="not accepted"):
        call("standard", to=to)
    assert Server.asked == []
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: True)
    call("standard", to=to)
    assert (to / "buffalo_l" / "det.onnx").read_bytes() == DATA
    assert not (to / "bundle.zip").exists()
    assert "research only" in capsys.readouterr().err


def test_no_network_is_one_line_and_exit_3(server, tmp_path, monkeypatch):
    row = weights.known_weights()[0]
    gone = KnownWeight(row.name, row.sets, row.role, row.sha256, row.licence, "http://127.0.0.1:9/x")
    monkeypatch.setattr(weights, "known_weights", lambda: (gone,))
    with pytest.raises(MissingError, match=r"http://127.0.0.1:9/x: not reached \(.*refused\)") as caught:
        call("open", to=tmp_path / "nets")
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)
