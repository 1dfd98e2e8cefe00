"""The engine: plan, run, score, commit; suites, quickstart, doctor."""
