"""A model's last layers alone, over cached states of the others: training them costs what they cost, not the model.

The layers below are frozen, so what they compute for a solution never changes: it is computed once, kept in bfloat16,
and handed to the layers above in every pass. The model's own forward pass runs throughout, with the layers below made
to return what was kept: masks, positions and the last norm stay the architecture's own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from laser_core.errors import InputError
from laser_core.fast.packed import Packed
from laser_core.fast.precision import autocast

_NAMES = ("layers", "h", "blocks")  # what architectures call the list of their layers


class _Reached(Exception):
    """Carries the states that enter the first of the top layers."""

    def __init__(self, states: Tensor) -> None:
        super().__init__()
        self.states = states


@dataclass(frozen=True)
class TopLayers:
    """The last ``n`` layers of a model.

    Attributes
    ----------
    model : PreTrainedModel
        The layers below, the embeddings and the output layer stay as they are.
    n : int
    dtype : torch.dtype
        Of the matrix products.
    """

    model: PreTrainedModel
    n: int
    dtype: torch.dtype

    def __post_init__(self) -> None:
        total = len(self.layers)
        if not 0 < self.n < total:
            raise InputError(
                f"{self.n} of {total} layers cannot be the top ones",
                field="fit_layers",
                remedy=f"give 1 to {total - 1}, or set fit_weights = all",
            )

    @property
    def layers(self) -> nn.ModuleList:
        """All layers of the model."""
        base = self.model.base_model
        found = next((getattr(base, n) for n in _NAMES if isinstance(getattr(base, n, None), nn.ModuleList)), None)
        if found is None:
            raise InputError(
                f"the layers of a {self.model.config.model_type} model are not known here",
                field="fit_weights",
                remedy="set fit_weights = all",
            )
        return found

    def train_only_these(self) -> None:
        """Switch gradients off everywhere else. What was frozen in them stays so: the weights beside an adapter."""
        top = {id(parameter) for layer in self.layers[-self.n :] for parameter in layer.parameters()}
        for parameter in self.model.parameters():
            parameter.requires_grad_(parameter.requires_grad and id(parameter) in top)

    @torch.no_grad()
    def below(self, packed: Packed) -> Tensor:
        """What the layers below compute for packed solutions: bfloat16 of shape (G, S, D)."""

        def stop(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            raise _Reached(args[0] if args else kwargs["hidden_states"])

        hook = self.layers[-self.n].register_forward_pre_hook(stop, with_kwargs=True)
        try:
            self._run(packed)
        except _Reached as reached:
            return reached.states.to(torch.bfloat16)
        finally:
            hook.remove()
        raise AssertionError("the model ran without its top layers")

    def above(self, packed: Packed, states: Tensor) -> Tensor:
        """The last hidden states (G, S, D) of packed solutions whose states below are given; gradients flow."""
        with self._below_given(states.to(self.model.device).float()):
            return self._run(packed)

    def _run(self, packed: Packed) -> Tensor:
        """The model's own forward pass; right-padding needs no mask, several solutions of a prompt do."""
        device, seen = self.model.device, {}
        if packed.branches:
            additive = self.model.config._attn_implementation != "sdpa"
            seen = {
                "attention_mask": packed.mask(device, additive=additive),
                "position_ids": packed.position.to(device),
            }
        with autocast(self.dtype, device.type):
            hidden: Tensor = self.model.base_model(packed.tokens.to(device), use_cache=False, **seen).last_hidden_state
        return hidden

    @contextlib.contextmanager
    def _below_given(self, states: Tensor) -> Iterator[None]:
        """While the block runs, the first layer returns the states, and the other ones below hand them on."""
        first, *others = self.layers[: -self.n]
        first.forward = _given(states)
        for layer in others:
            layer.forward = _handed_on
        try:
            yield
        finally:
            for layer in (first, *others):
                del layer.forward  # the class's own shows again


def _given(states: Tensor) -> Callable[..., Tensor]:
    return lambda *args, **kwargs: states


def _handed_on(hidden_states: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    return hidden_states
