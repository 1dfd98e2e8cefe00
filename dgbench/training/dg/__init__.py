"""Training of the Dual-Generator."""
