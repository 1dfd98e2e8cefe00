"""Trainable reenactment models of the project."""
