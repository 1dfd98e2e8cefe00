"""Protocols as data: released folders, pair lists, samplers, coverage."""
