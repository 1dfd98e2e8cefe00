"""Frozen networks that measure, by role (detector, landmarks, identity, pose, features), in three sets."""
