"""How a training batch looks: the few numbers each line of ``events.jsonl`` holds.

They describe the rollouts the step trained on. Estimates with intervals come from ``laser_core.analysis``, which reads
the evaluation rollouts; the definitions are the same (a test holds them together).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def balanced_f1(score: Tensor, reward: Tensor, scored: Tensor, *, threshold: float = 0.5) -> float:
    """Harmonic mean of TPR and TNR at ``score > threshold`` (what the paper calls F1); NaN where a class is missing.

    Parameters
    ----------
    score, reward : Tensors of shape (B,)
    scored : bool Tensor of shape (B,)
    """
    accepted, correct = score[scored] > threshold, reward[scored] > 0.5
    tpr, tnr = accepted[correct].float().mean().item(), (~accepted)[~correct].float().mean().item()
    return math.nan if math.isnan(tpr) or math.isnan(tnr) else (2 * tpr * tnr / (tpr + tnr) if tpr + tnr else 0.0)


def within_problem_auroc(score: Tensor, reward: Tensor, scored: Tensor, group_size: int) -> float:
    """AUROC of correct against incorrect solutions of the same problem, averaged over the problems that have both.

    Parameters
    ----------
    score, reward : Tensors of shape (B,), a problem's solutions side by side
    scored : bool Tensor of shape (B,)
    group_size : K
    """
    score, correct, scored = (t.view(-1, group_size) for t in (score, reward > 0.5, scored))  # (B,) -> (G, K)
    pair = (scored & correct)[:, :, None] & (scored & ~correct)[:, None, :]  # (G, K, K): correct i, incorrect j
    difference = torch.where(pair, score[:, :, None] - score[:, None, :], 0.0)
    wins = ((difference > 0).float() + 0.5 * (difference == 0).float()) * pair
    pairs = pair.sum((1, 2))
    mixed = pairs > 0
    return (wins.sum((1, 2))[mixed] / pairs[mixed]).mean().item() if mixed.any() else math.nan


def reward_summary(reward: Tensor, group_size: int) -> dict[str, float]:
    """Mean reward, mean std within a problem, and the share of problems whose solutions all agree (TRL's names)."""
    std = reward.view(-1, group_size).std(dim=1)  # (B,) -> (G, K) -> (G,)
    return {
        "reward": reward.mean().item(),
        "reward_std": std.mean().item(),
        "frac_reward_zero_std": (std == 0).float().mean().item(),
    }
