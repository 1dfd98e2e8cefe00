"""Scoring: one pass that decodes each image once, shows it to every judge and gives every metric its view."""
