"""One pass against the usual three tools one after another, on the same images and weights, in the same run.

The number of pairs is DGBENCH_BENCH_PAIRS (24 by default, so that it ends within a minute; 500 for a report).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.metrics import structural_similarity

from dgbench.core.pair import Pair
from dgbench.io.images import read_image, write_png
from dgbench.metrics.csim import cosine
from dgbench.scoring.evaluator import evaluate

PAIRS = int(os.environ.get("DGBENCH_BENCH_PAIRS", "24"))
SIZE = 256


class Folder:
    """PNG files of a run, decoded as a scorer meets them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def generated(self, pair: Pair) -> np.ndarray:
        return read_image(self.root / "generated" / f"{pair.pair_id}.png")

    def source(self, pair: Pair) -> np.ndarray:
        return read_image(self.root / "real" / f"{pair.source}.png")

    def reference(self, pair: Pair) -> np.ndarray:
        return read_image(self.root / "real" / f"{pair.reference}.png")

    def target(self, pair: Pair) -> np.ndarray:
        return read_image(self.root / "real" / f"{pair.target}.png")


def variant(photo: np.ndarray, seed: int) -> np.ndarray:
    """A photo shifted, turned and lit a little differently: as many real images as are asked for."""
    rng = np.random.default_rng(seed)
    turn = cv2.getRotationMatrix2D((SIZE / 2, SIZE / 2), rng.uniform(-6, 6), rng.uniform(0.95, 1.05))
    turn[:, 2] += rng.uniform(-6, 6, 2)
    moved = cv2.warpAffine(photo, turn, (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE)
    return np.clip(moved * rng.uniform(0.85, 1.1), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def run(assets, tmp_path_factory) -> tuple[Folder, list[Pair]]:
    root = tmp_path_factory.mktemp("run")
    photos = []
    for path in sorted((assets / "frll" / "neutral_front").glob("*.jpg"))[:40]:
        photos.append(cv2.resize(cv2.imread(str(path))[..., ::-1], (SIZE, SIZE), interpolation=cv2.INTER_AREA))
    people = len(photos)
    for number, photo in enumerate(photos):
        write_png(root / "real" / f"s{number:02d}.png", np.ascontiguousarray(photo))
    pairs = []
    for number in range(PAIRS):
        person = number % people
        name = f"t{number:05d}"
        target = variant(photos[person], number)
        write_png(root / "real" / f"{name}.png", target)
        write_png(root / "generated" / f"p{number:05d}.png", cv2.GaussianBlur(target, (0, 0), 1.2))
        pairs.append(
            Pair(
                pair_id=f"p{number:05d}",
                relation="self",
                source=f"s{person:02d}",
                reference=name,
                target=name,
                source_identity=f"{person:02d}",
                reference_identity=f"{person:02d}",
            )
        )
    return Folder(root), pairs


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    import torch

    from dgbench.networks.torchvision_shim import import_torchvision

    import_torchvision()
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Blank(FeatureExtractorInceptionV3):
        def load_state_dict(self, *args, **kwargs):
            return None

    path = tmp_path_factory.mktemp("inception") / "random.pth"
    torch.save({}, path)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        torch.save(Blank("inception-v3-compat", ["2048"], feature_extractor_weights_path=str(path)).state_dict(), path)
    return path


@pytest.fixture(scope="module")
def judges(assets, weights):
    """YuNet and MobileFaceNet with the Inception of the same file as the peer's."""
    from dgbench.networks.inception import Inception
    from dgbench.networks.judges import Judges, load_judges

    judged = load_judges("open", weights=assets / "nets", roles=["detector", "identity"])
    return Judges("open", detector=judged._detector, identity=judged._identity, features=Inception(weights))


def one_after_another(folder: Folder, pairs: list[Pair], weights: Path, judges) -> dict[str, float]:
    """torch-fidelity over two folders, then a skimage loop, then detect-align-embed image by image."""
    import torch_fidelity

    kept = {"generated": [], "real": []}
    for pair in pairs:
        kept["generated"].append(str(folder.root / "generated" / f"{pair.pair_id}.png"))
        kept["real"].append(str(folder.root / "real" / f"{pair.target}.png"))

    import torch
    from torchvision.transforms.functional import pil_to_tensor

    class Files(torch.utils.data.Dataset):
        def __init__(self, paths) -> None:
            self.paths = paths

        def __len__(self) -> int:
            return len(self.paths)

        def __getitem__(self, index):
            import PIL.Image

            return pil_to_tensor(PIL.Image.open(self.paths[index]).convert("RGB"))

    theirs = torch_fidelity.calculate_metrics(
        input1=Files(kept["generated"]),
        input2=Files(kept["real"]),
        fid=True,
        kid=True,
        kid_subset_size=min(1000, len(pairs)),
        cuda=False,
        batch_size=16,
        verbose=False,
        cache=False,
        save_cpu_ram=True,
        feature_extractor_weights_path=str(weights),
    )
    ssims, csims = [], []
    for pair in pairs:
        ssims.append(
            structural_similarity(
                folder.generated(pair),
                folder.target(pair),
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
                data_range=255,
                channel_axis=2,
            )
        )
    for pair in pairs:
        (one,) = judges.observe([folder.generated(pair)], roles=["detector", "identity"])
        (other,) = judges.observe([folder.source(pair)], roles=["detector", "identity"])
        csims.append(cosine(one.embedding, other.embedding))
    return {
        "fd": theirs["frechet_inception_distance"],
        "kd": theirs["kernel_inception_distance_mean"],
        "ssim": float(np.mean(ssims)),
        "csim": float(np.mean(csims)),
    }


@pytest.mark.timeout(max(300, 12 * PAIRS))
def test_one_pass_is_faster_than_three_tools_and_says_the_same(run, weights, judges, tmp_path, benchmark):
    folder, pairs = run
    name = judges.features_name
    names = ["ssim", "csim", name, name.replace("fd", "kd", 1)]
    judges.features([folder.generated(pairs[0])])  # neither side pays for the first call

    def timed(work):
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        return result, time.perf_counter() - wall, time.process_time() - cpu

    theirs, peer, peer_cpu = timed(lambda: one_after_another(folder, pairs, weights, judges))

    def ours(cache: Path):
        def values():
            sheet = evaluate(pairs, folder, judges=judges, metrics=names, size=SIZE, cache=cache)
            return {value.name: value for value in sheet.metric_values()}

        return timed(values)

    values, cold, cold_cpu = ours(tmp_path / "cache")
    again, warm, warm_cpu = benchmark.pedantic(ours, args=(tmp_path / "cache",), rounds=1)
    benchmark.extra_info.update(
        pairs=len(pairs), peer_s=peer, cold_s=cold, warm_s=warm, cold_ratio=peer / cold, warm_ratio=peer / warm
    )
    print(f"{len(pairs)} pairs: three tools {peer:.1f} s; one pass {cold:.1f} s ({peer / cold:.1f}x), ", end="")
    print(f"with cached real statistics {warm:.1f} s ({peer / warm:.1f}x)")
    print(f"CPU-seconds: {peer_cpu:.1f}, {cold_cpu:.1f} ({peer_cpu / cold_cpu:.1f}x), ", end="")
    print(f"{warm_cpu:.1f} ({peer_cpu / warm_cpu:.1f}x)")
    for ours_name, their_name in ((names[2], "fd"), (names[3], "kd"), ("ssim", "ssim"), ("csim", "csim")):
        assert values[ours_name].value == again[ours_name].value
        assert values[ours_name].value == pytest.approx(theirs[their_name], rel=1e-5, abs=1e-9)
    assert peer / cold > 1.1
    assert peer / warm > 1.5


MEMORY = """
import pathlib, sys
import numpy as np
sys.path.insert(0, sys.argv[2])
from fakes import FakeImages, FakeJudges, cross_pairs, made_for
from dgbench.scoring.evaluator import evaluate

class Wide(FakeJudges):
    def features(self, images):
        return np.stack([np.resize(image.ravel(), 2048).astype(np.float32) / 64 for image in images])

n = int(sys.argv[1])
pairs = cross_pairs(people=n // 10, each=10)
images = FakeImages(made_for(pairs), size=64)
kib = []
def look(_):
    status = pathlib.Path("/proc/self/status").read_text()  # memory that no file backs: scratch files can be dropped
    kib.append(int(status.split("RssAnon:")[1].split()[0]))
evaluate(pairs, images, judges=Wide(), metrics=["ssim", "csim", "akd", "fd[fake]"], draws=10, progress=look)
print((max(kib) - kib[3]) * 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")
def test_memory_is_flat_in_the_number_of_pairs():
    """Ten times the pairs may cost their rows in the table, not their images or observations."""
    fakes = str(Path(__file__).parents[1] / "metrics")

    def grown(n: int) -> float:
        command = [sys.executable, "-c", MEMORY, str(n), fakes]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return int(done.stdout) / 2**20

    few, many = grown(500), grown(5000)
    images = 4500 * 4 * 64 * 64 * 3 / 2**20
    print(f"memory grown while scoring 500 pairs: {few:.0f} MiB, 5,000 pairs: {many:.0f} MiB; images {images:.0f} MiB")
    assert many - few < images / 8
