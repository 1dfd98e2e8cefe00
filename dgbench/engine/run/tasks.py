"""From pairs to tasks: each pair's images are read for the method, one batch ahead of its work."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from dgbench.core.digests import seed_of
from dgbench.core.face import Failure, Image, Landmarks
from dgbench.core.pair import Pair
from dgbench.engine.run.data import OpenData
from dgbench.engine.run.inputs import InputLog
from dgbench.io.images import ImageError
from dgbench.methods.contract import Gallery, Reenactor, Task


class TaskBuilder:
    """Makes the task of a pair: exactly what the method asks for, or the failure that stands in its way."""

    def __init__(
        self, method: Reenactor, opened: OpenData, *, protocol: str, seed: int, inputs: InputLog | None = None
    ) -> None:
        self._needs = method.needs
        self._source, self._inputs = opened.source, inputs
        self._image = inputs.image if inputs is not None else opened.source.image
        self._pairs = opened.pairs
        self._protocol, self._seed = protocol, seed
        shown = {key for pair in opened.pairs for key in (pair.source, pair.reference)}
        self._gallery = (
            Gallery(tuple(sorted(shown, key=str.encode)), opened.source.image, opened.source.landmarks)
            if "gallery" in method.needs
            else None
        )

    def task(self, pair: Pair) -> Task | Failure:
        """Build one task."""
        seed = seed_of(self._protocol, pair.pair_id, self._seed)
        wanted: dict[str, Image | None] = {}
        points: dict[str, Landmarks | None] = {}
        try:
            for what, key in self._keys(pair, seed).items():
                wanted[what] = self._image(key) if key else None
            for what, key in (("source_landmarks", pair.source), ("reference_landmarks", pair.reference)):
                if what in self._needs:
                    points[what] = self._source.landmarks(key)
                    if points[what] is None:
                        return Failure(
                            "missing", f"{key}: no landmarks; run the method on a store made by `dgbench data prepare`"
                        )
        except ImageError as error:
            return Failure(error.kind, str(error))
        one = pair.relation == "self"
        return Task(pair_id=pair.pair_id, seed=seed, same_person=one, gallery=self._gallery, **wanted, **points)  # type: ignore[arg-type]

    def tasks(self, pairs: list[Pair]) -> list[Task | Failure]:
        """Build the tasks of a batch; its images are noted before the method sees any of them."""
        tasks = [self.task(pair) for pair in pairs]
        if self._inputs is not None:
            for pair in pairs:
                self._inputs.note(pair)
            self._inputs.write()
        return tasks

    def _keys(self, pair: Pair, seed: int) -> dict[str, str | None]:
        keys = {"source": pair.source, "reference": pair.reference, "target": pair.target}
        chosen: dict[str, str | None] = {what: key for what, key in keys.items() if what in self._needs}
        if "decoy" in self._needs:
            others = [p for p in self._pairs if p.source_identity != pair.source_identity] or self._pairs
            other = others[seed % len(others)]
            chosen["decoy"] = other.target or other.reference
        return chosen


def prepared(builder: TaskBuilder, pairs: list[Pair], size: int) -> Iterator[tuple[list[Pair], list[Task | Failure]]]:
    """Yield batches of ``size`` pairs with their tasks, the next batch being decoded while this one is worked on."""
    batches = [pairs[start : start + size] for start in range(0, len(pairs), size)]
    with ThreadPoolExecutor(max_workers=1) as pool:
        upcoming = pool.submit(builder.tasks, batches[0])
        for number, batch in enumerate(batches):
            tasks = upcoming.result()
            if number + 1 < len(batches):
                upcoming = pool.submit(builder.tasks, batches[number + 1])
            yield batch, tasks
