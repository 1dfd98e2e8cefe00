"""Two scored runs on the same pairs."""
