"""Downloads by pooch: resumed where they stopped, checked by sha256, and never a web page in place of a file."""

from __future__ import annotations

import os
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
        # Both take a while to import, and most commands download nothing.
        import pooch
        from requests.exceptions import HTTPError
        from urllib3.exceptions import HTTPError as BrokenConnection

        path.unlink(missing_ok=True)  # of another content, or damaged
        pooch.get_logger().setLevel("WARNING")
        whole = f"sha256:{sha256}" if len(sha256) == 64 else None
        resuming = _Resuming(path.with_name(f"{path.name}.part"), sha256, by_hand, progress)
        try:
            pooch.retrieve(url, known_hash=whole, fname=path.name, path=path.parent, downloader=resuming)
        except HTTPError as error:
            raise MissingError(f"{url}: the server says {str(error).split(' for url')[0]}; {by_hand}") from error
        except (OSError, BrokenConnection) as error:  # every error of requests is an OSError
            raise MissingError(f"{url}: not reached ({_cause(error)}); call again to resume, or {by_hand}") from error
    return path


class _Resuming:
    """What pooch calls to download: goes on from a part that an earlier call left behind."""

    def __init__(self, part: Path, sha256: str, by_hand: str, progress: Progress | None) -> None:
        self._part, self._sha256, self._by_hand, self._progress = part, sha256, by_hand, progress

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        self._receive(url)
        found = sha256_file(self._part)
        if not found.startswith(self._sha256):
            kind = "a web page" if _is_web_page(self._part) else f"a file of sha256 {found[:16]}…"
            self._part.unlink()
            raise UsageError(f"{url}: gave {kind} where sha256 {self._sha256[:16]}… is expected; {self._by_hand}")
        self._part.replace(output_file)

    def _receive(self, url: str) -> None:
        import requests

        have = self._part.stat().st_size if self._part.exists() else 0
        # Bytes as they lie on the server: a server that packs them on the way would break sizes and ranges.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as response:
            if have and response.status_code == requests.codes.requested_range_not_satisfiable:
                return  # all of it is here already, or more than all: the digest will tell
            response.raise_for_status()
            resumed = response.status_code == requests.codes.partial_content
            done = have if resumed else 0
            length = int(response.headers.get("Content-Length") or 0)
            total = done + length if length else 0
            with self._part.open("ab" if resumed else "wb") as handle:
                # Not iter_content, which loses what has come of a chunk when the connection breaks.
                while chunk := response.raw.read1(_CHUNK, decode_content=False):
                    handle.write(chunk)
                    done += len(chunk)
                    if self._progress is not None:
                        self._progress(done, total)


def _cause(error: BaseException) -> str:
    """Return the innermost reason in one line: what requests raises is wrapped several times."""
    reason = error
    while (inner := reason.__cause__ or getattr(reason, "reason", None) or reason.__context__) and isinstance(
        inner, BaseException
    ):
        reason = inner
    return " ".join(str(reason).split())[:160]


def _is_web_page(path: Path) -> bool:
    with path.open("rb") as handle:
        start = handle.read(512).lstrip().lower()
    return start.startswith((b"<!doctype html", b"<html", b"<?xml", b"<head"))
