"""Everything that touches the disk: atomic writes, locks, image decode, archives, weights, video."""
