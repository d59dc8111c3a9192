"""How much memory a causal LM takes, part by part, from the numbers in its configuration. All sizes are in bytes.

Estimates, made to be a little too large: what they leave out is small, and :mod:`laser_core.fast.batches` halves a
batch that did not fit after all. Tests hold them against what PyTorch really keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

CHUNK_LOGITS = 2**25  # most logits held at once, in a forward pass over given solutions (128 MiB in float32)
LONG = 1024  # tokens from which the model's own forward pass reads solutions: the lean one keeps attention weights
ADAM_BYTES = 8  # two float32 moments a parameter
BACKWARD = 1.3  # what a backward pass holds beside the saved activations, as a factor


@dataclass(frozen=True)
class ModelSize:
    """The numbers that decide a causal LM's memory.

    Attributes
    ----------
    parameters : int
        All of them, tied ones once.
    trained : int
        Those that an optimiser updates: all, or an adapter's alone.
    layers, hidden, heads, key_heads, head_width, intermediate, vocabulary : int
        As in its configuration.
    """

    parameters: int
    trained: int
    layers: int
    hidden: int
    heads: int
    key_heads: int
    head_width: int
    intermediate: int
    vocabulary: int

    @classmethod
    def of(cls, model: Any) -> ModelSize:
        """Of a model from transformers; one on the ``meta`` device takes no memory itself."""
        config = model.config.get_text_config()
        heads = config.num_attention_heads
        parameters = list(model.parameters())
        return cls(
            parameters=sum(p.numel() for p in parameters),
            trained=sum(p.numel() for p in parameters if p.requires_grad),
            layers=config.num_hidden_layers,
            hidden=config.hidden_size,
            heads=heads,
            key_heads=getattr(config, "num_key_value_heads", None) or heads,
            head_width=getattr(config, "head_dim", None) or config.hidden_size // heads,
            intermediate=getattr(config, "intermediate_size", None) or 4 * config.hidden_size,
            vocabulary=config.vocab_size,
        )

    @property
    def inner(self) -> int:
        """Parameters of the layers: without embedding and output layer."""
        tables = self.hidden * self.vocabulary
        return max(self.parameters - tables * (2 if self.parameters > 2 * tables + self._layers() / 2 else 1), 0)

    def _layers(self) -> int:
        attention = 2 * self.hidden * self.head_width * (self.heads + self.key_heads)
        return self.layers * (attention + 3 * self.hidden * self.intermediate)

    def cache(self, width: int) -> int:
        """Keys and values of one token, each number ``width`` bytes wide."""
        return 2 * self.layers * self.key_heads * self.head_width * width

    def sampled_row(self, tokens: int, width: int) -> int:
        """A solution that is being sampled: its cache at ``tokens`` tokens, and what its next token is drawn from."""
        logits = 6 * 4 * self.vocabulary  # log-probs, probabilities, their sums, and what is in flight, in float32
        return int(1.1 * self.cache(width) * tokens) + logits

    def activations(self, longest: int, width: int, *, lean: bool, recompute: bool, gradients: bool = True) -> int:
        """What a forward pass holds for each token, in solutions of up to ``longest`` tokens.

        Parameters
        ----------
        longest : int
            Tokens of the longest solution, its prompt included.
        width : int
            Bytes of a number.
        lean : bool
            The lean forward pass keeps its attention weights.
        recompute : bool
            Whether layers are computed again in the backward pass rather than kept.
        gradients : bool
            Whether there will be a backward pass.
        """
        layer = width * (4 * self.intermediate + 12 * self.hidden)
        if lean:
            layer += 8 * self.hidden + self.heads * longest * (8 + width)
        if not gradients:
            return layer + 8 * self.hidden
        between = self.layers * self.hidden * width
        return int(BACKWARD * (between + layer if recompute else self.layers * layer))

    def training(self, width: int) -> dict[str, int]:
        """What training holds from the first step on: weights, gradients and the optimiser's numbers, by part."""
        masters = 4 * self.trained if width < 4 else 0
        return {
            "weights": width * self.parameters,
            "float32 copies": masters,
            "gradients": 4 * self.trained,
            "optimiser": ADAM_BYTES * self.trained,
        }

    def lean_copies(self, width: int, *, gradients: bool) -> int:
        """The lean forward pass's own copies of the layers' weights: fused, and with gradients in float32, too."""
        return self.inner * (width + (12 if gradients else 0))

    def logits(self, *, gradients: bool) -> int:
        """The logits held at once while given solutions are scored, in chunks."""
        return 4 * max(CHUNK_LOGITS // (1 if gradients else 4), self.vocabulary) * 4


def width_of(dtype: torch.dtype) -> int:
    """Bytes of a number."""
    return dtype.itemsize
