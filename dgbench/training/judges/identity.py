"""Train the identity judge: ``python -m dgbench.training.judges.identity --out FOLDER --weights NETWORKS``."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import torch

from dgbench.core.digests import digest
from dgbench.core.errors import UsageError
from dgbench.core.face import Image
from dgbench.io.images import read_image
from dgbench.io.weights import find_weight
from dgbench.networks.detector import Detector, YuNet
from dgbench.networks.embedded.store import save
from dgbench.networks.identity import MobileFaceNet
from dgbench.training.judges.data import read_faces
from dgbench.training.judges.distil import DistilRecipe, distil
from dgbench.training.judges.people import TAUGHT_FIRST, coarse_skin, render_looks
from dgbench.training.judges.pool import make_pool, photograph_pool, read_pools, write_pool

log = logging.getLogger(__name__)
NAME = "identity-measure-2"
#: People of a shard, pictures of a person, samples of a picture; samples and side of a photograph.
SHARD, IMAGES, PER_PICTURE, PER_PHOTOGRAPH, SIDE = 20, 16, 2, 50, 208


def training_photographs(folder: Path, detector: Detector) -> list[tuple[Image, np.ndarray]]:
    """Return the photographs of a copy of FRLL that `frll-train` may show (numbers that 3 divides), and five points.

    Raises:
        UsageError: the folder holds none.
    """
    found = []
    for path in sorted(folder.rglob("[0-9][0-9][0-9]_0[38].jpg")):
        if int(path.name[:3]) % 3 == 0:
            image = read_image(path)
            image = np.asarray(cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
            (face,) = detector.detect([image])
            if face is not None:
                found.append((image, face.points))
    if not found:
        raise UsageError(f"{folder}: holds no NNN_03.jpg or NNN_08.jpg of a training person of FRLL")
    return found


def make_pools(
    out: Path, weights: Path | None, *, people: int, head: Path | None, photographs: Path | None
) -> list[Path]:
    """Render people, degrade and mix them and ask the teacher, shard by shard; what is there already is kept."""
    from dgbench.synthface.head.load import load_head

    teacher = MobileFaceNet(find_weight(MobileFaceNet.FILE, folder=weights))
    paths = []
    with coarse_skin():
        model = load_head(head)
        for first in range(TAUGHT_FIRST, TAUGHT_FIRST + people, SHARD):
            shard, pool = out / "renders" / f"{first}.npz", out / "pools" / f"{first}.npz"
            if not pool.exists():
                render_looks(model, range(first, first + SHARD), shard, images=IMAGES)
                faces = read_faces([shard])
                write_pool(make_pool(faces, teacher, samples=PER_PICTURE * len(faces.person), seed=first), pool)
                log.info("%s", pool)
            paths.append(pool)
    if photographs is not None:
        pool = out / "pools" / "photographs.npz"
        if not pool.exists():
            detector = YuNet(find_weight(YuNet.FILE, folder=weights))
            shown = training_photographs(photographs, detector)
            write_pool(photograph_pool(shown, teacher, each=PER_PHOTOGRAPH, seed=0), pool)
        paths.append(pool)
    return paths


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the pools, train and write ``identity-measure-2.safetensors`` into the folder; the same command goes on."""
    parser = argparse.ArgumentParser(prog="python -m dgbench.training.judges.identity", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for renders, pools, state and weights")
    parser.add_argument("--weights", type=Path, default=None, help="folder of the open networks; else DGBENCH_WEIGHTS")
    parser.add_argument("--head", type=Path, default=None, help="head model; else DGBENCH_HEAD or the cache")
    parser.add_argument("--photographs", type=Path, default=None, help="a copy of FRLL; its training people are used")
    parser.add_argument("--people", type=int, default=320, help="rendered people (default 320)")
    parser.add_argument("--steps", type=int, default=DistilRecipe().steps, help="steps of 96 samples (default 4000)")
    parser.add_argument("--threads", type=int, default=1, help="threads that compute (default 1)")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(chosen.threads)
    paths = make_pools(
        chosen.out, chosen.weights, people=chosen.people, head=chosen.head, photographs=chosen.photographs
    )
    recipe = DistilRecipe(steps=chosen.steps)

    def tell(step: int, _: torch.nn.Module, loss: float) -> None:
        if (step + 1) % 50 == 0:
            log.info("step %d, loss %.3f", step + 1, loss)

    network = distil(read_pools(paths), recipe, chosen.out / "state.pt", on_step=tell)
    metadata = {"network": NAME, "recipe": digest(asdict(recipe)), "trained_on": "synthface, frll-train"}
    save(network, chosen.out / f"{NAME}.safetensors", metadata=metadata)
    log.info("%s", chosen.out / f"{NAME}.safetensors")


if __name__ == "__main__":
    main()
