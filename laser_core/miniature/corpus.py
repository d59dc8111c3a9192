"""What the miniature base reads: solutions of three families, and grading pages, as batches of tokens."""

from __future__ import annotations

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from laser_core.miniature.model import BaseConfig
from laser_core.tasks import CHAIN, LINEAR, WORDS, Family, grading_prompt
from laser_core.tasks.guess_and_check import ACCEPT, RETRY, Habits, grading, noisy_solution

FIRST_READER = {LINEAR: 1.0}  # each family's share of the corpus, at first,
CORPUS = {LINEAR: 0.3, CHAIN: 0.35, WORDS: 0.35}  # then,
EXERCISES = {LINEAR: 0.15, CHAIN: 0.7, WORDS: 0.15}  # and in three more readings, for what is the hardest to check
CAREFUL = Habits(accept_right=1.0, accept_wrong=0.1, bend=0.5)
IGNORE = -100  # label of a position without loss, PyTorch's convention


def corpus_text(
    shares: dict[Family, float], config: BaseConfig, habits: Habits, rng: np.random.Generator
) -> tuple[str, str]:
    """One text of the corpus: what is given, and what is learned to be written after it."""
    family = list(shares)[rng.choice(len(shares), p=list(shares.values()))]
    problems = family.problems("train")
    problem = problems[rng.integers(len(problems))]
    solution = noisy_solution(family, problem, rng, habits)
    if rng.random() >= config.page_share:
        return problem.text, solution
    return grading_prompt(problem.text, solution), grading(family, problem, solution, rng, habits)


def corpus_batch(
    shares: dict[Family, float],
    tokenizer: PreTrainedTokenizerFast,
    config: BaseConfig,
    habits: Habits,
    rng: np.random.Generator,
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
    given, written = zip(*(corpus_text(shares, config, habits, rng) for _ in range(config.batch_size)), strict=True)
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
