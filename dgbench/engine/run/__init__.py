"""A run: its plan, its tasks, the method's answers, and one journal line per pair."""
