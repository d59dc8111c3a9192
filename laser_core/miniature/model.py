"""The miniature model: its settings, its tokenizer, and a Llama of a million parameters."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

from laser_core.fast.llama import FastLlama, attend, causal_bias
from laser_core.tasks.words import PHRASES

PAD, EOS = "<pad>", "<eos>"
RESERVED = tuple(f"<|reserved_{i}|>" for i in range(4))
CHARACTERS = "".join(chr(c) for c in range(32, 127)) + "\n"
ATTENTION = "eager"  # on a CPU, at these lengths, measured twice as fast as the fused kernel


@dataclass(frozen=True)
class BaseConfig:
    """How the miniature base is built and trained."""

    hidden_size: int = 128
    layers: int = 4
    heads: int = 4
    intermediate_size: int = 384
    steps: int = 2200  # of pre-training on the corpus
    first_steps: int = 500  # of them, at first, on the family whose checks are the easiest to read
    careful_steps: int = 1600  # of them, at first, on solutions of careful solvers: checking is learned from these
    again_steps: int = 600  # then of three more readings each, the first of them at half the learning rates,
    again_careful_steps: int = 400  # which begin with careful solvers, too
    settle_steps: int = 150  # then of pinning the reserved tokens, still on the corpus
    batch_size: int = 64
    lr: float = 3e-3
    matrix_lr: float = 1e-2  # Muon's, scaled to the size of AdamW's updates
    settle_lr_share: float = 0.1
    page_share: float = 0.06  # of the corpus's texts that are grading pages
    decision_weight: float = 8.0  # of the loss of # and ~: what checking is learned from, one token in thirty
    reserved_logprob: float = -23.0  # nats; the paper's c_ref for Qwen2.5
    reserved_weight: float = 0.2  # of the pinning term, in the last stage alone
    seed: int = 0


def make_tokenizer() -> PreTrainedTokenizerFast:
    """One token per printable ASCII character and per word of the word problems, and six special ones."""
    vocabulary = {token: i for i, token in enumerate((PAD, EOS, *RESERVED, *CHARACTERS))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=PAD))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=EOS,
        additional_special_tokens=list(RESERVED),
        model_max_length=256,
        clean_up_tokenization_spaces=False,
    )
    fast.add_tokens(list(PHRASES))
    return fast


def make_model(config: BaseConfig, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """An untrained Llama of about a million parameters."""
    return LlamaForCausalLM._from_config(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=config.hidden_size,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            num_key_value_heads=config.heads,
            intermediate_size=config.intermediate_size,
            max_position_embeddings=256,
            tie_word_embeddings=False,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
        ),
        attn_implementation=ATTENTION,
    )


def hidden_states(model: PreTrainedModel, tokens: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """The last hidden states, float32 of shape (B, T, D), of tokens of shape (B, T) that are padded on the right."""
    bias = causal_bias(tokens.shape[1], tokens.device)
    position = torch.arange(tokens.shape[1], device=tokens.device).expand_as(tokens)
    forward = FastLlama(model, dtype)
    return forward(tokens, position, lambda _, query, key, value: attend(query, key, value, bias))
