"""What the score is compared with: the grade the model writes after a solution, and a reward model of the same size.

Both become ``signal.*`` columns of a rollout table, so that every analysis of the score applies to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from laser_core.base_model import ATTENTION, GRADES
from laser_core.bundled import model_path
from laser_core.fast.precision import autocast
from laser_core.policy import Policy
from laser_core.rollouts import Rollouts, read
from laser_core.scoring import Solutions, score_solutions

SELF_CERTAINTY = "signal.self_certainty"
BATCH = 128


def solutions_of(policy: Policy, rollouts: Rollouts) -> Solutions:
    """The table's solutions as the policy wrote them, token by token."""
    columns = rollouts.table.select(["problem", "response", "tokens"]).to_pydict()
    responses = [_ids(policy, tokens) for tokens in columns["tokens"]]
    return Solutions.pack([policy.encode_prompt(text) for text in columns["problem"]], responses, policy)


@torch.inference_mode()
def self_verification(policy: Policy, rollouts: Rollouts) -> np.ndarray:
    """The model's own grade of each solution: it reads problem and solution again and writes a grade token.

    The miniature base was pretrained on graded solutions, so one token is its whole answer. It is read at ``<eos>``,
    the score's own position, so unlike the paper's baseline this is no second prompt. The value is P(correct) among the
    two grade tokens; above 1/2, greedy decoding would write the grade of a correct solution.

    Returns
    -------
    ndarray of shape (R,)
        NaN where the solution is truncated.
    """
    solutions = solutions_of(policy, rollouts)
    incorrect, correct = _ids(policy, GRADES)
    grader = replace(policy, z_id=correct, z_wrong_id=incorrect, more_z_ids=())
    logits = []
    for rows in torch.arange(len(rollouts)).split(BATCH):
        scored = score_solutions(grader, solutions.rows(rows))
        assert scored.z_wrong_logprob is not None  # the grader names z_wrong_id
        logits.append(scored.z_logprob - scored.z_wrong_logprob)
    probability = torch.sigmoid(torch.cat(logits)).double().numpy()
    return np.where(np.array(rollouts.table["truncated"].to_pylist(), bool), np.nan, probability)


@torch.inference_mode()
def self_certainty(policy: Policy, rollouts: Rollouts) -> np.ndarray:
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
        hidden = policy.model.base_model(part.tokens, use_cache=False).last_hidden_state
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

    One pass over every rollout of that run, in shuffled batches; the learning rate falls linearly to zero.

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
    for path in training_rollouts:
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
