"""The lines that a worker and its host exchange, checked on arrival; a worker is other people's code."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from dgbench.core.face import Image, Landmarks
from dgbench.core.record import Motion
from dgbench.methods.contract import Task

PROTOCOL = 1
_STRICT = ConfigDict(frozen=True, extra="forbid")


class Hello(BaseModel):
    """What a worker says of itself once its networks are loaded."""

    model_config = _STRICT
    op: Literal["hello"]
    protocol: int
    method: str
    motion: Motion
    needs: tuple[str, ...]
    size: int
    can_batch: bool
    device: str
    commit: str | None
    checkpoint_sha256: str
    network: Literal["namespace", "python"]
    options: dict[str, str]
    versions: dict[str, str]


class Fatal(BaseModel):
    """Why a worker cannot start, with the exit code it stops with."""

    model_config = _STRICT
    op: Literal["fatal"]
    exit: int
    error: str


class Done(BaseModel):
    """The answer to one pair: where its raw bytes are, or why there are none."""

    model_config = _STRICT
    op: Literal["done"]
    id: str
    ok: bool
    seconds: float = 0.0
    height: int = 0
    width: int = 0
    kind: str = "error"
    error: str = ""


Message = Annotated[Hello | Fatal | Done, Field(discriminator="op")]
_MESSAGE: TypeAdapter[Hello | Fatal | Done] = TypeAdapter(Message)


class ProtocolError(ValueError):
    """A line that is no message."""


def parse(line: bytes) -> Hello | Fatal | Done:
    """Read one line of a worker.

    Raises:
        ProtocolError: the line is not a message of this protocol.
    """
    try:
        return _MESSAGE.validate_json(line)
    except ValidationError as error:
        raise ProtocolError(f"the worker said {line[:80]!r}, which is no message") from error


def run_line(entries: list[dict[str, Any]]) -> bytes:
    """Return the line that asks for a batch of pairs."""
    return json.dumps({"op": "run", "tasks": entries}).encode() + b"\n"


def close_line() -> bytes:
    """Return the line that asks a worker to end."""
    return b'{"op": "close"}\n'


def image_bytes(image: Image) -> bytes:
    """Return uint8 HWC RGB as the raw bytes that a worker reads; no encoding, so nothing is lost or slow.

    Raises:
        ValueError: not a uint8 array of shape (height, width, 3).
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"an image is uint8 (height, width, 3), got {image.dtype} {image.shape}")
    return np.ascontiguousarray(image).tobytes()


def entry_of(task: Task, *, source: str | None, reference: str | None, out: str) -> dict[str, Any]:
    """Return one task of a run line; ``source``, ``reference`` and ``out`` are paths of raw files."""
    entry: dict[str, Any] = {"id": task.pair_id, "seed": task.seed, "out": out}
    for name, path, image in (("source", source, task.source), ("reference", reference, task.reference)):
        if path is not None and image is not None:
            entry[name] = {"path": path, "height": int(image.shape[0]), "width": int(image.shape[1])}
    entry["same_person"] = task.same_person
    entry["source_landmarks"] = _points(task.source_landmarks)
    entry["reference_landmarks"] = _points(task.reference_landmarks)
    return entry


def _points(landmarks: Landmarks | None) -> list[list[float]] | None:
    return None if landmarks is None else [[float(value) for value in row] for row in landmarks.points]
