"""Any metrics on two folders of images matched by name, without a protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dgbench.core.card import JudgeSet
from dgbench.core.errors import UsageError
from dgbench.core.face import Failure, Image
from dgbench.core.pair import Pair
from dgbench.core.record import MetricValue
from dgbench.datasets.listing import IMAGE_SUFFIXES
from dgbench.io.images import ImageError, read_image
from dgbench.metrics.registry import metric_class
from dgbench.scoring.evaluator import evaluate
from dgbench.scoring.panel import panel_for


@dataclass(frozen=True)
class FolderScores:
    """What :func:`score_folders` found.

    Attributes:
        metrics: the values over the matched images, in the order asked for.
        matched: how many images have a partner.
        first: how many images the first folder has.
        second: how many the second has.
        unmatched: names without a partner, as ``A/name`` or ``B/name``, sorted.
        judges: the judge set that observed.
    """

    metrics: tuple[MetricValue, ...]
    matched: int
    first: int
    second: int
    unmatched: tuple[str, ...]
    judges: str


def score_folders(
    first: Path,
    second: Path,
    *,
    metrics: Sequence[str],
    judges: JudgeSet = "embedded",
    weights: Path | None = None,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> FolderScores:
    """Compute metrics between two folders of images; images of one name (without its suffix) belong together.

    Images of the first folder stand where a method's generated images do. Those of the second are source, reference
    and target in one, so ``csim`` and ``pose`` compare the two images, too. An image that cannot be read, or whose
    partner has another size, fails and scores the metric's floor. Each image counts as a person of its own.

    Args:
        first: folder A; subfolders are not looked into.
        second: folder B.
        metrics: names, ``pkg.module:Class`` or ``./file.py:Class``; only the networks that they need are loaded.
        judges: the judge set that observes.
        weights: folder with weight files.
        workers: threads that look at images.
        progress: called with the number of images done after each batch.

    Raises:
        UsageError: a folder is not there, two images of one folder have one name, no names match, or an unknown metric.
        MissingError: a network that these metrics need is not here.
    """
    if not metrics:
        raise UsageError("no metric is named; see `dgbench metrics list`")
    made, real = _images(first), _images(second)
    both = sorted(made.keys() & real.keys(), key=str.encode)
    if not both:
        raise UsageError(
            f"no image of {first} has the name of an image of {second} "
            f"(such as '{_example(made)}' and '{_example(real)}'); name them alike"
        )
    panel = panel_for(metrics, judges=judges, weights=weights)
    if across := [
        name for name in panel.metrics if "[" not in name and getattr(metric_class(name), "of_all_pairs", False)
    ]:
        raise UsageError(f"metric {across[0]} compares people of a protocol; two folders have none")
    pairs = [
        Pair(
            pair_id=f"n{number:07d}",
            relation="self",
            source=name,
            reference=name,
            target=name,
            source_identity=name,
            reference_identity=name,
        )
        for number, name in enumerate(both)
    ]
    scored = evaluate(
        pairs,
        _Folders(made, real),
        judges=panel.judges,
        metrics=panel.metrics,
        weights=weights,
        workers=workers,
        progress=progress,
    )
    unmatched = [f"A/{made[name].name}" for name in made.keys() - real.keys()]
    unmatched += [f"B/{real[name].name}" for name in real.keys() - made.keys()]
    return FolderScores(
        metrics=scored.metric_values(),
        matched=len(both),
        first=len(made),
        second=len(real),
        unmatched=tuple(sorted(unmatched)),
        judges=judges,
    )


class _Folders:
    """The images of two folders; keys are names."""

    def __init__(self, made: dict[str, Path], real: dict[str, Path]) -> None:
        self._made, self._real = made, real

    def generated(self, pair: Pair) -> Image | Failure:
        """Return the image of the first folder, or why it cannot be used."""
        try:
            image = read_image(self._made[pair.source])
        except ImageError as error:
            return Failure(error.kind, str(error))
        real = self.source(pair)
        if image.shape != real.shape:
            sizes = " and ".join(f"{one.shape[1]}x{one.shape[0]}" for one in (image, real))
            return Failure("wrong-size", f"{self._made[pair.source]}: the two images are {sizes}")
        return image

    def source(self, pair: Pair) -> Image:
        """Return the image of the second folder.

        Raises:
            UsageError: it cannot be read; nothing can be said of its pair.
        """
        try:
            return read_image(self._real[pair.source])
        except ImageError as error:
            raise UsageError(f"{error}; take it out of the folder") from error

    reference = source

    def target(self, pair: Pair) -> Image | None:
        """Return the same image."""
        return self.source(pair)


def _images(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder of images")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir(), key=lambda path: path.name.encode()):
        if path.name.startswith(".") or path.suffix.lower() not in IMAGE_SUFFIXES or not path.is_file():
            continue
        twin = found.setdefault(path.stem, path)
        if twin is not path:
            raise UsageError(f"{folder}: '{twin.name}' and '{path.name}' have one name; keep one of them")
    if not found:
        raise UsageError(f"{folder}: holds no image ({', '.join(sorted(IMAGE_SUFFIXES))})")
    return found


def _example(images: dict[str, Path]) -> str:
    return next(iter(images.values())).name
