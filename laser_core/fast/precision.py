"""Which precision to compute in, decided by a short measurement unless the user names one."""

from __future__ import annotations

import copy
import os
import time
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from laser_core.fast.devices import CPU

Model = TypeVar("Model", bound=torch.nn.Module)

# Large tensors in huge pages: 5 to 8% of a training step on a CPU. PyTorch reads this at its first allocation of 2 MB
# or more.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")


@cache
def pick_dtype(choice: str, device: torch.device = CPU) -> torch.dtype:
    """The precision of matrix products on a device, by name.

    ``auto`` takes bfloat16 on a GPU whose cores have it, and on a CPU where a matrix product is measurably faster in
    it: that measurement takes about 20 ms, and CPUs without native bfloat16 emulate it, many times slower.
    """
    if choice != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[choice]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    if device.type != "cpu":
        return torch.float32
    seconds = {dtype: _product_seconds(dtype) for dtype in (torch.float32, torch.bfloat16)}
    return torch.bfloat16 if seconds[torch.bfloat16] < 0.8 * seconds[torch.float32] else torch.float32


def _product_seconds(dtype: torch.dtype) -> float:
    """Shortest of ten times that a matrix product took: other programs can lengthen a time, not shorten it."""
    a, b = torch.ones(2048, 128, dtype=dtype), torch.ones(128, 512, dtype=dtype)
    times = []
    for _ in range(11):
        start = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - start)
    return min(times[1:])


def autocast(dtype: torch.dtype, device: str = "cpu") -> AbstractContextManager:
    """Mixed precision: weights stay float32, matrix products run in ``dtype``."""
    return nullcontext() if dtype == torch.float32 else torch.autocast(device, dtype=dtype)


def cast(model: Model, dtype: torch.dtype) -> Model:
    """The model in ``dtype``: itself if it already is, else a copy for inference.

    Parameters alone are rounded. Buffers keep their precision: with a rotation's frequencies in bfloat16, the 100th
    token would be turned by a wrong angle.
    """
    if next(model.parameters()).dtype == dtype:
        return model
    rounded: dict[int, Any] = {
        id(p): nn.Parameter(p.detach().to(dtype), requires_grad=False) for p in model.parameters()
    }
    return copy.deepcopy(model, rounded).eval()


def output_logits(hidden: Tensor, head: nn.Linear) -> Tensor:
    """An output layer's logits, always in float32: near -23 nats bfloat16 resolves no better than 1/8 nat.

    Parameters
    ----------
    hidden : Tensor of shape (..., D)
        In any precision.
    head : Linear
        With weights in any precision; no float32 copy of them is made on an NVIDIA GPU.

    Returns
    -------
    float32 Tensor of shape (..., V)
    """
    bias = getattr(head, "bias", None)
    if head.weight.dtype == torch.float32:
        return F.linear(hidden.float(), head.weight, None if bias is None else bias.float())
    logits: Tensor = _WideProduct.apply(hidden.reshape(-1, hidden.shape[-1]), head.weight)
    logits = logits.view(*hidden.shape[:-1], -1)
    return logits if bias is None else logits + bias.float()


class _WideProduct(torch.autograd.Function):
    """x @ weight.T in float32, of weights in bfloat16.

    A float32 x enters as the sum of two bfloat16 numbers, which keep 16 of its bits.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        coarse = x.to(weight.dtype)
        logits = _product_in_float32(coarse, weight)
        if x.dtype != weight.dtype:
            logits += _product_in_float32((x - coarse).to(weight.dtype), weight)
        return logits

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        rounded = grad.to(weight.dtype)
        to_x = (rounded @ weight).to(x.dtype) if ctx.needs_input_grad[0] else None
        return to_x, rounded.T @ x.to(weight.dtype) if ctx.needs_input_grad[1] else None


def _product_in_float32(x: Tensor, weight: Tensor) -> Tensor:
    if x.device.type == "cuda":
        return torch.mm(x, weight.T, out_dtype=torch.float32)
    return x.float() @ weight.T.float()
