"""The forward pass of Llama-shaped models (Llama, Mistral, Qwen2, Qwen3), lean enough for a laptop.

Why this exists: at one to thirty million parameters a CPU spends more time around the matrix products of transformers'
forward pass than in them. This one computes the same function from the same parameters, with fewer and larger steps:

- queries, keys and values are one product; a norm's weight is folded into the matrix behind it;
- the two numbers of a rotary pair are neighbours, so that rotating them is one complex product;
- the residual stream, norms, softmax and log-probs stay in float32; only matrix products run in bfloat16, on copies of
  the float32 parameters, which collect the gradients;
- a prompt is run once for all its solutions, in sampling and in training.

:func:`~laser_core.fast.architectures.supports` says which models qualify, and :mod:`laser_core.fast.choice` measures
for which of them it is the faster one. Every other model runs its own forward pass. Both give the same log-probs: tests
hold them together to 1e-4 nats in float32, for each of the four architectures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import PreTrainedModel

from laser_core.fast.architectures import DecoderLayer, NormedSelfAttention, body, matrix

# Takes a layer's number, queries (B, H, T, d), new keys and values (B, K, T, d); returns the mixed values (B, H, T, d).
Attention = Callable[[int, Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Layer:
    """A layer's parameters, fused. D: model width, H and K: query and key heads, d: head width, M: inner width."""

    qkv: Tensor  # ((H + 2 K) d, D), with the input norm folded in
    qkv_bias: Tensor | None  # ((H + 2 K) d,)
    head_norm: Tensor | None  # (H + K, d), Qwen3's norm of queries and keys
    out: Tensor  # (D, H d)
    gate: Tensor  # (M, D), with the second norm folded in, as in ``up``
    up: Tensor  # (M, D)
    down: Tensor  # (D, M)

    @classmethod
    def fuse(cls, layer: DecoderLayer, head_width: int) -> Layer:
        """From a transformers layer, in float32; gradients flow to its parameters."""

        def paired(rows: Tensor) -> Tensor:  # transformers rotates (i, i + d/2) together; here they are neighbours
            return rows.unflatten(0, (-1, 2, head_width // 2)).transpose(1, 2).flatten(0, 2)

        attention, mlp = layer.self_attn, layer.mlp
        q, k, v = attention.q_proj, attention.k_proj, attention.v_proj
        n_q, n_k = q.out_features // head_width, k.out_features // head_width
        head_norm = None
        if hasattr(attention, "q_norm"):
            norms = cast(NormedSelfAttention, attention)
            q_norm, k_norm = (paired(norm.weight.float()) for norm in (norms.q_norm, norms.k_norm))
            head_norm = torch.cat([q_norm.expand(n_q, -1), k_norm.expand(n_k, -1)])
        biases = None if q.bias is None else torch.cat([paired(q.bias), paired(k.bias), v.bias]).float()
        rows = torch.cat([paired(matrix(q)), paired(matrix(k)), matrix(v)])
        return cls(
            qkv=rows * layer.input_layernorm.weight.float(),
            qkv_bias=biases,
            head_norm=head_norm,
            out=matrix(attention.o_proj),
            gate=matrix(mlp.gate_proj) * layer.post_attention_layernorm.weight.float(),
            up=matrix(mlp.up_proj) * layer.post_attention_layernorm.weight.float(),
            down=matrix(mlp.down_proj),
        )

    def tensors(self) -> list[Tensor]:
        """The parameters it has; a bias or a norm may be missing."""
        every = (self.qkv, self.qkv_bias, self.head_norm, self.out, self.gate, self.up, self.down)
        return [tensor for tensor in every if tensor is not None]

    def map(self, change: Callable[[Tensor], Tensor]) -> Layer:
        """A layer with every parameter changed by a function, called in the order of :meth:`tensors`."""
        return Layer(
            qkv=change(self.qkv),
            qkv_bias=None if self.qkv_bias is None else change(self.qkv_bias),
            head_norm=None if self.head_norm is None else change(self.head_norm),
            out=change(self.out),
            gate=change(self.gate),
            up=change(self.up),
            down=change(self.down),
        )


class _UnitRMS(torch.autograd.Function):
    """x / rms(x) in ``dtype``. By hand, because autograd's backward pass would go over the memory nine times."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, eps: float, dtype: torch.dtype) -> Tensor:
        scale = (torch.linalg.vector_norm(x, dim=-1, keepdim=True).square() / x.shape[-1] + eps).rsqrt()
        unit = (x * scale).to(dtype)
        ctx.save_for_backward(unit, scale)
        return unit

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        unit, scale = ctx.saved_tensors
        grad, unit = grad.float(), unit.float()
        along = torch.linalg.vecdot(grad, unit).unsqueeze(-1) / unit.shape[-1]
        return torch.addcmul(grad, unit, along, value=-1).mul_(scale), None, None


class FastLlama:
    """The forward pass over fused parameters.

    Parameters
    ----------
    model : PreTrainedModel
        One that :func:`~laser_core.fast.architectures.supports` accepts.
    dtype : torch.dtype
        Of the matrix products.
    layers : sequence of Layer, optional
        The fused parameters, if they exist already.
    attention_dtype : torch.dtype, optional
        Of queries, keys and values; ``dtype`` by default.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        dtype: torch.dtype,
        layers: Sequence[Layer] | None = None,
        attention_dtype: torch.dtype | None = None,
    ) -> None:
        config = model.config
        self.heads, self.key_heads = config.num_attention_heads, config.num_key_value_heads
        self.width = self.head_width(model)
        self.eps, self.dtype, self.base = config.rms_norm_eps, dtype, body(model)
        fused = (Layer.fuse(layer, self.width) for layer in self.base.layers) if layers is None else layers
        self.layers = [layer.map(lambda weight: weight.to(dtype)) for layer in fused]
        self.attention_dtype = attention_dtype or dtype

    @staticmethod
    def head_width(model: PreTrainedModel) -> int:
        """Width d of a head."""
        config = model.config
        return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads

    def __call__(self, tokens: Tensor, position: Tensor, attention: Attention) -> Tensor:
        """Hidden states, float32 of shape (B, T, D), of ``tokens`` and their ``position``, both of shape (B, T)."""
        x = F.embedding(tokens, self.base.embed_tokens.weight).float()
        turn = self.turns(position).unsqueeze(2)  # (B, T, d/2) -> (B, T, 1, d/2)
        for index, layer in enumerate(self.layers):
            query, key, value = self._heads(layer, _UnitRMS.apply(x, self.eps, self.dtype), turn)
            found = attention(index, query, key, value).transpose(1, 2).flatten(2)  # (B, H, T, d) -> (B, T, H d)
            x = x + F.linear(found.to(self.dtype), layer.out)
            unit = _UnitRMS.apply(x, self.eps, self.dtype)
            x = x + F.linear(F.silu(F.linear(unit, layer.gate)) * F.linear(unit, layer.up), layer.down)
        return _UnitRMS.apply(x, self.eps, torch.float32) * self.base.norm.weight.float()

    def turns(self, position: Tensor) -> Tensor:
        """The complex factors that rotate queries and keys at these positions, (B, T); of shape (B, T, d/2)."""
        like = self.base.embed_tokens.weight.new_empty(0, dtype=torch.float32)
        cos, sin = (part[..., : self.width // 2] for part in self.base.rotary_emb(like, position))
        return torch.complex(cos, sin)

    def _heads(self, layer: Layer, x: Tensor, turn: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries of shape (B, H, T, d), keys and values of shape (B, K, T, d)."""
        joint = F.linear(x, layer.qkv, layer.qkv_bias).unflatten(-1, (-1, self.width))  # (B, T, H + 2 K, d)
        turning, value = joint.split([self.heads + self.key_heads, self.key_heads], dim=2)
        turning = turning.float()
        if layer.head_norm is not None:
            turning = _UnitRMS.apply(turning, self.eps, torch.float32) * layer.head_norm
        pairs = torch.view_as_complex(turning.unflatten(-1, (-1, 2))) * turn  # (B, T, H + K, d/2)
        turned = torch.view_as_real(pairs).flatten(-2).to(self.attention_dtype).transpose(1, 2)
        query, key = turned.split([self.heads, self.key_heads], dim=1)
        return query, key, value.to(self.attention_dtype).transpose(1, 2)


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
    """Attention of queries (B, H, T, d) to keys and values (B, K, L, d); softmax in float32. Shape (B, H, T, d).

    ``bias``, of shape (B or 1, 1, T, L), is 0 where a query may attend and -inf where it may not.
    """
    (batch, heads, n, width), (_, key_heads, n_keys, _) = query.shape, key.shape
    grouped = query.reshape(batch * key_heads, -1, width)  # (B, H, T, d) -> (B K, H/K T, d)
    found = torch.bmm(grouped, key.flatten(0, 1).transpose(1, 2)).view(batch, heads, n, n_keys)
    weights = torch.add(bias, found, alpha=width**-0.5).softmax(-1).to(value.dtype)
    return torch.bmm(weights.view(batch * key_heads, -1, n_keys), value.flatten(0, 1)).view(query.shape)


def causal_bias(n: int, device: torch.device) -> Tensor:
    """(1, 1, n, n): a token attends to itself and to what precedes it."""
    return torch.full((n, n), -torch.inf, device=device).triu(1)[None, None]


def visible(length: Tensor, n: int) -> Tensor:
    """(B, 1, 1, n): only the first ``length`` of n positions are visible."""
    hidden = torch.arange(n, device=length.device) >= length[:, None]
    return torch.zeros(hidden.shape, device=length.device).masked_fill(hidden, -torch.inf)[:, None, None]


@dataclass(frozen=True)
class PromptStates:
    """What solutions need from their prompts.

    Attributes
    ----------
    keys, values : tuple of Tensor of shape (G, K, P, d)
        One for each layer.
    last : Tensor of shape (G, D)
        Hidden state at the prompt's last token.
    length : int64 Tensor of shape (G,)
        Tokens of each prompt.
    """

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    last: Tensor
    length: Tensor

    @classmethod
    def of(cls, forward: FastLlama, tokens: Tensor, length: Tensor) -> PromptStates:
        """Run prompts of shape (G, P), right-padded."""
        kept: list[tuple[Tensor, Tensor]] = []

        n = tokens.shape[1]
        bias = causal_bias(n, tokens.device)

        def attention(index: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            kept.append((key, value))
            return attend(query, key, value, bias)

        hidden = forward(tokens, torch.arange(n, device=tokens.device).expand_as(tokens), attention)
        keys, values = zip(*kept, strict=True)
        return cls(keys, values, hidden[torch.arange(len(tokens), device=tokens.device), length - 1], length)


def response_states(forward: FastLlama, prompts: PromptStates, group: Tensor, tokens: Tensor) -> Tensor:
    """Hidden states of shape (B, T + 1, D) at a prompt's last token and at each of a response's, (B, T), right-padded.

    ``group``, of shape (B,), says which prompt a response follows.
    """
    last = prompts.last[group].unsqueeze(1)  # (B, 1, D)
    n = tokens.shape[1]
    if n == 0:
        return last

    length = prompts.length[group]
    seen = visible(length, prompts.keys[0].shape[2]).expand(-1, -1, n, -1)
    bias = torch.cat([seen, causal_bias(n, tokens.device).expand(len(tokens), -1, -1, -1)], dim=-1)  # (B, 1, T, P + T)

    def attention(index: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        before = (states[index].index_select(0, group).to(key.dtype) for states in (prompts.keys, prompts.values))
        keys, values = (torch.cat([old, new], dim=2) for old, new in zip(before, (key, value), strict=True))
        return attend(query, keys, values, bias)

    position = length[:, None] + torch.arange(n, device=tokens.device)
    return torch.cat([last, forward(tokens, position, attention)], dim=1)


class Cut:
    """Cut an autograd graph at some tensors: gradients gather at ``leaves`` until :meth:`close` passes them on.

    One computation can then serve many backward passes, and is itself run backward only once.
    """

    def __init__(self, tensors: Iterable[Tensor]) -> None:
        self.tensors = list(tensors)
        # float32 leaves: many small gradients add up there.
        self.leaves = [tensor.detach().float().requires_grad_(tensor.requires_grad) for tensor in self.tensors]

    def close(self) -> None:
        """Pass the gathered gradients back through the tensors' own graph."""
        pairs = zip(self.tensors, self.leaves, strict=True)
        reached = [(tensor, leaf.grad.to(tensor.dtype)) for tensor, leaf in pairs if leaf.grad is not None]
        if reached:
            torch.autograd.backward([tensor for tensor, _ in reached], [grad for _, grad in reached])


class SharedForward:
    """What the micro-batches of a training step share: the fused parameters, and the prompts if they fit.

    Parameters
    ----------
    model : PreTrainedModel
    dtype : torch.dtype
        As in :class:`FastLlama`.
    prompts : int64 Tensor of shape (G, P)
        Right-padded.
    length : int64 Tensor of shape (G,)
        Tokens of each prompt.
    max_tokens : int
        If the prompts have more tokens, padding included, they are run with each micro-batch instead.
    """

    def __init__(self, model: PreTrainedModel, dtype: torch.dtype, prompts: Tensor, length: Tensor, max_tokens: int):
        self.model, self.dtype, self.prompts, self.length = model, dtype, prompts, length
        layers = [Layer.fuse(layer, FastLlama.head_width(model)) for layer in body(model).layers]
        self.parameters = Cut(tensor for layer in layers for tensor in layer.tensors())
        leaves = iter(self.parameters.leaves)
        self.layers = [layer.map(lambda _: next(leaves)) for layer in layers]
        self.cut: Cut | None = None
        self.states: PromptStates | None = None
        if prompts.numel() <= max_tokens:
            states = PromptStates.of(self._forward(), prompts, length)
            self.cut = Cut([*states.keys, *states.values, states.last])
            n = len(states.keys)
            keys, values = tuple(self.cut.leaves[:n]), tuple(self.cut.leaves[n : 2 * n])
            self.states = PromptStates(keys, values, self.cut.leaves[-1], length)

    def __call__(self, group: Tensor, responses: Tensor) -> Tensor:
        """As :func:`response_states`."""
        forward, states = self._forward(), self.states
        if states is None:
            which, group = group.unique(return_inverse=True)
            states = PromptStates.of(forward, self.prompts[which], self.length[which])
        return response_states(forward, states, group, responses)

    def close(self) -> None:
        """After the last micro-batch's backward pass: pass the gathered gradients on to the model's parameters."""
        for cut in (self.cut, self.parameters):  # the prompts' gradients end at the fused parameters
            if cut is not None:
                cut.close()

    def _forward(self) -> FastLlama:
        return FastLlama(self.model, self.dtype, self.layers)
