"""Decode token by token with a KV cache: one interface, two ways.

A decoder runs each prompt once, shares its cache out among the prompt's solutions, and from then on takes one token a
row and gives the hidden state behind it. ``keep`` lets finished rows leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from laser_core import llama_fast
from laser_core.llama_fast import FastLlama, PromptStates
from laser_core.numerics import cast

BLOCK = 16  # positions by which the static cache grows


class Decoder(Protocol):
    """What both ways offer."""

    def start(self, prompts: Sequence[Sequence[int]], samples: int) -> Tensor:
        """Hidden states of shape (G, D) at the prompts' ends; the cache then holds ``samples`` rows of each."""

    def step(self, token: Tensor) -> Tensor:
        """Append a token of shape (B,) to every row; hidden states of shape (B, D)."""

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows alone."""


def open_decoder(model: PreTrainedModel, dtype: torch.dtype, pad_id: int) -> Decoder:
    """The lean way where the model's architecture allows it, else the model's own forward pass."""
    kind = LlamaDecoder if llama_fast.supports(model) else ModelDecoder
    return kind(model, dtype, pad_id)


class LlamaDecoder:
    """Through :class:`FastLlama`; the cache is static: allocated by the block, written in place.

    Attention runs in float32: with one query a row its products are too small for bfloat16 to pay.
    """

    def __init__(self, model: PreTrainedModel, dtype: torch.dtype, pad_id: int) -> None:
        self.forward = FastLlama(model, dtype, attention_dtype=torch.float32)
        self.device, self.pad_id = model.device, pad_id

    def start(self, prompts: Sequence[Sequence[int]], samples: int) -> Tensor:
        tokens = [torch.tensor(prompt) for prompt in prompts]
        tokens = torch.nn.utils.rnn.pad_sequence(tokens, batch_first=True, padding_value=self.pad_id).to(self.device)
        length = torch.tensor([len(prompt) for prompt in prompts], device=self.device)
        states = PromptStates.of(self.forward, tokens, length)
        self.position = length.repeat_interleave(samples)  # (B,), of the next token
        self.bias = llama_fast.visible(self.position, tokens.shape[1])  # (B, 1, 1, L)
        self.filled = tokens.shape[1]
        self.keys, self.values = list(states.keys), list(states.values)  # each (B, K, L, d)
        self._grow(samples)
        return states.last

    def step(self, token: Tensor) -> Tensor:
        if self.filled == self.bias.shape[-1]:
            self._grow()
        self.bias[..., self.filled] = 0
        hidden = self.forward(token[:, None], self.position[:, None], self._attention)
        self.filled, self.position = self.filled + 1, self.position + 1
        return hidden[:, 0]

    def keep(self, rows: Tensor) -> None:
        n = len(rows)
        moved = (rows != torch.arange(n, device=self.device)).nonzero().squeeze(1)
        for cache in (self.keys, self.values):
            for index, whole in enumerate(cache):
                cache[index] = whole[:n]
                cache[index][moved] = whole[rows[moved]]
        self.position, self.bias = self.position[rows], self.bias[rows]

    def _attention(self, index: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        keys, values = self.keys[index], self.values[index]
        keys[:, :, self.filled], values[:, :, self.filled] = key[:, :, 0], value[:, :, 0]
        return llama_fast.attend(query, keys, values, self.bias)

    def _grow(self, repeats: int = 1) -> None:
        """Each row ``repeats`` times, a block more room; of zeros, for what -inf hides must still be a number."""
        for cache in (self.keys, self.values):
            for index, old in enumerate(cache):
                n, key_heads, filled, width = old.shape
                new = old.new_empty(n * repeats, key_heads, filled + BLOCK, width)
                new.view(n, repeats, key_heads, -1, width)[..., :filled, :] = old.unsqueeze(1)
                new[:, :, filled:] = 0
                cache[index] = new
        self.bias = torch.nn.functional.pad(self.bias, (0, BLOCK), value=-torch.inf)


class ModelDecoder:
    """Through the model's own forward pass and cache: any causal LM."""

    def __init__(self, model: PreTrainedModel, dtype: torch.dtype, pad_id: int) -> None:
        # A copy in the wanted precision: twice as fast as autocast on a CPU.
        self.model, self.pad_id = cast(model, dtype).base_model, pad_id

    def start(self, prompts: Sequence[Sequence[int]], samples: int) -> Tensor:
        width, device = max(map(len, prompts)), self.model.device
        tokens = torch.full((len(prompts), width), self.pad_id)
        seen = torch.zeros((len(prompts), width), dtype=torch.bool)
        for row, prompt in enumerate(prompts):  # left-padded, as every architecture takes it
            tokens[row, width - len(prompt) :] = torch.tensor(prompt)
            seen[row, width - len(prompt) :] = True
        seen = seen.to(device)
        self.cache = DynamicCache(config=self.model.config)
        position = (seen.cumsum(1) - 1).clamp(min=0)
        hidden = self._run(tokens.to(device), seen, position)
        self.cache.batch_repeat_interleave(samples)
        self.seen = seen.repeat_interleave(samples, dim=0)  # (G, P) -> (B, P)
        self.position = self.seen.sum(1)
        return hidden[:, -1]

    def step(self, token: Tensor) -> Tensor:
        self.seen = torch.cat([self.seen, self.seen.new_ones(len(token), 1)], dim=1)
        hidden = self._run(token[:, None], self.seen, self.position[:, None])
        self.position = self.position + 1
        return hidden[:, 0]

    def keep(self, rows: Tensor) -> None:
        self.cache.batch_select_indices(rows)
        self.seen, self.position = self.seen[rows], self.position[rows]

    def _run(self, tokens: Tensor, seen: Tensor, position: Tensor) -> Tensor:
        out = self.model(tokens, attention_mask=seen, position_ids=position, past_key_values=self.cache)
        return out.last_hidden_state
