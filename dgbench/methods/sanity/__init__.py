"""Sanity baselines: methods whose place in every table is known beforehand, so that a metric that lies is seen."""
