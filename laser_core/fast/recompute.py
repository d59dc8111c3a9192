"""Compute a model's layers again in the backward pass instead of keeping what they computed: less memory, more time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial

from torch import nn
from torch.utils.checkpoint import checkpoint
from transformers.modeling_layers import GradientCheckpointingLayer


@contextlib.contextmanager
def recomputing(model: nn.Module, on: bool) -> Iterator[None]:
    """While the block runs, a forward pass keeps each layer's input alone; its backward pass may come later.

    Transformers' own switch asks for training mode, which would turn dropout on.
    """
    layers = [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)] if on else []
    for layer in layers:
        layer.forward = partial(checkpoint, layer.forward, use_reentrant=False, preserve_rng_state=False)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward  # the class's own shows again
