from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from dgbench.core.errors import MissingError, UsageError
from dgbench.io.download import fetch

DATA = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(autouse=True)
def _online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DGBENCH_OFFLINE")  # the only server asked here is this test's own


class _Server(BaseHTTPRequestHandler):
    asked: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        span = self.headers.get("Range")
        self.asked.append(span)
        if self.path == "/page":
            return self._send(200, b"<!DOCTYPE html><html>please log in</html>")
        if self.path == "/gone":
            return self.send_error(404)
        start = int(span.removeprefix("bytes=").rstrip("-")) if span and self.path != "/no-ranges" else 0
        if start >= len(DATA):
            return self.send_error(416)
        body = DATA[start:]
        if self.path == "/breaks" and not span:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 3])
            return None
        return self._send(206 if start else 200, body)

    def _send(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    _Server.asked.clear()
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_address[1]}"
    httpd.shutdown()
    httpd.server_close()


def test_a_file_comes_whole_and_once(server: str, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = fetch(f"{server}/file", tmp_path / "a" / "x.bin", sha256=SHA256, progress=lambda *s: seen.append(s))
    assert path.read_bytes() == DATA and seen[-1] == (len(DATA), len(DATA))
    fetch(f"{server}/file", path, sha256=SHA256)
    assert len(_Server.asked) == 1
    assert not (tmp_path / "a" / "x.bin.part").exists()


def test_a_broken_download_goes_on_where_it_stopped(server: str, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="call again to resume"):
        fetch(f"{server}/breaks", tmp_path / "x.bin", sha256=SHA256)
    assert not (tmp_path / "x.bin").exists()
    have = (tmp_path / "x.bin.part").stat().st_size
    assert fetch(f"{server}/breaks", tmp_path / "x.bin", sha256=SHA256).read_bytes() == DATA
    assert _Server.asked[-1] == f"bytes={have}-" and have > 0


@pytest.mark.parametrize("path", ["/file", "/no-ranges"])
def test_a_part_that_is_wrong_or_a_server_without_ranges(server: str, tmp_path: Path, path: str) -> None:
    (tmp_path / "x.bin.part").write_bytes(DATA[:1000])
    assert fetch(server + path, tmp_path / "x.bin", sha256=SHA256[:10]).read_bytes() == DATA
    (tmp_path / "y.bin.part").write_bytes(b"?" * (len(DATA) + 5))
    if path == "/file":
        with pytest.raises(UsageError, match="is expected"):
            fetch(server + path, tmp_path / "y.bin", sha256=SHA256)
        assert not (tmp_path / "y.bin.part").exists()


def test_a_web_page_is_no_weight_file(server: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="gave a web page"):
        fetch(f"{server}/page", tmp_path / "x.bin", sha256=SHA256)
    assert not (tmp_path / "x.bin").exists()


def test_refusals_say_what_to_do_by_hand(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingError, match=r"404 .*put it at"):
        fetch(f"{server}/gone", tmp_path / "x.bin", sha256=SHA256)
    with pytest.raises(UsageError, match="only http"):
        fetch("file:///etc/passwd", tmp_path / "x.bin", sha256=SHA256)
    with pytest.raises(MissingError, match="not reached"):
        fetch("http://127.0.0.1:9/x", tmp_path / "x.bin", sha256=SHA256)
    monkeypatch.setenv("DGBENCH_OFFLINE", "1")
    with pytest.raises(MissingError, match="DGBENCH_OFFLINE is set"):
        fetch(f"{server}/file", tmp_path / "x.bin", sha256=SHA256)
