"""``python -m dgbench``: the command line where the script is not on PATH."""

from __future__ import annotations

from dgbench.cli.app import script

if __name__ == "__main__":
    script()
