"""models/dg."""
