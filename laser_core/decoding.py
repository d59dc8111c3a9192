"""Decode token by token with a KV cache: one interface, two ways.

A row of the batch is a text: a prompt at first, then each way it has gone on so far. Solutions that agree up to here
share a row; where they part, the row branches, and where all of them have ended, it leaves.
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

    def start(self, prompts: Sequence[Sequence[int]], most_rows: int) -> Tensor:
        """Hidden states of shape (G, D) at the prompts' ends; there will never be more than ``most_rows`` rows."""

    def step(self, parent: Tensor, token: Tensor) -> Tensor:
        """New rows: each continues the old row ``parent`` by ``token``, both of shape (A,). Hidden states (A, D)."""


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

    def start(self, prompts: Sequence[Sequence[int]], most_rows: int) -> Tensor:
        tokens = [torch.tensor(prompt) for prompt in prompts]
        tokens = torch.nn.utils.rnn.pad_sequence(tokens, batch_first=True, padding_value=self.pad_id).to(self.device)
        length = torch.tensor([len(prompt) for prompt in prompts], device=self.device)
        states = PromptStates.of(self.forward, tokens, length)
        self.most_rows, self.n_rows, self.filled = most_rows, *tokens.shape
        self.position = length  # (A,), of the next token
        self.bias = llama_fast.visible(length, self.filled)  # (A, 1, 1, L)
        self.keys, self.values = list(states.keys), list(states.values)  # each (most rows, K, L, d), the first A used
        self._grow()
        return states.last

    def step(self, parent: Tensor, token: Tensor) -> Tensor:
        self._follow(parent)
        if self.filled == self.bias.shape[-1]:
            self._grow()
        self.bias[..., self.filled] = 0
        hidden = self.forward(token[:, None], self.position[:, None], self._attention)
        self.filled, self.position = self.filled + 1, self.position + 1
        return hidden[:, 0]

    def _follow(self, parent: Tensor) -> None:
        """Row i becomes a copy of row ``parent[i]``; those that are it already stay where they are."""
        self.position, self.bias, self.n_rows = self.position[parent], self.bias[parent], len(parent)
        moved = (parent != torch.arange(len(parent), device=self.device)).nonzero().squeeze(1)
        if len(moved):
            for cache in (*self.keys, *self.values):
                cache[moved] = cache[parent[moved]]

    def _attention(self, index: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        keys, values = self.keys[index][: self.n_rows], self.values[index][: self.n_rows]
        keys[:, :, self.filled], values[:, :, self.filled] = key[:, :, 0], value[:, :, 0]
        return llama_fast.attend(query, keys, values, self.bias)

    def _grow(self) -> None:
        """A block more room, of zeros: what -inf hides must still be a number."""
        for cache in (self.keys, self.values):
            for index, old in enumerate(cache):
                _, key_heads, _, width = old.shape
                new = old.new_empty(self.most_rows, key_heads, self.filled + BLOCK, width)
                new[: self.n_rows, :, : self.filled] = old[: self.n_rows]
                new[: self.n_rows, :, self.filled :] = 0  # later rows begin as copies of these
                cache[index] = new
        self.bias = torch.nn.functional.pad(self.bias, (0, BLOCK), value=-torch.inf)


class ModelDecoder:
    """Through the model's own forward pass and cache: any causal LM."""

    def __init__(self, model: PreTrainedModel, dtype: torch.dtype, pad_id: int) -> None:
        # A copy in the wanted precision: twice as fast as autocast on a CPU.
        self.model, self.pad_id = cast(model, dtype).base_model, pad_id

    def start(self, prompts: Sequence[Sequence[int]], most_rows: int) -> Tensor:
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
        self.seen, self.position = seen, seen.sum(1)
        return hidden[:, -1]

    def step(self, parent: Tensor, token: Tensor) -> Tensor:
        if len(parent) != len(self.seen) or (parent != torch.arange(len(parent), device=parent.device)).any():
            self.cache.batch_select_indices(parent)
            self.seen, self.position = self.seen[parent], self.position[parent]
        self.seen = torch.cat([self.seen, self.seen.new_ones(len(token), 1)], dim=1)
        hidden = self._run(token[:, None], self.seen, self.position[:, None])
        self.position = self.position + 1
        return hidden[:, 0]

    def _run(self, tokens: Tensor, seen: Tensor, position: Tensor) -> Tensor:
        out = self.model(tokens, attention_mask=seen, position_ids=position, past_key_values=self.cache)
        return out.last_hidden_state
