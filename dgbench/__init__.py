"""dgbench: protocol-driven benchmark suite for face reenactment."""

from __future__ import annotations

__version__ = "0.1.0"
