"""Metrics of clips: what is measured over time."""
