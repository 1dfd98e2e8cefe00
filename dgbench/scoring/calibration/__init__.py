"""Calibration: how each metric answers to known doses of identity, pose, expression, light, and damage."""
