"""FID and KID against torch-fidelity itself, with one Inception file of random weights on both sides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes import FakeImages, cross_pairs, made_for

from dgbench.metrics.frechet import frechet_of_features, frechet_of_moments
from dgbench.metrics.kid import kid
from dgbench.metrics.moments import Moments
from dgbench.networks.torchvision_shim import import_torchvision
from dgbench.scoring.evaluator import evaluate


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """torch-fidelity's own Inception class with seeded weights, saved as it saves the official ones."""
    import torch

    import_torchvision()
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Blank(FeatureExtractorInceptionV3):
        def load_state_dict(self, *args, **kwargs):
            return None

    path = tmp_path_factory.mktemp("inception") / "random.pth"
    torch.save({}, path)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = Blank("inception-v3-compat", ["2048"], feature_extractor_weights_path=str(path))
        torch.save(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def judges(weights):
    from dgbench.networks.inception import Inception
    from dgbench.networks.judges import Judges

    return Judges("standard", features=Inception(weights))


def peer(features_1, features_2, subset: int) -> dict[str, float]:
    """torch-fidelity's own FID and KID of float64 features."""
    import torch

    import_torchvision()
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric

    first, second = (torch.from_numpy(np.ascontiguousarray(f, dtype=np.float64)) for f in (features_1, features_2))
    fid = fid_statistics_to_metric(fid_features_to_statistics(first), fid_features_to_statistics(second), verbose=False)
    kid = kid_features_to_metric(first, second, kid_subset_size=subset, kid_subsets=100, verbose=False)
    return {name.removesuffix("_distance"): value for name, value in {**fid, **kid}.items()}


def test_equal_on_synthetic_features():
    rng = np.random.default_rng(0)
    decay = np.arange(1, 257) ** -0.6
    first = (rng.normal(size=(400, 256)) * decay + 0.4).astype(np.float32)
    second = (rng.normal(size=(400, 256)) * decay * 1.1 + 0.45).astype(np.float32)
    theirs = peer(first, second, 100)
    fid = theirs["frechet_inception"]
    assert frechet_of_features(first, second) == pytest.approx(fid, rel=1e-6)
    assert frechet_of_moments(Moments.of(first), Moments.of(second)) == pytest.approx(fid, rel=1e-6)
    mean, sd = kid(first, second, subset_size=100)
    assert mean == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-6)
    assert sd == pytest.approx(theirs["kernel_inception_distance_std"], rel=1e-5)


@pytest.mark.slow
def test_the_pass_over_images_is_torch_fidelitys_run_over_tensors(judges, weights):
    """The same images through evaluate and through torch_fidelity.calculate_metrics.

    Slow because Inception looks at every image on both ways and the peer takes eigenvalues of a 2048 x 2048 matrix.
    """
    import torch

    import_torchvision()
    import torch_fidelity

    pairs = cross_pairs(people=6, each=2)
    images = FakeImages(made_for(pairs), size=48)
    ordered = sorted(pairs, key=lambda pair: pair.pair_id)
    sides = [[images.generated(pair) for pair in ordered], [images.target(pair) for pair in ordered]]
    first, second = (
        torch.utils.data.TensorDataset(torch.from_numpy(np.stack(side)).permute(0, 3, 1, 2)) for side in sides
    )

    class Bare(torch.utils.data.Dataset):
        def __init__(self, inner) -> None:
            self.inner = inner

        def __len__(self) -> int:
            return len(self.inner)

        def __getitem__(self, index):
            return self.inner[index][0]

    theirs = torch_fidelity.calculate_metrics(
        input1=Bare(first),
        input2=Bare(second),
        fid=True,
        kid=True,
        kid_subset_size=12,
        cuda=False,
        batch_size=16,
        verbose=False,
        cache=False,
        save_cpu_ram=True,
        feature_extractor_weights_path=str(weights),
    )
    name = judges.features_name
    names = (name, name.replace("fd", "kd"))
    sheet = evaluate(pairs, images, judges=judges, metrics=names, size=48, batch_size=10)
    ours = {value.name: value.value for value in sheet.metric_values()}
    assert ours[names[0]] == pytest.approx(theirs["frechet_inception_distance"], rel=1e-6)
    assert ours[names[1]] == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-6)
