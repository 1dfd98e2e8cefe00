"""Readers: from a user's copy of a data set to the one manifest schema; SynthFace, our own rendered world."""
