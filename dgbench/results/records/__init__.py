"""The record store: reading, writing, schema, and which record replaces which."""
