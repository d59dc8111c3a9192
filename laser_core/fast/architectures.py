"""Which models the fast forward pass fits, and what their modules are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, cast

from torch import Tensor, nn
from transformers import PreTrainedModel

_SHAPED_ALIKE = ("llama", "mistral", "qwen2", "qwen3")
_FIXED_ROTATIONS = ("default", "linear", "llama3", "yarn")  # the others rotate by angles that depend on the length


class Norm(Protocol):
    weight: Tensor


class SelfAttention(Protocol):
    q_proj: nn.Linear
    k_proj: nn.Linear
    v_proj: nn.Linear
    o_proj: nn.Linear
    attention_dropout: float


class NormedSelfAttention(SelfAttention, Protocol):
    """Qwen3's, which normalises queries and keys."""

    q_norm: Norm
    k_norm: Norm


class AdaptedLinear(Protocol):
    """What stands in a linear layer's place where ``peft`` has put a LoRA adapter beside it."""

    base_layer: nn.Module
    active_adapters: Sequence[str]
    lora_variant: Mapping[str, object]
    lora_dropout: Mapping[str, nn.Module]
    merged: bool
    disable_adapters: bool

    def get_delta_weight(self, adapter: str) -> Tensor: ...  # noqa: D102


class Mlp(Protocol):
    gate_proj: nn.Linear
    up_proj: nn.Linear
    down_proj: nn.Linear


class DecoderLayer(Protocol):
    self_attn: SelfAttention
    mlp: Mlp
    input_layernorm: Norm
    post_attention_layernorm: Norm


class LlamaBody(Protocol):
    """What the four architectures have in common, without the output layer."""

    embed_tokens: nn.Embedding
    layers: Sequence[DecoderLayer]
    norm: Norm
    rotary_emb: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def body(model: PreTrainedModel) -> LlamaBody:
    """The model without its output layer, of one of the four architectures."""
    # transformers types every submodule as Module; supports() has checked the architecture.
    return cast(LlamaBody, model.base_model)


def matrix(linear: nn.Linear) -> Tensor:
    """The matrix that a linear layer multiplies by, in float32; a LoRA adapter beside it included. Gradients flow."""
    weight = linear.weight.float()
    if type(linear) is nn.Linear:
        return weight
    adapted = cast(AdaptedLinear, linear)
    for name in adapted.active_adapters:
        weight = weight + adapted.get_delta_weight(name).float()
    return weight


def _is_matrix(module: nn.Module) -> bool:
    """Whether :func:`matrix` says what a module computes: a linear layer, with a plain LoRA adapter or without."""
    if type(module) is nn.Linear:
        return True
    if not type(module).__module__.startswith("peft.tuners.lora") or type(module).__name__ != "Linear":
        return False
    adapted = cast(AdaptedLinear, module)
    if type(adapted.base_layer) is not nn.Linear or adapted.lora_variant or adapted.merged or adapted.disable_adapters:
        return False
    return all(type(dropout) is nn.Identity for dropout in adapted.lora_dropout.values())


def supports(model: PreTrainedModel) -> bool:
    """Whether :class:`FastLlama` computes this model's function: its architecture and nothing added to it."""
    config = model.config
    if config.model_type not in _SHAPED_ALIKE or config.hidden_act != "silu":
        return False
    rotation = config.rope_parameters or {}
    if rotation.get("rope_type", "default") not in _FIXED_ROTATIONS or rotation.get("partial_rotary_factor", 1) != 1:
        return False
    window = getattr(config, "sliding_window", None)
    if window is not None and window < config.max_position_embeddings:
        return False
    for layer in body(model).layers:
        attention, mlp = layer.self_attn, layer.mlp
        inner = (attention.q_proj, attention.k_proj, attention.v_proj)
        without_bias = (attention.o_proj, mlp.gate_proj, mlp.up_proj, mlp.down_proj)
        if not all(_is_matrix(m) for m in (*inner, *without_bias)):  # quantised weights, adapters of other kinds
            return False
        if any(m.bias is not None for m in without_bias) or (model.training and attention.attention_dropout):
            return False
    return True
