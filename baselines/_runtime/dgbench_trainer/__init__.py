"""Training a third-party method with its authors' own script, on data and for a budget that dgbench chose.

Like ``dgbench_worker``: standard library only, readable by Python 3.7, run in the method's own interpreter.
"""

from dgbench_trainer.launch import main
from dgbench_trainer.trainer import Trainer

__all__ = ["Trainer", "main"]
