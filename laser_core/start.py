"""The models a run starts from: the reference, the learner beside it, and how much of them memory can hold at once."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

import torch
from transformers import PreTrainedModel

from laser_core.ablations import verdict_tokens
from laser_core.config import LaserConfig
from laser_core.fast.batches import Batches
from laser_core.fast.choice import Lean
from laser_core.fast.devices import CPU, weights_dtype
from laser_core.models.lora import has_adapter, with_lora
from laser_core.policy import Policy, load_policy, with_prompt


def load_start(config: LaserConfig, device: torch.device = CPU, dtype: torch.dtype = torch.float32) -> Policy:
    """The model a run starts from, with the verdict tokens and the prompt its settings ask for, on a device.

    Its weights have the precision that suits products in ``dtype`` there.
    """
    policy = load_policy(config.model, z_token=config.z_token, device=device, dtype=weights_dtype(dtype, device))
    return with_prompt(verdict_tokens(policy, config), config.prompt_settings())


def learner_beside(reference: Policy, config: LaserConfig, device: torch.device, dtype: torch.dtype) -> Policy:
    """What is trained while the reference stays: the same model loaded again, or an adapter on the same weights."""
    return with_adapter(reference, config) if config.lora_rank else load_start(config, device, dtype)


def with_adapter(policy: Policy, config: LaserConfig, layers: Collection[int] | None = None) -> Policy:
    """The policy with an adapter that alone is trained; unchanged where the settings ask for none.

    Scoring with gradients then takes the model's own forward pass: the lean one fuses adapters into copies of the
    weights, which costs sampling little and training the memory that adapters save.
    """
    if not config.lora_rank:
        return policy
    learner = with_lora(
        policy.model, policy.name, rank=config.lora_rank, alpha=config.lora_alpha, seed=config.seed, layers=layers
    )
    return with_lean(replace(policy, model=learner), policy.lean)


def with_lean(policy: Policy, lean: Lean) -> Policy:
    """The policy with the forward passes that were measured as faster; an adapter is trained by the model's own."""
    return replace(policy, lean=Lean(lean.sampling, lean.training and not has_adapter(policy.model)))


def adapter_sentence(model: PreTrainedModel) -> str:
    """What share of the model learns, for the user; nothing where all of it does."""
    if not has_adapter(model):
        return ""
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    learnt, total = sum(n for n, trained in sizes if trained), sum(n for n, _ in sizes)
    return f"An adapter of {learnt:,} parameters learns; the other {total - learnt:,} stay as they are."


def fit_into_memory(
    policy: Policy, config: LaserConfig, dtype: torch.dtype, *, say: Callable[[str], None]
) -> tuple[Policy, Batches]:
    """How much to compute at once, and whether layers must be computed again in the backward pass.

    They are where ``recompute`` asks for it; with ``auto`` where a micro-batch of the settings' size, or one solution
    of full length, would not fit otherwise. The lean forward pass keeps its layers, so the model's own takes its place.

    Returns
    -------
    policy : Policy
    batches : Batches
    """
    batches = policy.batches(dtype, to_train=True, say=say)
    longest = config.max_new_tokens
    wanted = max(config.micro_batch_tokens, longest)
    short = batches.tokens(longest, wanted) < wanted
    if config.recompute == "off" or (config.recompute == "auto" and not short):
        return policy, batches
    if short:
        say(f"Memory is short for {wanted:,} tokens at once: the backward pass computes the layers again.")
    policy = replace(policy, lean=replace(policy.lean, training=False))
    return policy, policy.batches(dtype, to_train=True, recompute=True, say=say)
