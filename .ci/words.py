"""Fail on phrases that plain technical English does without, in documentation, help texts and docstrings."""

from __future__ import annotations

import re
import sys
from pathlib import Path

BANNED = {
    r"\b(is|are|was|were) (said|told|asked) of\b": "name the subject: 'X says …', 'X reports …'",
    r"\bstands? twice\b": "'is repeated'",
    r"\basks nobody\b": "'needs no network', 'reads the cache'",
    r"\bof nobody\b": "say whose",
    r"\bpool's affair\b": "say what the pool does",
    r"\blets? be\b": "'leaves unchanged'",
    r"\bcanar(y|ies)\b": "'sanity baseline(s)'",
}
#: Where this project's own words stand; changelog, decisions, records and released protocols keep the past's.
PLACES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/**/*.md", "dgbench/**/*.py", "dgbench/**/*.html",
          "baselines/**/*.md", "baselines/**/*.py", "suites/**/*.yaml", "tests/**/*.py")  # fmt: skip
EXEMPT = ("docs/decisions.md",)


def main() -> int:
    """Print every hit with its place and a better word; return 1 where there is one."""
    hits = 0
    for path in sorted({path for place in PLACES for path in Path().glob(place)}):
        if path.as_posix() in EXEMPT:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for phrase, better in BANNED.items():
                if re.search(phrase, line, re.IGNORECASE):
                    hits += 1
                    print(f"{path}:{number}: {line.strip()[:100]}\n    write {better}")
    return 1 if hits else 0


if __name__ == "__main__":
    sys.exit(main())
