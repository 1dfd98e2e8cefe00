"""The budget: what may be written, and how it decides epochs."""

from __future__ import annotations

import pytest

from dgbench.core.errors import UsageError
from dgbench.training.baselines.budget import TrainingBudget


@pytest.mark.parametrize(
    ("text", "seconds", "steps"),
    [("4h", 14400, 0), ("90m", 5400, 0), ("1.5h", 5400, 0), ("600s", 600, 0), ("2000steps", 0, 2000)],
)
def test_times_and_counts(text, seconds, steps):
    budget = TrainingBudget.parse(text)
    assert (budget.seconds, budget.steps, budget.text) == (seconds, steps, text)


@pytest.mark.parametrize("text", ["4", "h", "0s", "-1h", "1.5steps", "two hours", ""])
def test_anything_else_is_refused_with_the_way_to_write_it(text):
    with pytest.raises(UsageError, match=r"write a time such as 4h, 90m or 600s, or a count such as 2000steps"):
        TrainingBudget.parse(text)
