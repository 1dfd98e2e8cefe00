"""Importing the released checkpoints: same state, same input, same output; anything else is refused."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import dg_official_reference as reference
import pytest
import torch
from torch import Tensor

from dgbench.core.errors import MissingError, UsageError
from dgbench.models.dg.checkpoint import load_checkpoint
from dgbench.models.dg.config import DgConfig, IdsgConfig, MapConfig, RfgConfig, compat
from dgbench.models.dg.discriminators import Discriminators
from dgbench.models.dg.model import DgModel
from dgbench.models.dg.official.convert import import_official
from dgbench.models.dg.official.names import official_names, pix2pix_names
from dgbench.models.dg.official.networks import read_official

KEYS = json.loads((Path(__file__).parent / "official_keys.json").read_text())


def random_state(table: dict[str, list[int]], seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for key, shape in table.items():
        fan_in = max(1, torch.Size(shape[1:]).numel()) if len(shape) > 1 else 25
        state[key] = torch.randn(shape, generator=generator) / fan_in**0.5
    return state


def narrow(table: dict[str, list[int]], divide: int = 16, **fixed: int) -> dict[str, list[int]]:
    """The same table at a sixteenth of the widths: 64 → 4, 512 → 32; images, kernels and odd sizes stay."""
    widths = {64: 64 // divide, 128: 128 // divide, 256: 256 // divide, 512: 512 // divide, 1024: 1024 // divide}
    out = {}
    for key, shape in table.items():
        small = list(shape)
        for axis in range(min(2, len(small))):
            small[axis] = widths.get(small[axis], small[axis])
        if "query_conv" in key or "key_conv" in key:
            small[0] = 512 // divide // 8
        out[key] = small
    return out


def with_style(table: dict[str, list[int]], old: int, new: int) -> dict[str, list[int]]:
    out = {}
    for key, shape in table.items():
        small = list(shape)
        if ".fc.weight" in key and small[1] == old:
            small[1] = new
        if key in ("fc.weight", "fc.bias"):
            small[0] = new
        out[key] = small
    return out


def high_pass(table: dict[str, list[int]]) -> dict[str, list[int]]:
    """One more level: encode.4 and one more decoder block, the rest moved up by one."""
    out: dict[str, list[int]] = {}
    for key, shape in table.items():
        if key.startswith("encode.3."):
            out[key] = shape
            out[key.replace("encode.3.", "encode.4.")] = shape
        elif key.startswith("decode.3."):
            out[key] = shape
            out[key.replace("decode.3.", "decode.4.")] = shape
        elif key.startswith("decode.") and int(key.split(".")[1]) >= 4:
            number = int(key.split(".")[1])
            out[key.replace(f"decode.{number}.", f"decode.{number + 1}.")] = shape
        else:
            out[key] = shape
    return out


def save(path: Path, nets: dict[str, dict[str, Tensor]]) -> Path:
    torch.save(nets, path)
    return path


def images(batch: int = 2, size: int = 256, channels: int = 3, seed: int = 5) -> Tensor:
    return torch.rand(batch, channels, size, size, generator=torch.Generator().manual_seed(seed))


def close(a: Tensor, b: Tensor) -> None:
    assert a.shape == b.shape
    assert (a - b).abs().max() <= 1e-5 * max(1.0, float(b.abs().max()))


RFG_VARIANTS = ["plain", "style64", "self-attention", "noise", "high-pass", "id-embed", "high-pass+noise"]


def rfg_tables(variant: str) -> dict[str, dict[str, list[int]]]:
    plain = narrow(KEYS["rfg_ema.generator"])
    noisy = narrow(KEYS["rfg_idembed.generator"])
    nets = {"generator": plain, "style_encoder": narrow(KEYS["rfg_ema.style_encoder"])}
    nets["discriminator"] = narrow(KEYS["rfg_train_extra.discriminator"])
    match variant:
        case "style64":
            nets = {name: with_style(table, 8, 4) for name, table in nets.items()}
        case "self-attention":
            nets["style_encoder"] = narrow(KEYS["rfg_selfatt.style_encoder"])
            nets["discriminator"] = narrow(KEYS["rfg_selfatt.discriminator"])
        case "noise":
            nets["generator"] = noisy
        case "high-pass":
            nets["generator"] = high_pass(plain)
        case "high-pass+noise":
            nets["generator"] = high_pass(noisy)
        case "id-embed":
            del nets["style_encoder"]
            nets["generator"] = {**noisy, "from_rgb.weight": [4, 3, 3, 3]}
            nets["mlp"] = narrow(KEYS["rfg_idembed.mlp"])
    return nets


@pytest.mark.parametrize("variant", [v for v in RFG_VARIANTS if v != "id-embed"])
def test_rfg_variant_equals_the_official_networks(variant: str, tmp_path: Path) -> None:
    nets = {name: random_state(table, seed) for seed, (name, table) in enumerate(rfg_tables(variant).items())}
    if "high-pass" in variant:
        # Normalising 8 × 8 positions again and again without shortcuts amplifies float32 rounding past 1e-5 in
        # the reference itself when the weights are random; a fainter head keeps the comparison meaningful.
        nets["generator"]["to_rgb.2.weight"] /= 10
    read = read_official(save(tmp_path / "1_nets.ckpt", nets))
    assert read.kind == "rfg"
    assert read.config.size == 256
    assert read.config.rfg.noise == ("noise" in variant)
    assert read.config.rfg.high_pass == ("high-pass" in variant)
    assert read.config.rfg.self_attention == (variant == "self-attention")
    sources, maps = images(seed=1), (images(seed=2) > 0.9).float()
    with torch.no_grad():
        style = reference.style_encoder(nets["style_encoder"], sources)
        close(read.modules["style"](sources), style)
        expected = reference.generator(
            nets["generator"],
            maps,
            style,
            shortcut="high-pass" not in variant,
            noise=torch.Generator().manual_seed(3),
        )
        assert expected.std() > 1e-3
        close(read.modules["face"](maps, style, torch.Generator().manual_seed(3)), expected)
        # In float64 the two agree to rounding, so that 1e-5 above is not hiding a small difference in kind.
        exact = reference.generator(
            {name: value.double() for name, value in nets["generator"].items()},
            maps.double(),
            style.double(),
            shortcut="high-pass" not in variant,
            noise=torch.Generator().manual_seed(3),
        )
        ours = read.modules["face"].double()(maps.double(), style.double(), torch.Generator().manual_seed(3))
        assert (ours - exact).abs().max() < 1e-10
        logits, _ = read.modules["discriminator"](sources, maps)
        close(logits, reference.discriminator(nets["discriminator"], sources, maps))


def test_id_embed_variant_equals_the_official_networks(tmp_path: Path) -> None:
    # Its image size shows in the width rule alone, so this variant is read at the official widths.
    nets = {
        "generator": random_state(KEYS["rfg_idembed.generator"], 0),
        "mlp": random_state(KEYS["rfg_idembed.mlp"], 1),
    }
    read = read_official(save(tmp_path / "1_nets_ema.ckpt", nets))
    assert read.config.rfg.id_embed and read.config.rfg.noise and read.config.rfg.id_embed_dim == 4096
    features = torch.rand(1, 4096, generator=torch.Generator().manual_seed(2))
    maps = (images(1, 64, seed=3) > 0.9).float()  # the generator is convolutional: a smaller map is a fair test
    with torch.no_grad():
        style = reference.style_mlp(nets["mlp"], features)
        close(read.modules["style"](features), style)
        expected = reference.generator(nets["generator"], maps, style, noise=torch.Generator().manual_seed(4))
        close(read.modules["face"](maps, style, torch.Generator().manual_seed(4)), expected)


@pytest.mark.slow
def test_official_width_at_256_pixels_equals_the_official_networks(tmp_path: Path) -> None:
    nets = {
        "generator": random_state(KEYS["rfg_ema.generator"], 0),
        "style_encoder": random_state(KEYS["rfg_ema.style_encoder"], 1),
    }
    read = read_official(save(tmp_path / "501500_nets_ema.ckpt", nets))
    assert read.dropped == ("to_rgb_lm.0.bias", "to_rgb_lm.0.weight", "to_rgb_lm.2.bias", "to_rgb_lm.2.weight")
    assert read.config == compat().model_copy(update={"rfg": read.config.rfg})
    sources, maps = images(1, seed=1), (images(1, seed=2) > 0.95).float()
    with torch.no_grad():
        style = reference.style_encoder(nets["style_encoder"], sources)
        close(read.modules["style"](sources), style)
        close(read.modules["face"](maps, style), reference.generator(nets["generator"], maps, style))


def test_masks_and_map_value_change_what_they_say() -> None:
    config = DgConfig(size=256, rfg=RfgConfig(base_channels=4, max_channels=32, style_dim=8, mask_features=True))
    face = DgModel(config).face
    state = {official: face.state_dict()[ours] for ours, official in official_names(face).items()}
    maps, style = (images(1) > 0.9).float(), torch.randn(1, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        close(face(maps, style), reference.generator(state, maps, style, masks=True))
        assert not torch.allclose(face(maps, style), face(maps / 255, style))


def test_pix2pix_pair_equals_the_official_networks(tmp_path: Path) -> None:
    tables = {**rfg_tables("plain")}
    tables["discriminator"] = narrow(KEYS["rfg_pix2pix.discriminator"])
    tables["discriminator2"] = narrow(KEYS["rfg_pix2pix.discriminator2"])
    nets = {name: random_state(table, seed) for seed, (name, table) in enumerate(tables.items())}
    read = read_official(save(tmp_path / "1_nets.ckpt", nets))
    x, maps = images(seed=1), images(seed=2)
    with torch.no_grad():
        for name, pool in (("discriminator", False), ("discriminator2", True)):
            logits, levels = read.modules[name](x, maps)
            close(logits, reference.discriminator_pix(nets[name], x, maps, pool))
            assert len(levels) == 6


@pytest.mark.parametrize(("classes", "features"), [(1454, 4096), (67, 4096), (5, 512)])
def test_idsg_equals_the_official_networks(classes: int, features: int, tmp_path: Path) -> None:
    tables = {
        "linear_decoder": {**KEYS["idsg_ema.linear_decoder"], "main.0.weight": [512, 136 + features]},
        "lm_linear_encoder": KEYS["idsg_ema.lm_linear_encoder"],
        "linear_discriminator": KEYS["idsg_ema.linear_discriminator"],
        "linear_classfier": {
            **KEYS["idsg_ema.linear_classfier"],
            "main_3.0.weight": [classes, 136],
            "main_3.0.bias": [classes],
        },
    }
    nets = {name: random_state(table, seed) for seed, (name, table) in enumerate(tables.items())}
    read = read_official(save(tmp_path / "30000_nets_ema.ckpt", nets))
    assert read.kind == "idsg"
    assert (read.config.idsg.classes, read.config.idsg.feature_dim) == (classes, features)
    generator = torch.Generator().manual_seed(9)
    landmarks, r_s = torch.rand(3, 136, generator=generator), torch.rand(3, features, generator=generator)
    with torch.no_grad():
        code = reference.perceptron(nets["lm_linear_encoder"], landmarks)
        close(read.modules["landmark_encoder"](landmarks), code)
        drawn = torch.sigmoid(reference.perceptron(nets["linear_decoder"], torch.cat([code, r_s], dim=1)))
        close(read.modules["landmark_decoder"](code, r_s), drawn)
        logit = reference.perceptron(nets["linear_discriminator"], landmarks)
        close(read.modules["landmark_discriminator"](landmarks), logit[:, 0])
        scores = torch.sigmoid(reference.perceptron(nets["linear_classfier"], landmarks))
        close(read.modules["identity_classifier"](landmarks), scores)


def test_key_tables_round_trip() -> None:
    config = compat()
    with torch.device("meta"):
        face = _bare(config, second_head=True).face
        style = _bare(config).style
        critics = Discriminators(config.model_copy(update={"rfg": RfgConfig(discriminators="pix2pix")})).members
    for module, names, table in (
        (face, official_names(face), "rfg_ema.generator"),
        (style, official_names(style), "rfg_ema.style_encoder"),
        (critics["shape"], official_names(critics["shape"]), "rfg_train_extra.discriminator"),
        (critics["shape"], pix2pix_names(critics["shape"]), "rfg_pix2pix.discriminator"),  # type: ignore[arg-type]
        (critics["shape_half"], pix2pix_names(critics["shape_half"]), "rfg_pix2pix.discriminator2"),  # type: ignore[arg-type]
    ):
        ours = {names[name]: list(value.shape) for name, value in module.state_dict().items()}
        assert ours == KEYS[table]


def _bare(config: DgConfig, *, second_head: bool = False) -> DgModel:
    from dgbench.models.dg.generator import FaceGenerator
    from dgbench.models.dg.style_encoder import StyleEncoder

    bare = DgModel.__new__(DgModel)
    torch.nn.Module.__init__(bare)
    rfg = config.rfg.model_copy(update={"second_head": second_head})
    bare.face = FaceGenerator(config.model_copy(update={"rfg": rfg}))
    bare.style = StyleEncoder(config)
    return bare


def small_files(folder: Path) -> tuple[Path, Path]:
    rfg = {name: random_state(table) for name, table in rfg_tables("plain").items() if name != "discriminator"}
    idsg = {
        "linear_decoder": random_state({**KEYS["idsg_ema.linear_decoder"], "main.0.weight": [512, 136 + 16]}),
        "lm_linear_encoder": random_state(KEYS["idsg_ema.lm_linear_encoder"]),
    }
    return save(folder / "501500_nets_ema.ckpt", rfg), save(folder / "30000_nets_ema.ckpt", idsg)


def test_halves_imported_one_after_the_other_make_one_model(tmp_path: Path) -> None:
    rfg, idsg = small_files(tmp_path)
    first = import_official([rfg], tmp_path / "out", map_value=1 / 255)
    assert first.parts == ("rfg",)
    with pytest.raises(UsageError, match="needs idsg too"):
        load_checkpoint(tmp_path / "out").model()
    second = import_official([idsg], tmp_path / "out")
    assert second.parts == ("idsg", "rfg") and set(second.files) == {"idsg", "rfg"}
    checkpoint = load_checkpoint(tmp_path / "out")
    assert checkpoint.config.map == MapConfig(rule="profile", value=1 / 255)
    assert checkpoint.config.idsg == IdsgConfig(
        coordinates="xy", visibility=False, feature_dim=16, sigmoid_classifier=True
    )
    together = import_official([idsg, rfg], tmp_path / "both", map_value=1 / 255)
    assert together.weights_sha256 == second.weights_sha256
    model = checkpoint.model()
    assert torch.equal(model.face.stem.weight, torch.load(rfg, weights_only=True)["generator"]["from_rgb.weight"])


def test_two_files_of_one_kind_are_refused(tmp_path: Path) -> None:
    rfg, _ = small_files(tmp_path)
    with pytest.raises(UsageError, match="both files are rfg"):
        import_official([rfg, rfg], tmp_path / "out")
    assert not (tmp_path / "out").exists()


class Harmful:
    """Would run code if unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('ran')",))


def test_bad_files_are_refused_with_what_differed(tmp_path: Path) -> None:
    plain = {name: random_state(t) for name, t in rfg_tables("plain").items() if name != "discriminator"}
    with pytest.raises(MissingError, match="no such file"):
        read_official(tmp_path / "absent.ckpt")

    (tmp_path / "harmful.ckpt").write_bytes(pickle.dumps(Harmful()))
    torch.save({"generator": Harmful()}, tmp_path / "harmful2.ckpt")
    (tmp_path / "text.ckpt").write_text("not a checkpoint")
    (tmp_path / "empty.ckpt").write_bytes(b"")
    for name in ("harmful", "harmful2", "text", "empty"):
        with pytest.raises(UsageError, match="plain tensors"):
            read_official(tmp_path / f"{name}.ckpt")

    whole = save(tmp_path / "whole.ckpt", plain).read_bytes()
    (tmp_path / "cut.ckpt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UsageError, match="plain tensors"):
        read_official(tmp_path / "cut.ckpt")

    with pytest.raises(UsageError, match="not a table of tensors"):
        read_official(save(tmp_path / "optims.ckpt", {"generator": {"state": {}}}))  # type: ignore[dict-item]
    with pytest.raises(UsageError, match="expected generator"):
        read_official(save(tmp_path / "other.ckpt", {"netG": plain["generator"]}))

    fewer = {**plain, "generator": {k: v for k, v in plain["generator"].items() if k != "decode.2.conv1.bias"}}
    with pytest.raises(UsageError, match=r"1 keys missing \(decode.2.conv1.bias\)"):
        read_official(save(tmp_path / "fewer.ckpt", fewer))
    more = {**plain, "generator": {**plain["generator"], "extra.weight": torch.zeros(1)}}
    with pytest.raises(UsageError, match=r"1 keys unknown \(extra.weight\)"):
        read_official(save(tmp_path / "more.ckpt", more))
    other = {**plain, "generator": {**plain["generator"], "to_rgb.2.weight": torch.zeros(5, 4, 1, 1)}}
    with pytest.raises(UsageError, match=r"to_rgb.2.weight is \(5, 4, 1, 1\), expected \(3, 4, 1, 1\)"):
        read_official(save(tmp_path / "shape.ckpt", other))
    six = {**plain, "generator": {**plain["generator"], "from_rgb.weight": torch.zeros(4, 6, 3, 3)}}
    with pytest.raises(UsageError, match="takes 6 channels"):
        read_official(save(tmp_path / "six.ckpt", six))
