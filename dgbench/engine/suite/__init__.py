"""Suites: many methods and protocols, on one machine or on a cluster."""
