"""Scoring a run into a record."""
