"""Metrics, one file each with its card, and the one pass that computes them all."""
