"""A method that remembers: it shows the input of some pair that looks most like the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from dgbench.core.face import Failure, Image, Landmarks
from dgbench.core.record import Motion
from dgbench.methods.contract import Gallery, LoadContext, Need, Task
from dgbench.methods.sanity.copies import SanityBaseline

if TYPE_CHECKING:
    from dgbench.networks.identity import IdentityNetwork


class Memory(SanityBaseline):
    """Shows the image, among all inputs of the run, of the source's person in the reference's pose and expression.

    People are told apart by the network of training losses, which never judges, and poses by landmarks. Where a
    protocol hands its targets out as inputs of other pairs, this finds them; where it does not, remembering gains
    nothing.
    """

    name = "memory"
    needs: ClassVar[frozenset[Need]] = frozenset({"source", "source_landmarks", "reference_landmarks", "gallery"})
    motion: ClassVar[Motion] = "absolute"
    #: A landmark distance of one percent of the side weighs as much as this much of a cosine.
    WEIGHT: ClassVar[float] = 0.12

    def load(self, context: LoadContext) -> None:
        """Load the identity network."""
        from dgbench.networks.embedded.judges import EmbeddedIdentity
        from dgbench.networks.embedded.store import load_identity

        super().load(context)
        network, sha256 = load_identity("identity-train")
        self._network: IdentityNetwork = EmbeddedIdentity(network, "identity-train", sha256)
        self._known: tuple[Gallery, NDArray[np.float32], NDArray[np.float32]] | None = None

    def parameters(self) -> dict[str, str | int | float | bool]:
        """Return the weight of landmarks against identity."""
        return {"landmark_weight": self.WEIGHT}

    def one(self, task: Task) -> Image | Failure:
        """Return the best match's image."""
        gallery, source, points, wanted = task.gallery, task.source, task.source_landmarks, task.reference_landmarks
        if gallery is None or source is None or points is None or wanted is None:
            return Failure("missing", "this pair has no source, landmarks or gallery")
        embeddings, shapes = self._remembered(gallery)
        alike = embeddings @ self._embed([source], [points])[0]
        apart = np.abs(shapes - wanted.points[:, :2]).mean(axis=(1, 2)) / self.size * 100
        return gallery.image(gallery.keys[int(np.argmax(alike - self.WEIGHT * apart))])

    def _remembered(self, gallery: Gallery) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        if self._known is None or self._known[0] is not gallery:
            points = [gallery.landmarks(key) for key in gallery.keys]
            embeddings = np.concatenate(
                [self._embed([gallery.image(key)], [one]) for key, one in zip(gallery.keys, points, strict=True)]
            )
            nowhere = np.full((68, 2), np.inf, np.float32)
            shapes = np.stack([nowhere if one is None else one.points[:, :2] for one in points])
            self._known = (gallery, embeddings, shapes)
        return self._known[1], self._known[2]

    def _embed(self, images: Sequence[Image], landmarks: Sequence[Landmarks | None]) -> NDArray[np.float32]:
        aligned = [
            self._network.align(image, None, None if one is None else one.points[:, :2])[0]
            for image, one in zip(images, landmarks, strict=True)
        ]
        return self._network.embed(aligned)
