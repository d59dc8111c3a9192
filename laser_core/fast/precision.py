"""Which precision to compute in, decided by a short measurement unless the user names one."""

from __future__ import annotations

import copy
import os
import time
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import TypeVar

import torch

Model = TypeVar("Model", bound=torch.nn.Module)

# Large tensors in huge pages: 5 to 8% of a training step on a CPU. PyTorch reads this at its first allocation of 2 MB
# or more.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")


@cache
def pick_dtype(choice: str) -> torch.dtype:
    """The precision by name; ``auto`` takes bfloat16 where a matrix product is measurably faster in it.

    The measurement takes about 20 ms: CPUs without native bfloat16 emulate it, many times slower.
    """
    if choice != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[choice]
    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
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
    """The model in ``dtype``: itself if it already is, else a copy for inference."""
    return model if next(model.parameters()).dtype == dtype else copy.deepcopy(model).to(dtype).eval()
