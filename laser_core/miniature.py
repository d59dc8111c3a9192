"""The miniature base model: a 1M-parameter Llama that has read noisy, partly graded solutions.

``laser base --out DIR`` trains it in a few minutes on two cores and saves a standard Hugging Face folder. Two things
make it a base model LaSeR can start from (the comments say where):

1. Its corpus holds wrong solutions and teachers' marks, so that a verdict can be formed at the end of a solution.
2. Its reserved tokens have a reference log-prob that is low and nearly constant. A large model gets this from never
   having seen them among 10^5 others (Qwen2.5: -23.11 +- 0.04 nats, the paper's measurement); with a hundred tokens the
   log-prob of an unseen one varies by nats, so one term of the loss pins it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from laser_core.numerics import autocast, pick_dtype
from laser_core.tasks.linear import MARKS, sample_guess, worked_solution
from laser_core.tasks.sources import load_problems

PAD, EOS = "<pad>", "<eos>"
RESERVED = tuple(f"<|reserved_{i}|>" for i in range(4))
CHARACTERS = "".join(chr(c) for c in range(32, 127)) + "\n"
ATTENTION = "eager"  # on a CPU, at these lengths, measured twice as fast as the fused kernel
MICRO_BATCH = 96  # solutions in one forward pass: what stays in a CPU's cache trains half as fast again
IGNORE = -100  # label of a position without loss, PyTorch's convention


@dataclass(frozen=True)
class BaseConfig:
    """How the miniature base is built and trained."""

    hidden_size: int = 128
    layers: int = 4
    heads: int = 4
    intermediate_size: int = 384
    steps: int = 1400  # reading the corpus
    settle_steps: int = 80  # then pinning the reserved tokens, while reading on
    batch_size: int = 256
    lr: float = 2e-3
    settle_lr: float = 3e-4
    wrong_share: float = 0.5  # of the corpus's guesses
    marked_share: float = 0.5  # of the solutions, graded after their <eos>
    reserved_logprob: float = -23.0  # nats; the paper's c_ref for Qwen2.5
    reserved_weight: float = 0.02  # of the pinning term while reading; stronger, it delays all other learning
    settle_reserved_weight: float = 0.2
    seed: int = 0


def make_tokenizer() -> PreTrainedTokenizerFast:
    """One token per printable ASCII character, and six special ones; saves as a standard ``tokenizer.json``."""
    vocabulary = {token: i for i, token in enumerate((PAD, EOS, *RESERVED, *CHARACTERS))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=PAD))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=EOS,
        additional_special_tokens=list(RESERVED),
        model_max_length=256,
        clean_up_tokenization_spaces=False,
    )


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


def corpus_batch(
    problems: list, tokenizer: PreTrainedTokenizerFast, config: BaseConfig, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """One batch of the corpus.

    Returns
    -------
    tokens, labels : int64 Tensors of shape (B, T)
        ``labels[b, t]`` is the token to predict from ``tokens[b, : t + 1]``, or ``IGNORE`` in the problem's text and
        the padding.
    """
    ids = tokenizer.get_vocab()
    sequences, starts = [], []
    for index in rng.integers(len(problems), size=config.batch_size):
        problem = problems[index]
        guess = sample_guess(problem, rng, wrong_share=config.wrong_share)
        text = list(problem.text + worked_solution(problem, guess)) + [EOS]
        if rng.random() < config.marked_share:
            text.append(MARKS[guess == int(problem.answer)])
        sequences.append([ids[t] for t in text])
        starts.append(len(problem.text))
    length = max(map(len, sequences))
    tokens = np.full((len(sequences), length), ids[PAD])
    labels = np.full((len(sequences), length), IGNORE)
    for row, (sequence, start) in enumerate(zip(sequences, starts, strict=True)):
        tokens[row, : len(sequence)] = sequence
        labels[row, start - 1 : len(sequence) - 1] = sequence[start:]
    return torch.from_numpy(tokens), torch.from_numpy(labels)


def train_base(
    config: BaseConfig, out: Path, *, dtype: str = "auto", on_step: Callable[[int, dict], None] | None = None
) -> None:
    """Train the miniature base and save it as a Hugging Face folder.

    Parameters
    ----------
    config : BaseConfig
    out : Path
        Receives ``model.safetensors``, ``config.json`` and ``tokenizer.json``.
    on_step : callable, optional
        Called with the step and ``{"loss", "reserved_error"}`` (nats).
    """
    torch.manual_seed(config.seed)
    tokenizer = make_tokenizer()
    model = make_model(config, tokenizer)
    stages = (  # steps, peak learning rate, weight of the pinning term
        (config.steps, config.lr, config.reserved_weight),
        (config.settle_steps, config.settle_lr, config.settle_reserved_weight),
    )
    done = 0
    for stage, (steps, lr, reserved_weight) in enumerate(stages):
        read_corpus(model, tokenizer, config, stage, steps, lr, reserved_weight, pick_dtype(dtype), done, on_step)
        done += steps
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


def read_corpus(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    config: BaseConfig,
    stage: int,
    steps: int,
    lr: float,
    reserved_weight: float,
    dtype: torch.dtype,
    first_step: int = 0,
    on_step: Callable[[int, dict], None] | None = None,
) -> None:
    """One stage of :func:`train_base`: cross-entropy of solutions and marks plus the pinning term, on a one-cycle."""
    rng = np.random.default_rng([config.seed, stage])
    problems = load_problems("linear", "train")
    reserved = torch.tensor(tokenizer.convert_tokens_to_ids(list(RESERVED)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.98), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, steps, pct_start=0.1)
    for step in range(steps):
        tokens, labels = corpus_batch(problems, tokenizer, config, rng)
        is_end = tokens == tokenizer.eos_token_id
        kept = (labels != IGNORE) | is_end  # an unmarked <eos> predicts nothing, but the score will be read there
        n_labels, n_kept, n_ends = (labels != IGNORE).sum(), kept.sum(), is_end.sum()
        optimizer.zero_grad()
        totals = torch.zeros(2)
        for t, y, k, e in zip(*(part.split(MICRO_BATCH) for part in (tokens, labels, kept, is_end)), strict=True):
            with autocast(dtype):
                hidden = model.model(t).last_hidden_state  # (b, T, D)
            logprobs = F.linear(hidden[k].float(), model.lm_head.weight).log_softmax(-1)  # (b, T, D) -> (m, V)
            loss = F.nll_loss(logprobs, y[k], ignore_index=IGNORE, reduction="sum") / n_labels
            # The end, a thirtieth of all positions, counts as much as all the others together.
            off = (logprobs[:, reserved] - config.reserved_logprob).square().mean(1)  # (m,)
            pinned = (off[e[k]].sum() / n_ends + off[~e[k]].sum() / (n_kept - n_ends)) / 2
            (loss + reserved_weight * pinned).backward()
            totals += torch.stack([loss.detach(), pinned.detach()])
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if on_step:
            on_step(first_step + step, {"loss": totals[0].item(), "reserved_error": totals[1].sqrt().item()})
