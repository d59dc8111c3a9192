"""Decode token by token with a KV cache: one interface, two implementations.

A row of the batch is a token sequence: a prompt at first, then one row for each distinct continuation. Solutions that
agree so far share a row; where they differ, the row branches; once all of them have ended, the row is dropped.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import DynamicCache, PreTrainedModel

from laser_core.fast import architectures, llama
from laser_core.fast.llama import FastLlama, Layer, PromptStates
from laser_core.fast.precision import cast

BLOCK = 16  # positions by which the static cache grows


class Decoder(Protocol):
    """What both implementations offer."""

    def start(self, prompts: Sequence[Sequence[int]], most_rows: int) -> Tensor:
        """Hidden states of shape (G, D) at the prompts' ends; there will never be more than ``most_rows`` rows."""

    def step(self, parent: Tensor, token: Tensor, most_rows: int) -> Tensor:
        """New rows: each continues the old row ``parent`` by ``token``, both of shape (A,). Hidden states (A, D).

        Both are given on the CPU, where the choice of rows is made without waiting for a GPU. From now on there will
        never be more than ``most_rows`` rows.
        """

    def close(self) -> None:
        """Release the cache; nothing more will be decoded."""


def open_decoder(model: PreTrainedModel, dtype: torch.dtype, pad_id: int, *, lean: bool = True) -> Decoder:
    """The lean decoder where the model's architecture allows it, unless it was measured as slower (``lean`` off)."""
    if lean and architectures.supports(model):
        return LlamaDecoder(model, dtype, pad_id)
    return ModelDecoder(model, dtype, pad_id)


class LlamaDecoder:
    """Decodes through the parameters of :class:`FastLlama`, with a static cache that grows in blocks.

    The cache is most of the memory a step reads, so it is kept contiguous (attending to a view of a longer one took
    three times as long), and its memory is reused by the next sampling, because new pages are slow to touch for the
    first time. On a CPU attention runs in float32: with one query a row its products are too small for bfloat16 to pay
    off. Elsewhere the cache is in the products' precision. It is as long as the longest solution so far, and has room
    for the solutions that go on.
    """

    def __init__(self, model: PreTrainedModel, dtype: torch.dtype, pad_id: int) -> None:
        on_cpu = model.device.type == "cpu"
        self.forward = FastLlama(model, dtype, attention_dtype=torch.float32 if on_cpu else dtype)
        self.gate_up = [torch.cat([layer.gate, layer.up]) for layer in self.forward.layers]
        halves = (joint.chunk(2) for joint in self.gate_up)  # views: no weight is held twice
        layers = zip(self.forward.layers, halves, strict=True)
        self.forward.layers = [replace(layer, gate=gate, up=up) for layer, (gate, up) in layers]
        self.device, self.pad_id = model.device, pad_id

    def start(self, prompts: Sequence[Sequence[int]], most_rows: int) -> Tensor:
        rows = [torch.tensor(prompt) for prompt in prompts]
        tokens = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=self.pad_id).to(self.device)
        length = torch.tensor([len(prompt) for prompt in prompts]).to(self.device)
        states = PromptStates.of(self.forward, tokens, length)
        self.most_rows = most_rows
        self.n_rows, self.filled = tokens.shape
        self.position = length  # (A,), of the next token
        self.bias = llama.visible(length, self.filled)[:, 0]  # (A, 1, L)
        self.caches = [*states.keys, *states.values]  # each (most rows, K, L, d), the first A rows used
        self.memory: list[Tensor] = []  # what each of them is a view of
        self._grow()
        return states.last

    def step(self, parent: Tensor, token: Tensor, most_rows: int) -> Tensor:
        self._follow(parent)
        self.most_rows = most_rows
        if self.filled == self.bias.shape[-1]:
            self._grow()
        self.bias[..., self.filled] = 0
        x = F.embedding(token.to(self.device), self.forward.base.embed_tokens.weight).float()  # (A, D)
        turn = self.turns[self.position]  # (A, 1, d/2)
        for index, layer in enumerate(self.forward.layers):
            x.add_(F.linear(self._attend(index, layer, self._unit(x), turn), layer.out))
            gate, up = F.linear(self._unit(x), self.gate_up[index]).chunk(2, dim=-1)
            x.add_(F.linear(F.silu(gate).mul_(up), layer.down))
        self.filled, self.position = self.filled + 1, self.position + 1
        return F.rms_norm(x, x.shape[-1:], self.forward.base.norm.weight.float(), self.forward.eps)

    def close(self) -> None:
        for memory in self.memory:
            _memory.give(memory)
        self.caches, self.memory = [], []

    def _unit(self, x: Tensor) -> Tensor:
        """x / rms(x), in the products' precision."""
        if x.device.type != "cpu":  # one kernel in place of six: there starting them takes longer than running them
            return F.rms_norm(x, x.shape[-1:], None, self.forward.eps).to(self.forward.dtype)
        scale = torch.linalg.vecdot(x, x).div_(x.shape[-1]).add_(self.forward.eps).rsqrt_()  # (A,)
        return (x * scale.unsqueeze(-1)).to(self.forward.dtype)

    def _attend(self, index: int, layer: Layer, x: Tensor, turn: Tensor) -> Tensor:
        """A layer's attention, (A, H d), after putting the new token's key and value into the cache."""
        heads, key_heads, width = self.forward.heads, self.forward.key_heads, self.forward.width
        n = len(x)
        joint = F.linear(x, layer.qkv, layer.qkv_bias).view(n, -1, width)  # (A, H + 2 K, d)
        turning, value = joint[:, : heads + key_heads].float(), joint[:, heads + key_heads :]
        if layer.head_norm is not None:
            turning = F.rms_norm(turning, (width,), None, self.forward.eps) * layer.head_norm
        pairs = torch.view_as_complex(turning.unflatten(-1, (-1, 2))) * turn  # (A, H + K, d/2)
        turned = torch.view_as_real(pairs).flatten(-2)  # (A, H + K, d)
        keys, values = (self.caches[i][:n] for i in (index, index + len(self.gate_up)))
        keys[:, :, self.filled], values[:, :, self.filled] = turned[:, heads:], value
        query = turned[:, :heads].to(keys.dtype).reshape(n * key_heads, -1, width)  # (A, H, d) -> (A K, H/K, d)
        found = torch.bmm(query, keys.flatten(0, 1).transpose(1, 2)).view(n, heads, -1)  # (A, H, L)
        weights = torch.add(self.bias, found, alpha=width**-0.5).softmax(-1).to(values.dtype)
        grouped = weights.view(n * key_heads, heads // key_heads, -1)  # (A, H, L) -> (A K, H/K, L)
        return torch.bmm(grouped, values.flatten(0, 1)).view(n, -1).to(self.forward.dtype)

    def _follow(self, parent: Tensor) -> None:
        """Row i becomes a copy of row ``parent[i]``; rows that are their own parent stay where they are."""
        moved = (parent != torch.arange(len(parent))).nonzero().squeeze(1)
        source, moved, parent = (rows.to(self.device) for rows in (parent[moved], moved, parent))
        self.position, self.bias, self.n_rows = self.position[parent], self.bias[parent], len(parent)
        if len(moved):
            for cache in self.caches:
                cache.index_copy_(0, moved, cache.index_select(0, source))

    def _grow(self) -> None:
        """Make room up to the next whole block, with zeros: what -inf masks must still be a number."""
        length = (self.filled // BLOCK + 1) * BLOCK  # whole blocks: softmax and products are a third faster on them
        before, self.memory = self.memory, []
        for index, old in enumerate(self.caches):
            _, key_heads, _, width = old.shape
            shape = (self.most_rows, key_heads, length, width)
            self.memory.append(_memory.take(math.prod(shape), old))
            new = self.memory[index][: math.prod(shape)].view(shape)
            new[: self.n_rows, :, : self.filled] = old[: self.n_rows]
            new[: self.n_rows, :, self.filled :] = 0  # later rows begin as copies of these
            self.caches[index] = new
            if before:
                _memory.give(before[index])  # for the next one
        self.bias = F.pad(self.bias, (0, length - self.filled), value=-torch.inf)
        self.turns = self.forward.turns(torch.arange(length, device=self.device)[None])[0].unsqueeze(1)  # (L, 1, d/2)


class _Memory:
    """Flat float32 memory on the CPU of caches no longer in use, kept for the next ones."""

    MOST = 2**26  # numbers: 256 MiB, half of which may never have been touched

    def __init__(self) -> None:
        self.kept: list[Tensor] = []  # by size
        self.lock = threading.Lock()

    def take(self, n: int, like: Tensor) -> Tensor:
        """At least n numbers of the kind of ``like``, not initialised."""
        if like.device.type != "cpu":
            return like.new_empty(n)
        with self.lock:
            if self.kept and self.kept[-1].numel() >= n:
                return self.kept.pop()
        return torch.empty(2 * n)  # room to grow into: memory that is never touched costs nothing

    def give(self, memory: Tensor) -> None:
        if memory.device.type != "cpu":  # elsewhere PyTorch's allocator keeps it
            return
        with self.lock:
            self.kept = sorted([*self.kept, memory], key=Tensor.numel)
            while sum(map(Tensor.numel, self.kept)) > self.MOST:
                self.kept.pop(0)


_memory = _Memory()


class ModelDecoder:
    """Decodes through the model's own forward pass and cache: any causal LM."""

    def __init__(self, model: PreTrainedModel, dtype: torch.dtype, pad_id: int) -> None:
        # A copy in that precision: twice as fast as autocast on a CPU.
        self.model, self.pad_id = cast(model, dtype), pad_id

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

    def step(self, parent: Tensor, token: Tensor, most_rows: int) -> Tensor:
        del most_rows  # the cache holds the rows there are
        token = token.to(self.model.device)
        if len(parent) != len(self.seen) or (parent != torch.arange(len(parent))).any():
            parent = parent.to(self.model.device)
            self.cache.batch_select_indices(parent)
            self.seen, self.position = self.seen[parent], self.position[parent]
        self.seen = torch.cat([self.seen, self.seen.new_ones(len(token), 1)], dim=1)
        hidden = self._run(token[:, None], self.seen, self.position[:, None])
        self.position = self.position + 1
        return hidden[:, 0]

    def close(self) -> None:
        del self.cache

    def _run(self, tokens: Tensor, seen: Tensor, position: Tensor) -> Tensor:
        out = self.model.base_model(tokens, attention_mask=seen, position_ids=position, past_key_values=self.cache)
        hidden: Tensor = out.last_hidden_state
        return hidden
