"""The miniature base model: a Llama of one million parameters, pre-trained on noisy, graded solutions.

``laser base --out DIR`` trains it in a few minutes on two cores and saves a standard Hugging Face folder. Two things
make it a base model that LaSeR can start from:

1. Its corpus resembles what real base models are pre-trained on: noisy (half of the solutions are incorrect) and graded
   (``y`` or ``n`` follows every solution's end), so that the model learns to assess a solution where it ends. A model
   that has only seen correct solutions has nothing to separate them from incorrect ones with.
2. The reference log-prob of its reserved tokens is low and nearly constant. In a large model that follows from never
   having seen them among 10^5 others (Qwen2.5: -23.11 +- 0.04 nats, the paper's measurement). With a hundred tokens the
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

from laser_core.fast.llama import FastLlama, attend, causal_bias
from laser_core.fast.precision import pick_dtype
from laser_core.tasks import LINEAR, MENTAL, WORDS, Family, grading_prompt
from laser_core.tasks.guess_and_check import ACCEPT, RETRY, grading, noisy_solution
from laser_core.tasks.words import PHRASES

PAD, EOS = "<pad>", "<eos>"
RESERVED = tuple(f"<|reserved_{i}|>" for i in range(4))
CHARACTERS = "".join(chr(c) for c in range(32, 127)) + "\n"
ATTENTION = "eager"  # on a CPU, at these lengths, measured twice as fast as the fused kernel
MICRO_BATCH = 24  # solutions in one forward pass: what fits into a CPU's cache trains faster
GRADES = ("n", "y")  # what follows an incorrect and a correct solution in the corpus
CORPUS = {LINEAR: 0.3, MENTAL: 0.35, WORDS: 0.35}  # each family's share of the corpus
IGNORE = -100  # label of a position without loss, PyTorch's convention


@dataclass(frozen=True)
class BaseConfig:
    """How the miniature base is built and trained."""

    hidden_size: int = 128
    layers: int = 4
    heads: int = 4
    intermediate_size: int = 384
    steps: int = 3000  # of pre-training on the corpus
    settle_steps: int = 150  # then of pinning the reserved tokens, still on the corpus
    batch_size: int = 192
    lr: float = 2e-3
    settle_lr: float = 3e-4
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


def corpus_text(problems: dict[Family, tuple], config: BaseConfig, rng: np.random.Generator) -> tuple[str, str]:
    """One text of the corpus: what is given, and what is learned to be written after it."""
    family = list(CORPUS)[rng.choice(len(CORPUS), p=list(CORPUS.values()))]
    problem = problems[family][rng.integers(len(problems[family]))]
    solution = noisy_solution(family, problem, rng)
    if rng.random() >= config.page_share:
        return problem.text, solution
    return grading_prompt(problem.text, solution), grading(family, problem, solution, rng)


def corpus_batch(
    problems: dict[Family, tuple], tokenizer: PreTrainedTokenizerFast, config: BaseConfig, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """One batch of the corpus, shortest first.

    Returns
    -------
    tokens, labels : int64 Tensor of shape (B, T)
        ``labels[b, t]`` is the token to predict from ``tokens[b, : t + 1]``, or ``IGNORE`` in what is given and the
        padding.
    weight : Tensor of shape (B, T)
        Weight of each label's loss.
    """
    given, written = zip(*(corpus_text(problems, config, rng) for _ in range(config.batch_size)), strict=True)
    given_ids, written_ids = (
        tokenizer(list(texts), add_special_tokens=False)["input_ids"] for texts in (given, written)
    )
    pairs = sorted(zip(given_ids, written_ids, strict=True), key=lambda pair: len(pair[0]) + len(pair[1]))
    length = sum(map(len, pairs[-1])) + 1
    tokens = np.full((config.batch_size, length), tokenizer.pad_token_id)
    labels = np.full((config.batch_size, length), IGNORE)
    for row, (prompt, solution) in enumerate(pairs):
        start, end = len(prompt), len(prompt) + len(solution) + 1
        tokens[row, :end] = [*prompt, *solution, tokenizer.eos_token_id]
        labels[row, start - 1 : end - 1] = tokens[row, start:end]
    decisions = np.isin(labels, tokenizer.convert_tokens_to_ids([ACCEPT, RETRY]))
    weight = np.where(decisions, config.decision_weight, 1.0).astype(np.float32)
    return torch.from_numpy(tokens), torch.from_numpy(labels), torch.from_numpy(weight)


def train_base(
    config: BaseConfig, out: Path, *, dtype: str = "auto", on_step: Callable[[int, dict], None] | None = None
) -> None:
    """Train the miniature base and save it as a Hugging Face folder.

    Parameters
    ----------
    config : BaseConfig
    out : Path
        Receives ``model.safetensors``, ``config.json`` and ``tokenizer.json``.
    dtype : str
        Precision of the matrix products, as in :func:`~laser_core.fast.precision.pick_dtype`.
    on_step : callable, optional
        Called with the step and ``{"loss": ..., "reserved_error": ...}``, both in nats.
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
    """One stage of :func:`train_base`: cross-entropy of solutions and grades plus the pinning term, one-cycle."""
    rng = np.random.default_rng([config.seed, stage])
    problems = {family: family.problems("train") for family in CORPUS}
    reserved = torch.tensor(tokenizer.convert_tokens_to_ids(list(RESERVED)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.98), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, steps, pct_start=0.1)
    for step in range(steps):
        tokens, labels, weight = corpus_batch(problems, tokenizer, config, rng)
        is_end, kept = tokens == tokenizer.eos_token_id, labels != IGNORE
        total_weight, n_kept, n_ends = weight[kept].sum(), kept.sum(), is_end.sum()
        optimizer.zero_grad()
        totals = torch.zeros(2)
        parts = (part.split(MICRO_BATCH) for part in (tokens, labels, weight, kept, is_end))
        for micro_batch in zip(*parts, strict=True):
            longest = int((micro_batch[0] != tokenizer.pad_token_id).sum(1).max())
            t, y, w, k, e = (part[:, :longest] for part in micro_batch)
            hidden = hidden_states(model, t, dtype)  # (b, T, D)
            logprobs = F.linear(hidden[k].float(), model.lm_head.weight).log_softmax(-1)  # (b, T, D) -> (m, V)
            loss = (w[k] * F.nll_loss(logprobs, y[k], reduction="none")).sum() / total_weight
            # The end, a thirtieth of all positions, counts as much as all other positions together.
            off = (logprobs[:, reserved] - config.reserved_logprob).square().mean(1)  # (m,)
            pinned = (off[e[k]].sum() / n_ends + off[~e[k]].sum() / (n_kept - n_ends)) / 2
            (loss + reserved_weight * pinned).backward()
            totals += torch.stack([loss.detach(), pinned.detach()])
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if on_step:
            on_step(first_step + step, {"loss": totals[0].item(), "reserved_error": totals[1].sqrt().item()})


def hidden_states(model: LlamaForCausalLM, tokens: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """The last hidden states, float32 of shape (B, T, D), of tokens of shape (B, T) that are padded on the right."""
    bias = causal_bias(tokens.shape[1], tokens.device)
    position = torch.arange(tokens.shape[1], device=tokens.device).expand_as(tokens)
    forward = FastLlama(model, dtype)
    return forward(tokens, position, lambda _, query, key, value: attend(query, key, value, bias))
