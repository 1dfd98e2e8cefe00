"""``dgbench.register``: one decorator for what a plug-in brings, whatever its kind."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from dgbench.core.errors import UsageError

T = TypeVar("T")


def register(item: T) -> T:
    """Make a method, a metric (as class decorator) or a :class:`dgbench.Dataset` known by its name in this process.

    In a module that ``--plugin`` or ``DGBENCH_PLUGINS`` names, every command knows it too.

    Raises:
        UsageError: it is none of these, or its name is taken.
    """
    from dgbench.datasets import registry as datasets
    from dgbench.datasets.dataset import Dataset
    from dgbench.methods import registry as methods
    from dgbench.methods.contract import Reenactor
    from dgbench.metrics import registry as metrics
    from dgbench.metrics.contract import PairMetric, SetMetric

    kinds: list[tuple[Any, Any]] = [(Reenactor, methods), (PairMetric, metrics), (SetMetric, metrics)]
    if isinstance(item, Dataset):
        return cast(T, datasets.register(item))
    for base, registry in kinds:
        if isinstance(item, type) and issubclass(item, base):
            return cast(T, registry.register(item))
    raise UsageError(
        f"{getattr(item, '__qualname__', item)}: register takes a subclass of dgbench.Reenactor, dgbench.PairMetric or "
        "dgbench.SetMetric, or a dgbench.Dataset; for a pair sampler use @dgbench.register_sampler('name')"
    )
