"""Frozen types, digests and errors: the vocabulary every other part shares. Imports no torch."""
