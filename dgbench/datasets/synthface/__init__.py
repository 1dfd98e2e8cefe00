"""datasets/synthface."""
