"""The two optimisation steps wired to Lightning Fabric: precision, gradient averaging, clipping, the NaN guard."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from dgbench.core.digests import seed_of
from dgbench.core.errors import WorkFailedError
from dgbench.training.dg import idsg_step, rfg_step
from dgbench.training.dg.batches import IdsgBatch, RfgBatch, idsg_batch, rfg_batch, to_device
from dgbench.training.dg.config import Network, Phase
from dgbench.training.dg.critic_augment import CriticChange, next_probability
from dgbench.training.dg.draws import Drawer
from dgbench.training.dg.frames import FrameBank
from dgbench.training.dg.frozen import FrozenNetworks
from dgbench.training.dg.source_embeddings import SourceEmbeddings
from dgbench.training.dg.state import TrainState


class NotFiniteError(WorkFailedError):
    """A loss or gradient is NaN or infinite; nothing was updated by it."""


class Trainer:
    """Runs single steps on a state. A step is a function of the state, the data and the step's number alone.

    Every process draws the whole batch and takes its share; gradients are averaged over processes by hand, so
    that several forwards and R1's second derivative need no wrapper around the networks.
    """

    def __init__(
        self,
        fabric: Fabric,
        state: TrainState,
        *,
        bank: FrameBank,
        features: Tensor,
        frozen: FrozenNetworks,
    ) -> None:
        config = state.config
        self.fabric, self.state, self.bank, self.features, self.frozen = fabric, state, bank, features, frozen
        self._drawer = Drawer(bank, seed=config.seed)
        self._sources = SourceEmbeddings(bank, frozen.embedder if config.rfg.identity_cosine > 0 else None)
        self._layout = torch.channels_last if config.channels_last else torch.contiguous_format
        self._groups: dict[str, nn.Module] = {
            "shape": state.model.shape,
            "landmark": state.critics.landmark,
            "identity": state.critics.identity,
            "face": nn.ModuleList([state.model.face, state.model.style]),
            "face_critics": state.critics.face,
        }
        wrapped = fabric.setup_optimizers(*state.optimisers.values())
        self._parameters = {name: list(module.parameters()) for name, module in self._groups.items()}
        self._optimisers: dict[str, Any] = dict(zip(state.optimisers, wrapped, strict=True))

    def idsg(self, phase: Phase, step: int) -> dict[str, Tensor]:
        """Do step ``step`` of a shape phase; returns its detached terms."""
        config, state = self.state.config, self.state
        weights, model, critics = config.idsg, state.model, state.critics
        batch = self.idsg_batch(phase, step)
        self._set_rates(phase, step)
        with self.fabric.autocast():
            shapes = idsg_step.generate_shapes(model, batch)
        terms: dict[str, Tensor] = {}
        if weights.adversarial > 0:
            with self.fabric.autocast():
                found = idsg_step.discriminator_loss(critics, batch, shapes, model=config.model, weights=weights)
            terms |= self._update("landmark", found)
        if weights.subject_class > 0:
            with self.fabric.autocast():
                found = idsg_step.classifier_loss(critics, batch, model=config.model, weights=weights)
            terms |= self._update("identity", found)
        self._listen(("landmark", "identity"), learning=False)
        with self.fabric.autocast():
            found = idsg_step.generator_loss(model, critics, batch, shapes, weights=weights, stage=phase.stage)
        terms |= self._update("shape", found)
        self._listen(("landmark", "identity"), learning=True)
        state.move_average(("shape",))
        return terms

    def rfg(self, phase: Phase, step: int) -> dict[str, Tensor]:
        """Do step ``step`` of a face phase; returns its detached terms."""
        state, layout = self.state, self._layout
        weights, model, critics = state.config.rfg, state.model, state.critics
        batch = self.rfg_batch(phase, step)
        self._set_rates(phase, step)
        faces_done = self._faces_before(phase) + step
        adversarial = weights.adversarial > 0 and faces_done >= weights.adversarial_from
        with self.fabric.autocast():
            drawn = self.draw(phase, step, batch)
        terms: dict[str, Tensor] = {}
        if adversarial:
            with self.fabric.autocast():
                found, sign = rfg_step.discriminators_loss(
                    critics,
                    model,
                    batch,
                    drawn,
                    weights=weights,
                    with_r1=faces_done % weights.r1_every == 0,
                    layout=layout,
                    changes=self._changes(phase, step),
                    full_precision=lambda: torch.autocast(self.fabric.device.type, enabled=False),
                )
            terms |= self._update("face_critics", found)
            terms |= self._watch_critics(sign)
        self._listen(("face_critics",), learning=False)
        with self.fabric.autocast():
            found = rfg_step.generator_loss(
                model,
                critics,
                batch,
                drawn,
                weights=weights,
                frozen=self.frozen,
                adversarial=adversarial,
                layout=layout,
                with_style=faces_done % weights.style_every == 0,
                source=self._sources.of(batch.source_rows),
                change=self._change(phase, step, "generator"),
            )
        terms |= {f"g_{name}": value for name, value in self._update("face", found).items()}
        self._listen(("face_critics",), learning=True)
        state.move_average(("face", "style"))
        return terms

    def _changes(self, phase: Phase, step: int) -> tuple[CriticChange, CriticChange] | None:
        real, made = (self._change(phase, step, name) for name in ("real", "made"))
        return None if real is None or made is None else (real, made)

    def _change(self, phase: Phase, step: int, what: str) -> CriticChange | None:
        config = self.state.config
        if not config.rfg.augment_critics:
            return None
        seed = seed_of(config.seed, "critics", what, self._name(phase), step, self.fabric.global_rank) >> 1
        probability = float(self.state.critics.augment_probability)
        size = config.rfg.batch // self.fabric.world_size
        return CriticChange.draw(size, size=config.model.size, probability=probability, seed=seed).to(
            self.fabric.device
        )

    def _watch_critics(self, sign: Tensor) -> dict[str, Tensor]:
        """Return how sure the discriminators are of real images, and let their augmentation follow."""
        rfg = self.state.config.rfg
        if self.fabric.world_size > 1:
            sign = self.fabric.all_reduce(sign, reduce_op="mean")  # type: ignore[assignment]
        told = {"d_real_sign": sign}
        if rfg.augment_critics:
            kept = self.state.critics.augment_probability
            now = next_probability(float(kept), mean_sign=float(sign), aim=rfg.augment_critics, images=rfg.batch)
            kept.fill_(now)
            told["d_augment"] = kept.clone()
        return told

    def idsg_batch(self, phase: Phase, step: int) -> IdsgBatch:
        """Build this process's share of a shape batch."""
        size = self.state.config.idsg.batch
        name = self._name(phase)
        draw = self._drawer.draw(name, step, size)
        batch = idsg_batch(
            self.bank,
            self.features,
            draw,
            augment=self.state.config.augment,
            seed=seed_of(self.state.config.seed, name, step),
            part=self._share(size),
        )
        return to_device(batch, self.fabric.device)

    def rfg_batch(self, phase: Phase, step: int) -> RfgBatch:
        """Build this process's share of a face batch."""
        config = self.state.config
        name = self._name(phase)
        batch = rfg_batch(
            self.bank,
            self.features,
            self._drawer.draw(name, step, config.rfg.batch),
            cross_share=config.rfg.cross_share if phase.stage == "cross" else 0.0,
            cross_truth=config.rfg.cross_truth != "never",
            augment=config.augment,
            augment_colour=config.augment_colour,
            seed=seed_of(config.seed, name, step),
            part=self._share(config.rfg.batch),
        )
        return to_device(batch, self.fabric.device)

    def draw(self, phase: Phase, step: int, batch: RfgBatch) -> rfg_step.Drawn:
        """Generate the faces of a batch, with the phase's share of maps from the shape generator."""
        config = self.state.config
        share = config.rfg.generated_maps
        if phase.stage == "self" and step < phase.steps / 2:
            share = 0.0
        draw = torch.Generator().manual_seed(seed_of(config.seed, "maps", self._name(phase), step) >> 1)
        chosen = torch.rand(config.rfg.batch, generator=draw)[self._share(config.rfg.batch)] < share
        noise = None
        if config.model.rfg.noise:
            noise = torch.Generator().manual_seed(
                seed_of(config.seed, "noise", self._name(phase), step, self.fabric.global_rank) >> 1
            )
        return rfg_step.draw_faces(
            self.state.model,
            self.state.average,
            batch,
            generated=chosen.to(self.fabric.device),
            layout=self._layout,
            noise=noise,
        )

    def _name(self, phase: Phase) -> str:
        place = next(i for i, other in enumerate(self.state.config.phases) if other is phase)
        return f"{place}-{phase.stage}-{phase.network}"

    def _faces_before(self, phase: Phase) -> int:
        done = 0
        for earlier in self.state.config.phases:
            if earlier is phase:
                break
            done += earlier.steps if earlier.network == "rfg" else 0
        return done

    def _listen(self, critics: tuple[str, ...], *, learning: bool) -> None:
        """Let critics learn, or only pass gradients through: what they would learn in a generator's step is waste."""
        for name in critics:
            for parameter in self._parameters[name]:
                parameter.requires_grad_(learning)

    def _share(self, size: int) -> slice:
        each = size // self.fabric.world_size
        return slice(each * self.fabric.global_rank, each * (self.fabric.global_rank + 1))

    def _set_rates(self, phase: Phase, step: int) -> None:
        progress = step / max(1, phase.steps - 1)
        share = phase.lr * (phase.lr_end + (1 - phase.lr_end) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))
        idsg, rfg = self.state.config.idsg, self.state.config.rfg
        rates = {
            "shape": idsg.lr,
            "landmark": idsg.lr,
            "identity": idsg.lr_classifier,
            "face": rfg.lr,
            "face_critics": rfg.lr_discriminators,
        }
        for name, optimiser in self.state.optimisers.items():
            for group in optimiser.param_groups:
                group["lr"] = rates[name] * share

    def rates(self, network: Network) -> dict[str, float]:
        """Return the learning rates of the last step of ``idsg`` or ``rfg``, as they are logged."""
        names = ("shape", "identity") if network == "idsg" else ("face", "face_critics")
        return {f"run/lr_{name}": float(self.state.optimisers[name].param_groups[0]["lr"]) for name in names}

    def _update(self, name: str, terms: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Take one optimiser step on the sum of ``terms``, unless a loss or the gradient is not finite."""
        module, optimiser = self._groups[name], self._optimisers[name]
        total = torch.stack([term.float() for term in terms.values()]).sum()
        self._guard(total, f"the loss of '{name}'", terms)
        optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(total)
        self._average_gradients(module)
        limit = self.state.config.clip or math.inf  # without clipping the norm is still looked at
        norm = self.fabric.clip_gradients(module, optimiser, max_norm=limit, error_if_nonfinite=False)
        if self.state.config.precision != "16-mixed":  # there the loss scaler skips such steps by itself
            self._guard(torch.as_tensor(norm), f"the gradient of '{name}'", terms)
        optimiser.step()
        return {key: value.detach() for key, value in terms.items()}

    def _average_gradients(self, module: nn.Module) -> None:
        if self.fabric.world_size == 1:
            return
        with_gradient = [parameter for parameter in module.parameters() if parameter.grad is not None]
        flat = torch.cat([parameter.grad.flatten() for parameter in with_gradient if parameter.grad is not None])
        flat = self.fabric.all_reduce(flat, reduce_op="mean")  # type: ignore[assignment]
        start = 0
        for parameter in with_gradient:
            assert parameter.grad is not None
            parameter.grad.copy_(flat[start : start + parameter.numel()].view_as(parameter))
            start += parameter.numel()

    def _guard(self, value: Tensor, what: str, terms: Mapping[str, Tensor]) -> None:
        bad = (~torch.isfinite(value.detach())).float()
        if self.fabric.world_size > 1:
            bad = self.fabric.all_reduce(bad, reduce_op="sum")  # type: ignore[assignment]
        if bool(bad):
            shown = ", ".join(f"{key} {float(term.detach()):.4g}" for key, term in terms.items())
            raise NotFiniteError(f"{what} is not finite at step {self.state.step + 1} ({shown})")
