"""Training of the embedded judges."""
