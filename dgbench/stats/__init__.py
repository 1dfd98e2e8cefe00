"""Statistics over people: clustered intervals, paired tests, rank ranges, power; numpy alone."""
