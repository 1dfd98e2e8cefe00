"""``dgbench data …``: one file per verb."""
