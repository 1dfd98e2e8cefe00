"""Baselines without learning: the source's pixels moved by landmarks."""
