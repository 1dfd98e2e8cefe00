"""``dgbench protocols …``: one file per verb."""
