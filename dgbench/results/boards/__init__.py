"""Boards: which records are ranked in one table, at what places, and why others are not."""
