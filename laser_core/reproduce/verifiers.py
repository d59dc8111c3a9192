"""What the score is compared with: a second prompt that asks the model to grade, and a reward model of the same size.

Both become ``signal.*`` columns of a rollout table, so that every analysis of the score applies to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from laser_core.bundled import model_path
from laser_core.evaluate import responses_of
from laser_core.fast.precision import autocast
from laser_core.generate import generate
from laser_core.miniature.model import ATTENTION, hidden_states
from laser_core.policy import Policy
from laser_core.reproduce.probe import BATCH
from laser_core.rollouts import Rollouts, read
from laser_core.scoring import Solutions
from laser_core.tasks import grading_prompt

GRADES = ("n", "y")  # how a grading page ends, for an incorrect and a correct solution
GRADING_TOKENS = 40  # length limit of a grading page's answer
EVERY = 3  # of a run's training steps whose rollouts the reward model learns from


@dataclass(frozen=True)
class SecondPrompt:
    """The model's own grades, each asked for in a prompt of its own.

    Attributes
    ----------
    probability : ndarray of shape (R,)
        P(y) / (P(y) + P(n)) where the model writes its grade; 0 where it writes none, since then it confirms nothing.
    read, written : ndarray of int of shape (R,)
        Tokens of the prompt, and of what the model wrote after it.
    graded : ndarray of bool of shape (R,)
        Whether it wrote a grade.
    """

    probability: np.ndarray
    read: np.ndarray
    written: np.ndarray
    graded: np.ndarray


def solutions_of(policy: Policy, rollouts: Rollouts) -> Solutions:
    """The table's solutions as the policy wrote them, token by token."""
    columns = rollouts.table.select(["problem", "response", "tokens"]).to_pydict()
    responses = [_ids(policy, tokens) for tokens in columns["tokens"]]
    return Solutions.pack([policy.encode_prompt(text) for text in columns["problem"]], responses, policy)


@torch.inference_mode()
def second_prompt(
    policy: Policy, problems: Sequence[str], responses: Sequence[str], *, dtype: torch.dtype | None = None
) -> SecondPrompt:
    """Ask the model to grade solutions: it reads a page with problem and solution, checks again and writes a grade.

    The page is written greedily. Its grade is the last ``y`` or ``n`` in it, and the probability is read where the
    model wrote it.

    Parameters
    ----------
    policy : Policy
    problems, responses : sequence of str
        R solutions with the texts of their problems.
    dtype : torch.dtype, optional
        Precision of the matrix products.

    Returns
    -------
    SecondPrompt
    """
    prompts = [policy.encode_prompt(grading_prompt(p, r)) for p, r in zip(problems, responses, strict=True)]
    wrong, right = _ids(policy, GRADES)
    pages: list[list[int]] = []
    for start in range(0, len(prompts), BATCH):
        written = generate(
            policy,
            prompts[start : start + BATCH],
            samples=1,
            max_new_tokens=GRADING_TOKENS,
            generator=torch.Generator().manual_seed(0),
            temperature=0.0,
            dtype=dtype,
        )
        pages += responses_of(written)
    # Where each page writes its grade; -1 where it writes none.
    place = [max((i for i, token in enumerate(page) if token in (wrong, right)), default=-1) for page in pages]
    graded = np.array(place, dtype=int) >= 0
    probability = np.zeros(len(pages))
    for rows in torch.from_numpy(np.flatnonzero(graded)).split(BATCH):
        before = [pages[row][: place[row]] for row in rows.tolist()]
        packed = Solutions.pack([prompts[row] for row in rows.tolist()], before, policy)
        hidden = hidden_states(policy.model, packed.tokens, dtype or policy.model.dtype)  # (b, L, D)
        end = packed.prompt_length + packed.length - 1
        logits = policy.logits(hidden[torch.arange(len(rows)), end])  # (b, V)
        probability[rows.numpy()] = torch.sigmoid(logits[:, right] - logits[:, wrong]).double().numpy()
    return SecondPrompt(probability, np.array(list(map(len, prompts))), np.array(list(map(len, pages))), graded)


@torch.inference_mode()
def self_certainty(policy: Policy, rollouts: Rollouts, *, dtype: torch.dtype) -> np.ndarray:
    """Mean over a solution's tokens of KL(uniform || policy), in nats.

    A signal that costs nothing during sampling, where all logits are at hand (Kang et al. 2025, arXiv 2502.18581).

    Returns
    -------
    ndarray of shape (R,)
    """
    solutions = solutions_of(policy, rollouts)
    values = []
    for rows in torch.arange(len(rollouts)).split(BATCH):
        part = solutions.rows(rows)
        hidden = hidden_states(policy.model, part.tokens, dtype)
        logprobs = policy.logits(hidden).log_softmax(-1)
        kl = -np.log(logprobs.shape[-1]) - logprobs.mean(-1)  # (b, L, V) -> (b, L)
        position, start = torch.arange(part.tokens.shape[1]), part.prompt_length[:, None] - 1
        predicts = (position >= start) & (position < start + part.length[:, None])
        values.append((kl * predicts).sum(1) / part.length)
    return torch.cat(values).double().numpy()


def train_reward_model(
    model: str, policy: Policy, training_rollouts: list[Path], *, seed: int, dtype: torch.dtype, lr: float = 1e-4
) -> PreTrainedModel:
    """An external verifier: the base with a scalar output, trained on another run's rollouts by cross-entropy.

    One pass over the rollouts of every third step of that run, in shuffled batches; the learning rate falls linearly
    to zero.

    Parameters
    ----------
    model : str
        The base to start from: the policy's size and architecture.
    policy : Policy
        For its tokenizer.
    training_rollouts : list of Path
        Parquet files of the run's own rollouts, one a step.
    seed : int
    dtype : torch.dtype
        Precision of the matrix products.
    lr : float
        Learning rate of the first batch.

    Returns
    -------
    PreTrainedModel
    """
    torch.manual_seed(seed)
    reward_model = AutoModelForSequenceClassification.from_pretrained(
        model_path(model), num_labels=1, use_safetensors=True, trust_remote_code=False, attn_implementation=ATTENTION
    )
    texts: list[str] = []
    correct_or_not: list[float] = []
    for path in training_rollouts[::EVERY]:
        columns = read(path).rollouts.table.select(["problem", "response", "truncated", "correct"]).to_pydict()
        for problem, response, truncated, correct in zip(*columns.values(), strict=True):
            if not truncated:
                texts.append(problem + response)
                correct_or_not.append(float(correct))
    tokens, targets = _encode(policy, texts), torch.tensor(correct_or_not)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(texts)))
    batches = order.split(BATCH)
    optimizer = torch.optim.AdamW(reward_model.parameters(), lr=lr, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, total_iters=len(batches))
    for rows in batches:
        optimizer.zero_grad()
        logit = _logits(reward_model, policy, tokens, rows, dtype)
        F.binary_cross_entropy_with_logits(logit, targets[rows]).backward()
        optimizer.step()
        schedule.step()
    return reward_model


@torch.inference_mode()
def reward_model_scores(
    reward_model: PreTrainedModel, policy: Policy, rollouts: Rollouts, *, dtype: torch.dtype
) -> np.ndarray:
    """The reward model's probability that each solution is correct.

    Returns
    -------
    ndarray of shape (R,)
        NaN where the solution is truncated.
    """
    columns = rollouts.table.select(["problem", "response", "truncated"]).to_pydict()
    tokens = _encode(policy, [p + r for p, r in zip(columns["problem"], columns["response"], strict=True)])
    logits = [_logits(reward_model, policy, tokens, rows, dtype) for rows in torch.arange(len(rollouts)).split(BATCH)]
    value = torch.sigmoid(torch.cat(logits)).double().numpy()
    return np.where(np.array(columns["truncated"], bool), np.nan, value)


def _ids(policy: Policy, tokens: Sequence[str]) -> list[int]:
    """The ids of tokens; transformers declares one id or several."""
    ids = policy.tokenizer.convert_tokens_to_ids(list(tokens))
    assert isinstance(ids, list)
    return ids


def _encode(policy: Policy, texts: list[str]) -> list[list[int]]:
    end = policy.tokenizer.eos_token_id
    return [[*ids, end] for ids in policy.tokenizer(texts, add_special_tokens=False)["input_ids"]]


def _logits(
    reward_model: PreTrainedModel, policy: Policy, tokens: list[list[int]], rows: torch.Tensor, dtype: torch.dtype
) -> torch.Tensor:
    pad = policy.tokenizer.pad_token_id
    chosen = [tokens[i] for i in rows.tolist()]
    longest = max(map(len, chosen))
    ids = torch.tensor([row + [pad] * (longest - len(row)) for row in chosen])  # (b, T)
    with autocast(dtype):
        return reward_model(input_ids=ids, attention_mask=ids != pad).logits[:, 0].float()  # (b, 1) -> (b,)
