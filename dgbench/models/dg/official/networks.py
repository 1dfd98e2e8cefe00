"""Reads the authors' released checkpoints safely, tells the variant by its keys, and refuses what does not fit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn

from dgbench.core.digests import sha256_file
from dgbench.core.errors import MissingError, UsageError
from dgbench.models.dg.config import DgConfig, IdsgConfig, MapConfig, RfgConfig, compat
from dgbench.models.dg.discriminators import Discriminators
from dgbench.models.dg.idsg import IdentityClassifier, LandmarkDiscriminator
from dgbench.models.dg.model import DgModel
from dgbench.models.dg.official.names import official_names, pix2pix_names
from dgbench.networks.torch_file import read_tensors

State = Mapping[str, Tensor]
Kind = Literal["idsg", "rfg"]
_IDSG = {"linear_decoder", "lm_linear_encoder"}
_IDSG_EXTRA = {"linear_discriminator", "linear_classfier"}
_RFG_EXTRA = {"discriminator", "discriminator2"}


@dataclass(frozen=True)
class OfficialFile:
    """One official checkpoint, read and checked.

    Attributes:
        kind: ``idsg`` or ``rfg``.
        config: the ``compat`` configuration with the variant that the keys show; of the other half, the default.
        modules: our networks with the official weights in them, by name (``face``, ``style``, ``landmark_encoder``,
            ``landmark_decoder``, ``landmark_discriminator``, ``identity_classifier``, ``discriminator``,
            ``discriminator2``).
        sha256: digest of the file.
        dropped: official keys that have no use and were left out.
    """

    kind: Kind
    config: DgConfig
    modules: Mapping[str, nn.Module]
    sha256: str
    dropped: tuple[str, ...]


def read_official(path: Path, *, map_value: float = 1.0, second_head: bool = False) -> OfficialFile:
    """Read an official ``*_nets_ema.ckpt`` (or ``*_nets.ckpt``) without running anything in it.

    Args:
        path: the file.
        map_value: brightness of map lines for the imported generator: 1 as in its training, 1/255 as in the demo.
        second_head: keep the generator's unused four-channel head.

    Raises:
        MissingError: no such file.
        UsageError: not a plain tensor checkpoint, another kind of checkpoint, or keys and shapes that differ.
    """
    nets = _load_nets(path)
    names = set(nets)
    dropped: tuple[str, ...] = ()
    if names >= _IDSG and names <= _IDSG | _IDSG_EXTRA:
        kind: Kind = "idsg"
        config = _idsg_config(nets, path)
        modules = _fill_idsg(nets, config, path)
    elif (
        "generator" in names
        and names & {"style_encoder", "mlp"}
        and names
        <= {
            "generator",
            "style_encoder",
            "mlp",
            *_RFG_EXTRA,
        }
    ):
        kind = "rfg"
        config = _rfg_config(nets, path, map_value=map_value, second_head=second_head)
        modules, dropped = _fill_rfg(nets, config, path)
    else:
        raise UsageError(
            f"{path}: holds {', '.join(sorted(names)[:6])}; expected generator + style_encoder (RFG) or "
            "linear_decoder + lm_linear_encoder (IDSG), as in the authors' *_nets_ema.ckpt"
        )
    return OfficialFile(kind=kind, config=config, modules=modules, sha256=sha256_file(path), dropped=dropped)


def _load_nets(path: Path) -> dict[str, dict[str, Tensor]]:
    if not path.is_file():
        raise MissingError(f"{path}: no such file; the authors offer their checkpoints on the page of their paper")
    loaded: Any = read_tensors(path)
    if not isinstance(loaded, dict) or not loaded:
        raise UsageError(f"{path}: holds {type(loaded).__name__}, not named networks; give a *_nets_ema.ckpt file")
    for name, net in loaded.items():
        if not isinstance(net, dict) or not all(isinstance(value, Tensor) for value in net.values()):
            raise UsageError(
                f"{path}: {name!r} is not a table of tensors; give the authors' *_nets_ema.ckpt, "
                "not optimiser state or a single network"
            )
    return loaded


def _shape(net: State, key: str, path: Path) -> tuple[int, ...]:
    if key not in net:
        raise UsageError(f"{path}: key {key!r} is missing, so this is not one of the released networks")
    return tuple(net[key].shape)


def _idsg_config(nets: Mapping[str, State], path: Path) -> DgConfig:
    encoder, decoder = nets["lm_linear_encoder"], nets["linear_decoder"]
    depth = sum(key.endswith(".weight") for key in encoder) - 1
    last = f"main.{2 * depth}.weight"
    hidden, inputs = _shape(encoder, "main.0.weight", path)
    code = _shape(encoder, last, path)[0]
    if inputs != 136:
        raise UsageError(f"{path}: the landmark encoder takes {inputs} values; the released one takes 136")
    wide, total = _shape(decoder, "main.0.weight", path)
    if total <= code:
        raise UsageError(f"{path}: the landmark decoder takes {total} values, its code alone has {code}")
    classifier = nets.get("linear_classfier")
    classes = _shape(classifier, "main_3.0.weight", path)[0] if classifier is not None else 1454
    default = compat()
    idsg = IdsgConfig(
        coordinates="xy",
        visibility=False,
        feature_dim=total - code,
        code_dim=code,
        hidden=hidden,
        decoder_hidden=wide,
        depth=depth,
        classes=classes,
        sigmoid_classifier=True,
    )
    return default.model_copy(update={"idsg": idsg})


def _count(net: State, pattern: str) -> int:
    head, tail = pattern.split("N")
    return len({key[len(head) :].split(".")[0] for key in net if key.startswith(head) and key.endswith(tail)})


def _rfg_config(nets: Mapping[str, State], path: Path, *, map_value: float, second_head: bool) -> DgConfig:
    generator = nets["generator"]
    base, channels_in = _shape(generator, "from_rgb.weight", path)[:2]
    if channels_in != 3:
        raise UsageError(f"{path}: the generator takes {channels_in} channels (a follow-up model); DG's takes 3")
    levels = _count(generator, "encode.N.conv1.weight")
    if "style_encoder" in nets:
        size = 2 ** (_count(nets["style_encoder"], "shared.N.conv2.weight") + 2)
        style_dim = _shape(nets["style_encoder"], "fc.weight", path)[0]
        embedded = 4096
    else:
        size = 2 ** int(math.log2(2**14 / base))
        style_dim, embedded = _shape(nets["mlp"], "mlp.0.weight", path)
    style = nets.get("style_encoder", {})
    widest = max(value.shape[0] for net in nets.values() for key, value in net.items() if key.endswith("conv2.weight"))
    if not 64 <= size <= 512:
        raise UsageError(f"{path}: the networks are for {size} px images; 64 to 512 are supported")
    rfg = RfgConfig(
        base_channels=base,
        max_channels=widest,
        style_dim=style_dim,
        noise="decode.0.noise.weight" in generator,
        high_pass=levels > int(math.log2(size)) - 4,
        self_attention=any(key.endswith(".query_conv.weight") for key in style),
        id_embed="mlp" in nets,
        id_embed_dim=embedded,
        second_head=second_head,
        discriminators="pix2pix" if "discriminator2" in nets else "shape",
    )
    default = compat(size=size)
    return default.model_copy(update={"rfg": rfg, "map": MapConfig(rule="profile", value=map_value)})


def _fill(module: nn.Module, net: State, names: Mapping[str, str], *, what: str, path: Path) -> None:
    """Load ``net`` into ``module`` by ``names`` (ours → official), refusing any difference in keys or shapes."""
    own = module.state_dict()
    missing = [key for key in names.values() if key not in net]
    extra = sorted(set(net) - set(names.values()))
    shapes = [
        f"{key} is {tuple(net[key].shape)}, expected {tuple(own[name].shape)}"
        for name, key in names.items()
        if key in net and net[key].shape != own[name].shape
    ]
    problems = [
        *([f"{len(missing)} keys missing ({', '.join(missing[:3])})"] if missing else []),
        *([f"{len(extra)} keys unknown ({', '.join(extra[:3])})"] if extra else []),
        *([f"{len(shapes)} shapes differ ({'; '.join(shapes[:3])})"] if shapes else []),
    ]
    if problems:
        raise UsageError(f"{path}: {what} is not the released network: {'; '.join(problems)}")
    module.load_state_dict({name: net[key].float() for name, key in names.items()})


def _fill_idsg(nets: Mapping[str, State], config: DgConfig, path: Path) -> dict[str, nn.Module]:
    shape = DgModel(config.model_copy(update={"rfg": _SMALLEST, "size": 64})).shape
    modules: dict[str, nn.Module] = {
        "landmark_encoder": shape.landmark_encoder,
        "landmark_decoder": shape.landmark_decoder,
    }
    official = {"landmark_encoder": "lm_linear_encoder", "landmark_decoder": "linear_decoder"}
    if "linear_discriminator" in nets:
        modules["landmark_discriminator"] = LandmarkDiscriminator(config.idsg)
        official["landmark_discriminator"] = "linear_discriminator"
    if "linear_classfier" in nets:
        modules["identity_classifier"] = IdentityClassifier(config.idsg)
        official["identity_classifier"] = "linear_classfier"
    for name, module in modules.items():
        _fill(module, nets[official[name]], official_names(module), what=official[name], path=path)
        module.eval()
    return modules


_SMALLEST = RfgConfig(base_channels=4, max_channels=4, style_dim=4)


def _fill_rfg(nets: Mapping[str, State], config: DgConfig, path: Path) -> tuple[dict[str, nn.Module], tuple[str, ...]]:
    tiny_shape = config.model_copy(update={"idsg": IdsgConfig(feature_dim=1, hidden=1, decoder_hidden=1)})
    model = DgModel(tiny_shape)
    generator = dict(nets["generator"])
    dropped: tuple[str, ...] = ()
    if not config.rfg.second_head:
        dropped = tuple(sorted(key for key in generator if key.startswith("to_rgb_lm.")))
        generator = {key: value for key, value in generator.items() if key not in dropped}
    _fill(model.face, generator, official_names(model.face), what="generator", path=path)
    style = "mlp" if config.rfg.id_embed else "style_encoder"
    _fill(model.style, nets[style], official_names(model.style), what=style, path=path)
    modules: dict[str, nn.Module] = {"face": model.face.eval(), "style": model.style.eval()}
    if "discriminator" in nets:
        critics = Discriminators(config).members
        names = pix2pix_names if config.rfg.discriminators == "pix2pix" else official_names
        for ours, theirs in (("shape", "discriminator"), ("shape_half", "discriminator2")):
            if ours in critics:
                _fill(critics[ours], nets[theirs], names(critics[ours]), what=theirs, path=path)  # type: ignore[arg-type]
                modules[theirs] = critics[ours].eval()
    return modules, dropped
