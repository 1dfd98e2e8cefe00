"""The same module name as in the other toy checkout, with another content."""

BRIGHTNESS = 60
