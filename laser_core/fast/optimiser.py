"""AdamW for weights of any precision: bfloat16 weights are trained through float32 copies.

A bfloat16 number has 8 significant bits. An update of 1e-6 to a weight of 0.01 is far below its resolution and would be
rounded away, at every step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

BETA1, BETA2 = 0.9, 0.99


class HasState(Protocol):
    """An optimiser, or several behind one face."""

    def state_dict(self) -> dict[str, Any]: ...  # noqa: D102

    def load_state_dict(self, state_dict: dict[str, Any]) -> None: ...  # noqa: D102


def adamw(model: nn.Module, *, lr: float, weight_decay: float, beta2: float = BETA2) -> torch.optim.AdamW:
    """AdamW over the parameters that are trained, with float32 copies of those in a lower precision.

    Parameters
    ----------
    model : Module
        Parameters with ``requires_grad`` off, such as those below an adapter, are left out.
    lr : float
        Learning rate.
    weight_decay : float
    beta2 : float
        Decay of the mean of squared gradients.

    Returns
    -------
    torch.optim.AdamW
    """
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    kind = torch.optim.AdamW if all(p.dtype == torch.float32 for p in trained) else MasterAdamW
    return kind(trained, lr=lr, betas=(BETA1, beta2), weight_decay=weight_decay)


def trained_by(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """The tensors that hold an optimiser's gradients: the parameters themselves, or their float32 copies."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def load_states(model: nn.Module, optimizer: HasState, weights: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Load a model's and its optimiser's saved states, from a device of the same precision or of another.

    Weights that were saved in float32 become the float32 copies where they are trained in bfloat16, and the other way
    round: a run may move between a CPU and a GPU.

    Raises
    ------
    ValueError, KeyError, RuntimeError
        If they are of another model or optimiser.
    """
    names = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    masters = state.get("masters", [weights[name] for name in names])
    if isinstance(optimizer, MasterAdamW):
        optimizer.load_state_dict(state | {"masters": masters})
        model.load_state_dict(weights, strict=False)  # those that are not trained are the starting model's
    else:
        optimizer.load_state_dict({name: value for name, value in state.items() if name != "masters"})
        model.load_state_dict(weights | dict(zip(names, masters, strict=True)), strict=False)


class MasterAdamW(torch.optim.AdamW):
    """AdamW on float32 copies of the parameters.

    A gradient moves into its copy as soon as a backward pass has finished it, so that micro-batches add up in float32
    and no gradient is held twice. Each step ends by rounding the copies into the parameters.

    Parameters
    ----------
    parameters : list of Parameter
    **options
        AdamW's.
    """

    def __init__(self, parameters: list[nn.Parameter], **options: Any) -> None:
        self.rounded = parameters
        self.masters = [parameter.detach().float().requires_grad_() for parameter in parameters]
        super().__init__(self.masters, **options)
        self._hooks = [
            parameter.register_post_accumulate_grad_hook(_collect_into(master))
            for parameter, master in zip(parameters, self.masters, strict=True)
        ]

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update of the float32 copies, rounded into the parameters."""
        loss = super().step(closure)
        self._round()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """AdamW's, with the float32 copies."""
        return super().state_dict() | {"masters": [master.detach() for master in self.masters]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what :meth:`state_dict` gave; the parameters follow."""
        masters = state_dict["masters"]
        if [m.shape for m in masters] != [m.shape for m in self.masters]:
            raise ValueError("the float32 copies are of another model")
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "masters"})
        with torch.no_grad():
            for master, loaded in zip(self.masters, masters, strict=True):
                master.copy_(loaded)
        self._round()

    @torch.no_grad()
    def _round(self) -> None:
        for parameter, master in zip(self.rounded, self.masters, strict=True):
            parameter.copy_(master)


def _collect_into(master: Tensor) -> Callable[[Tensor], None]:
    def collect(parameter: Tensor) -> None:
        assert parameter.grad is not None
        gradient = parameter.grad.float()
        master.grad = gradient if master.grad is None else master.grad.add_(gradient)
        parameter.grad = None

    return collect
