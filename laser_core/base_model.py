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

from laser_core.fast.precision import autocast, pick_dtype
from laser_core.tasks import linear, pair, words
from laser_core.tasks.sources import load_problems

PAD, EOS = "<pad>", "<eos>"
RESERVED = tuple(f"<|reserved_{i}|>" for i in range(4))
CHARACTERS = "".join(chr(c) for c in range(32, 127)) + "\n"
ATTENTION = "eager"  # on a CPU, at these lengths, measured twice as fast as the fused kernel
MICRO_BATCH = 64  # solutions in one forward pass: what fits into a CPU's cache trains faster
GRADES = ("n", "y")  # what follows an incorrect and a correct solution in the corpus
CORPUS = {  # family: its share of the corpus, and what writes its solutions
    "linear": (0.4, linear.noisy_solution),
    "linear-long": (0.15, linear.noisy_solution),
    "pair": (0.2, pair.noisy_solution),
    "words": (0.15, words.noisy_solution),
    "words-long": (0.1, words.noisy_solution),
}
IGNORE = -100  # label of a position without loss, PyTorch's convention


@dataclass(frozen=True)
class BaseConfig:
    """How the miniature base is built and trained."""

    hidden_size: int = 128
    layers: int = 4
    heads: int = 4
    intermediate_size: int = 384
    steps: int = 2400  # of pre-training on the corpus
    settle_steps: int = 80  # then of pinning the reserved tokens, still on the corpus
    batch_size: int = 256
    lr: float = 2e-3
    settle_lr: float = 3e-4
    wrong_share: float = 0.5  # of the corpus's solutions
    grade_weight: float = 4.0  # of a grade's loss: one token in thirty, and the one that checking is learned from
    reserved_logprob: float = -23.0  # nats; the paper's c_ref for Qwen2.5
    reserved_weight: float = 0.02  # of the pinning term in pre-training; a stronger one delays all other learning
    settle_reserved_weight: float = 0.2
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
    fast.add_tokens(list(words.WORDS))
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


def corpus_batch(
    problems: dict[str, tuple], tokenizer: PreTrainedTokenizerFast, config: BaseConfig, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """One batch of the corpus, shortest first.

    Returns
    -------
    tokens, labels : int64 Tensor of shape (B, T)
        ``labels[b, t]`` is the token to predict from ``tokens[b, : t + 1]``, or ``IGNORE`` in the problem's text and
        the padding.
    weight : Tensor of shape (B, T)
        Weight of each label's loss.
    """
    shares = [share for share, _ in CORPUS.values()]
    prompts, solutions = [], []
    for family in rng.choice(list(CORPUS), size=config.batch_size, p=shares):
        problem = problems[family][rng.integers(len(problems[family]))]
        solution = CORPUS[family][1](problem, rng, wrong_share=config.wrong_share)
        prompts.append(problem.text)
        solutions.append(f"{solution}{EOS}{GRADES[solution.endswith('#' + problem.answer)]}")
    prompt_ids, solution_ids = (
        tokenizer(texts, add_special_tokens=False)["input_ids"] for texts in (prompts, solutions)
    )
    pairs = sorted(zip(prompt_ids, solution_ids, strict=True), key=lambda pair: len(pair[0]) + len(pair[1]))
    length = sum(map(len, pairs[-1]))
    tokens = np.full((config.batch_size, length), tokenizer.pad_token_id)
    labels = np.full((config.batch_size, length), IGNORE)
    weight = np.ones((config.batch_size, length), np.float32)
    for row, (prompt, solution) in enumerate(pairs):
        start, end = len(prompt), len(prompt) + len(solution)
        tokens[row, :end] = prompt + solution
        labels[row, start - 1 : end - 1] = solution
        weight[row, end - 2] = config.grade_weight  # read at <eos>, the last token but one
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
    problems = {family: load_problems(family, "train") for family in CORPUS}
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
            with autocast(dtype):
                hidden = model.model(t).last_hidden_state  # (b, T, D)
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
