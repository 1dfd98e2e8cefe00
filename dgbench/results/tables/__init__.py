"""A board as CSV, Markdown and marked blocks in other pages."""
