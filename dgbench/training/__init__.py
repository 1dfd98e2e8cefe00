"""Training: the Dual-Generator's two stages, and the embedded judge networks."""
