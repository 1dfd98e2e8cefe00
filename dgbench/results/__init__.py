"""The record store, leaderboards and comparisons; data in, tables out, no torch."""
