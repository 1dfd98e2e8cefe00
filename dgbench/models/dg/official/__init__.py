"""The released checkpoints of the DG authors: their names, shapes and conversion."""
