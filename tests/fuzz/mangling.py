"""Makes hostile bytes of sound ones: cut, doubled, overwritten, with words put in that parsers trip over."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

#: Words that have broken parsers before, here or elsewhere.
_WORDS = [
    b"\0", b"\n", b"\r\n", b'"', b"'", b",", b"\t", b":", b"=1+1", b"=cmd|' /C calc'!A0", b"@SUM(1)", b"+1", b"-1",
    b"-0",
    b"1e999", b"-1e999", b"NaN", b"nan", b"Infinity", b"9" * 30, b"9" * 5000, b"0x10", b"1_0", b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xc3\x28", b"\xed\xa0\x80", "\u202e\u2028ſ١".encode(), b"../../../etc/passwd", b"/etc/passwd", b"C:\\x",
    b"{", b"}",
    b"[" * 200, b"[" * 30_000, b'{"a":' * 30_000, b"]", b"null", b"true",
    b"!!python/object/apply:os.system ['true']", b"&a [*a, *a]", b"<<: *a",
    b"---\n", b"? ",
    b"2001-99-99", b"%", b"\x89PNG\r\n\x1a\n", b"II*\0", b"GIF89a", b"PK\x03\x04", b"\x1f\x8b\x08",
    b"\x80\x04\x95", b"IHDR",
]  # fmt: skip
_VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 1.5, 1e308, 10**30, "", "x", "=1+1", "../x", "\u0000", "9" * 400, [], {}, [[]], [None],
    {"": ""}, {"x": {"x": []}}, "\ud800",
]  # fmt: skip


@st.composite
def mangled(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """Bytes near one of ``seeds``, or, once in a while, bytes of no kind at all."""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(st.binary(max_size=400))
    data = draw(st.sampled_from(list(seeds)))
    if kind <= 4 and data[:1] in (b"{", b"["):
        return _mangled_json(draw, data)
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 0, 1, 1, 2, 4, 16, 256])))
        new = draw(st.sampled_from(_WORDS) | st.binary(max_size=8) | st.just(data[start:end] * 2) | st.just(b""))
        data = data[:start] + new + (b"" if draw(st.integers(0, 19)) == 0 else data[end:])
    return data


def _mangled_json(draw: st.DrawFn, data: bytes) -> bytes:
    """Change one to three values inside a JSON document and keep it JSON."""
    value = json.loads(data.splitlines()[0] if b"}\n{" in data else data)
    for _ in range(draw(st.integers(1, 3))):
        place, key = value, None
        while isinstance(place, dict | list) and place:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = draw(st.sampled_from(keys))
            inner = place[key]
            if not isinstance(inner, dict | list) or not inner or draw(st.booleans()):
                break
            place = inner
        if key is None or not isinstance(place, dict | list):
            continue
        action = draw(st.integers(0, 5))
        if action == 0:
            del place[key]
        elif action == 1 and isinstance(place, dict):
            place[draw(st.sampled_from(["extra", "", "__class__", "id"]))] = deepcopy(draw(st.sampled_from(_VALUES)))
        else:
            place[key] = deepcopy(draw(st.sampled_from(_VALUES)))
    return json.dumps(value).encode()
