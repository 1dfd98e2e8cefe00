"""Source, reference and target images for a report: the data behind each protocol, opened as its runs did."""

from __future__ import annotations

import logging
from pathlib import Path

from dgbench.core.errors import MissingError, UsageError
from dgbench.core.face import Image
from dgbench.engine.run.data import OpenData, open_data
from dgbench.engine.run.plan import RUN_FILE, RunFolder, read_plan
from dgbench.io.images import ImageError
from dgbench.protocols.registry import load_protocol
from dgbench.report.images import InputImages, Role

_LOG = logging.getLogger(__name__)


class ProtocolInputs:
    """Opens the data behind a protocol as its runs did; where it is gone the report goes on without inputs."""

    def __init__(self, runs: Path, data: Path | None = None) -> None:
        self._runs, self._data = runs, data

    def __call__(self, name: str) -> InputImages | None:
        """Return the input images of protocol ``id@version``, ``None`` where the data is not here."""
        try:
            return _OpenedInputs(open_data(load_protocol(name), self._data or self._root_of(name)))
        except (MissingError, UsageError) as error:
            _LOG.warning("%s: shown without source, reference and target images: %s", name, error)
            return None

    def _root_of(self, name: str) -> Path | None:
        """The data folder that the first run of the protocol names."""
        for file in sorted(self._runs.glob(f"**/{RUN_FILE}")):
            plan = read_plan(RunFolder(file.parent))
            if plan.protocol == name and plan.data:
                return Path(plan.data)
        return None


class _OpenedInputs:
    """The images of opened data, by pair and role."""

    def __init__(self, opened: OpenData) -> None:
        self._source = opened.source
        self._pairs = {pair.pair_id: pair for pair in opened.pairs}

    def image(self, pair_id: str, role: Role) -> Image | None:
        """Return one image, ``None`` where the pair has none or it cannot be read."""
        pair = self._pairs.get(pair_id)
        key = {"source": pair.source, "reference": pair.reference, "target": pair.target}[role] if pair else None
        if key is None:
            return None
        try:
            return self._source.image(key)
        except ImageError as error:
            _LOG.warning("%s: %s", key, error)
            return None
