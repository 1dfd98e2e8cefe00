"""The Dual-Generator as a method: source and reference in, face out; one style code per distinct source."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from dgbench.core.digests import sha256_bytes
from dgbench.core.errors import UsageError
from dgbench.core.face import Failure, Image, Landmarks
from dgbench.core.record import Motion
from dgbench.methods.contract import LoadContext, Need, Reenactor, Task
from dgbench.models.dg.checkpoint import Checkpoint, load_checkpoint
from dgbench.models.dg.face_encoder import Joined, build_face_encoder
from dgbench.models.dg.landmark_vector import stack
from dgbench.models.dg.model import DgModel
from dgbench.models.dg.resize import resized
from dgbench.models.dg.visibility import with_visibility


@dataclass(frozen=True)
class _Source:
    """What the model keeps of one source: features (D,) and style code (style_dim,)."""

    features: Tensor
    style: Tensor


class DualGenerator(Reenactor):
    """Method ``dg``: landmarks of the source person in the reference's pose, drawn as that person's face.

    The checkpoint decides everything; :attr:`eye_transfer` may override it. Where the protocol's images are larger
    than the model's, sources are shrunk and results enlarged, and the record says so.
    """

    name: ClassVar[str] = "dg"
    needs: ClassVar[frozenset[Need]] = frozenset({"source", "reference", "source_landmarks", "reference_landmarks"})
    motion: ClassVar[Motion] = "absolute"
    batch_size: int = 16
    #: Whose landmarks are drawn: those that the shape generator makes, or the reference's own.
    shapes: ClassVar[Literal["generated", "reference"]] = "generated"
    #: Overrides the checkpoint's eye transfer when set before :meth:`load`.
    eye_transfer: bool | None = None
    _KEPT_SOURCES = 256
    _CHUNK = 8

    def __init__(self) -> None:
        self._model: DgModel | None = None
        self._encoder: Joined | None = None
        self._checkpoint: Checkpoint | None = None
        self._device = torch.device("cpu")
        self._size = 0
        self._sources: OrderedDict[str, _Source] = OrderedDict()

    def load(self, context: LoadContext) -> None:
        """Load the checkpoint folder and its frozen face encoder.

        Raises:
            UsageError: no checkpoint given, another kind of checkpoint, or sizes that do not fit.
            MissingError: the checkpoint or weights of the face encoder are not here.
        """
        if context.checkpoint is None:
            raise UsageError("method 'dg' needs --checkpoint DIR (made by `dgbench train dg` or import-official)")
        self._checkpoint = load_checkpoint(_folder(context.checkpoint))
        config = self._checkpoint.config
        if context.size % config.size:
            raise UsageError(
                f"{context.checkpoint}: a model for {config.size} px images, the protocol has {context.size} px; "
                "the protocol's size must be a multiple of the model's"
            )
        model = self._checkpoint.model()
        if self.eye_transfer is not None:
            model.config = config.model_copy(update={"eye_transfer": self.eye_transfer})
        self._encoder = build_face_encoder(config, weights=context.weights)
        self._device = torch.device(context.device)
        self._model = model.to(self._device).eval()
        self._size = context.size
        self._sources.clear()
        declared = self._checkpoint.notes.get("training_data", ())
        self.training_data = tuple(str(name) for name in declared) if isinstance(declared, list) else ()

    def parameters(self) -> dict[str, str | int | float | bool]:
        """See :meth:`Reenactor.parameters`."""
        if self._checkpoint is None or self._model is None:
            return {}
        told: dict[str, str | int | float | bool] = {
            "weights_sha256": self._checkpoint.digest,
            "mode": self._checkpoint.config.mode,
            "model_size": self._checkpoint.config.size,
            "eye_transfer": self._model.config.eye_transfer,
        }
        return told if self.shapes == "generated" else told | {"shapes": self.shapes}

    @torch.inference_mode()
    def reenact(self, tasks: Sequence[Task]) -> list[Image | Failure]:
        """See :meth:`Reenactor.reenact`. A task without landmarks fails with kind ``no-face``."""
        assert self._model is not None, "load() comes first"
        results: list[Image | Failure | None] = [self._refusal(task) for task in tasks]
        ready = [index for index, result in enumerate(results) if result is None]
        if ready:
            for index, image in zip(ready, self._generate([tasks[i] for i in ready]), strict=True):
                results[index] = image
        return [result for result in results if result is not None]

    def _refusal(self, task: Task) -> Failure | None:
        assert self._encoder is not None
        if task.source is None or task.reference is None:
            return Failure("missing", f"{task.pair_id}: dg needs the source and the reference image")
        if task.source.shape != (self._size, self._size, 3):
            return Failure("wrong-size", f"{task.pair_id}: source is {task.source.shape}, expected {self._size} px")
        if not _usable(task.reference_landmarks):
            return Failure("no-face", f"{task.pair_id}: no landmarks of the reference; prepare the data with landmarks")
        if self._encoder.asks_landmarks and not _usable(task.source_landmarks):
            return Failure("no-face", f"{task.pair_id}: no landmarks of the source, which this model's E_f needs")
        return None

    def _generate(self, tasks: Sequence[Task]) -> list[Image | Failure]:
        """Generate in chunks of one fixed length, the last one padded: libraries round by the batch's length."""
        length = 1 if self._device.type == "cpu" else self._CHUNK
        results: list[Image | Failure] = []
        for start in range(0, len(tasks), length):
            part = list(tasks[start : start + length])
            results.extend(self._generate_chunk([*part, *[part[-1]] * (length - len(part))])[: len(part)])
        return results

    def _generate_chunk(self, tasks: Sequence[Task]) -> list[Image | Failure]:
        assert self._model is not None
        sources = [self._source(task) for task in tasks]
        references = [with_visibility(_certain(task.reference_landmarks)) for task in tasks]
        points, visibility = (tensor.to(self._device) for tensor in stack(references, self._size))
        features = torch.stack([source.features for source in sources])
        landmarks = points
        if self.shapes == "generated":
            landmarks = self._model.target_landmarks(points, visibility, features)
        style = torch.stack([source.style for source in sources])
        if self._model.config.rfg.noise:  # noise is each task's own, whatever its batch
            faces = torch.cat(
                [
                    self._model.draw(landmarks[i : i + 1], visibility[i : i + 1], style[i : i + 1], _noise(task))
                    for i, task in enumerate(tasks)
                ]
            )
        else:
            faces = self._model.draw(landmarks, visibility, style)
        levels = faces.float().clamp(0, 1) * 255
        # The authors' demo truncates, so their weights do; a model of ours is rounded.
        assert self._checkpoint is not None
        levels = levels.floor() if self._checkpoint.notes.get("origin") == "official" else levels.round()
        pixels = levels.to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
        finite = torch.isfinite(faces).flatten(1).all(dim=1).tolist()
        return [
            resized(image, self._size) if good else Failure("not-finite", f"{task.pair_id}: the image is not finite")
            for image, good, task in zip(pixels, finite, tasks, strict=True)
        ]

    def _source(self, task: Task) -> _Source:
        """Return a source's features and style code, computed once while it is among the recent ones."""
        assert self._model is not None and self._encoder is not None and task.source is not None
        landmarks = task.source_landmarks
        mark = landmarks.points.tobytes() + landmarks.visibility.tobytes() if landmarks is not None else b""
        key = sha256_bytes(task.source.tobytes() + mark)
        if key in self._sources:
            self._sources.move_to_end(key)
            return self._sources[key]
        encoded = self._encoder.encode([task.source], [landmarks])
        features = torch.from_numpy(encoded).to(self._device)
        image = resized(task.source, self._model.config.size)
        pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float().to(self._device) / 255
        found = _Source(features[0], self._model.style_code(pixels, features)[0])
        self._sources[key] = found
        if len(self._sources) > self._KEPT_SOURCES:
            self._sources.popitem(last=False)
        return found


class FaceGeneratorAlone(DualGenerator):
    """Method ``dg-rfg-alone``: the reference's own landmarks drawn in the source's style, without the IDSG.

    What the shape generator adds is the difference to ``dg`` with the same checkpoint.
    """

    name: ClassVar[str] = "dg-rfg-alone"
    shapes: ClassVar[Literal["generated", "reference"]] = "reference"


def _folder(path: Path) -> Path:
    return path.parent if path.name in ("dg.json", "model.safetensors") else path


def _usable(landmarks: Landmarks | None) -> bool:
    return landmarks is not None and bool(np.isfinite(landmarks.points).all())


def _certain(landmarks: Landmarks | None) -> Landmarks:
    assert landmarks is not None
    return landmarks


def _noise(task: Task) -> torch.Generator:
    return torch.Generator().manual_seed(task.seed)
