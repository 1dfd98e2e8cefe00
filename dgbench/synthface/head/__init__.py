"""The head model: its arrays, expressions, geometry and exact truth."""
