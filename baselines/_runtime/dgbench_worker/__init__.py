"""The part that every baseline worker shares: protocol, isolation, checks and strict loading.

Standard library only, readable by Python 3.7: it runs in the interpreter of somebody else's method, so it can
import neither dgbench nor anything newer. The method's own packages are imported inside functions, after standard
output was turned away and the network was cut.
"""

from dgbench_worker.entry import main
from dgbench_worker.errors import PairError, WorkerError
from dgbench_worker.method import Task, TensorWorker, Worker, finite, image_key, landmarks_at
from dgbench_worker.shims import cpu_cuda_shim, only_weights, set_align_corners, take_functions
from dgbench_worker.weights import part, read_checkpoint, strict_load

__all__ = [
    "PairError",
    "Task",
    "TensorWorker",
    "Worker",
    "WorkerError",
    "cpu_cuda_shim",
    "finite",
    "image_key",
    "landmarks_at",
    "main",
    "only_weights",
    "part",
    "read_checkpoint",
    "set_align_corners",
    "strict_load",
    "take_functions",
]
