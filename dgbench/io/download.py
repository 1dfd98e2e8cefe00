"""Verified downloads: resumed where they stopped, checked by sha256, and never a web page in place of a file."""

from __future__ import annotations

import http
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dgbench.core.digests import sha256_file
from dgbench.core.errors import MissingError, UsageError
from dgbench.io.locks import folder_lock

_CHUNK = 1 << 20
_TIMEOUT_S = 30
#: How long to wait for another process that downloads into the same folder.
_WAIT_S = 3600.0
#: Set to anything to forbid every download.
OFFLINE = "DGBENCH_OFFLINE"
Progress = Callable[[int, int], None]


def fetch(url: str, path: Path, *, sha256: str, progress: Progress | None = None) -> Path:
    """Download ``url`` to ``path`` unless a file of that content is there already.

    What has come stays beside it as ``<name>.part`` when the connection breaks, and the next call asks the server
    for the rest. The file takes its name only when its digest is right.

    Args:
        url: http or https address of the file itself.
        path: where it goes.
        sha256: the digest, or the prefix of it that is known.
        progress: called with (bytes so far, bytes in all or 0).

    Raises:
        MissingError: no network, or the server refuses; says what to do by hand.
        UsageError: what came is a web page or has another digest; it is deleted.
    """
    if not url.startswith(("https://", "http://")):
        raise UsageError(f"{url}: only http and https addresses can be downloaded")
    with folder_lock(path.parent, purpose=f"download {path.name}", timeout_s=_WAIT_S):
        if path.is_file() and sha256_file(path).startswith(sha256):
            return path
        by_hand = f"download {url} elsewhere and put it at {path}"
        if os.environ.get(OFFLINE):
            raise MissingError(f"{path.name} is not here and {OFFLINE} is set; unset it, or {by_hand}")
        part = path.with_name(f"{path.name}.part")
        try:
            _receive(url, part, progress)
        except urllib.error.HTTPError as error:
            raise MissingError(f"{url}: the server says {error.code} {error.reason}; {by_hand}") from error
        except (OSError, http.client.HTTPException) as error:
            raise MissingError(f"{url}: not reached ({error}); call again to resume, or {by_hand}") from error
        found = sha256_file(part)
        if not found.startswith(sha256):
            kind = "a web page" if _is_web_page(part) else f"a file of sha256 {found[:16]}…"
            part.unlink()
            raise UsageError(f"{url}: gave {kind} where sha256 {sha256[:16]}… is expected; {by_hand}")
        part.replace(path)
    return path


def _receive(url: str, part: Path, progress: Progress | None) -> None:
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310 checked
    try:
        response: Any = urllib.request.urlopen(request, timeout=_TIMEOUT_S)  # noqa: S310 checked by the caller
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not have:
            raise
        # All of it is here already, or more than all: the digest will tell.
        return
    with response:
        resumed = response.status == http.HTTPStatus.PARTIAL_CONTENT
        length = int(response.headers.get("Content-Length") or 0)
        done = have if resumed else 0
        total = done + length if length else 0
        with part.open("ab" if resumed else "wb") as handle:
            while chunk := response.read(_CHUNK):
                handle.write(chunk)
                done += len(chunk)
                if progress is not None:
                    progress(done, total)
        if total and done < total:
            raise ConnectionError(f"the connection ended after {done} of {total} bytes")


def _is_web_page(path: Path) -> bool:
    with path.open("rb") as handle:
        start = handle.read(512).lstrip().lower()
    return start.startswith((b"<!doctype html", b"<html", b"<?xml", b"<head"))
