"""How a training batch looks: the few numbers each line of ``events.jsonl`` holds.

They describe the rollouts the step trained on. Estimates with intervals come from ``laser_core.analysis``, which reads
the evaluation rollouts; both take the definitions from ``laser_core.metrics``.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from laser_core import algorithm, metrics

REFERENCE_SOLUTIONS = 16  # of a step, one a problem, that the reference model reads: below 3% of a step's time


def length_summary(length: Tensor, truncated: Tensor) -> dict[str, float]:
    """Lengths of the solutions in tokens, <eos> included, under TRL's names.

    Parameters
    ----------
    length : int Tensor of shape (B,)
    truncated : bool Tensor of shape (B,), stopped by the length limit

    Examples
    --------
    >>> found = length_summary(torch.tensor([4, 8, 12]), torch.tensor([False, False, True]))
    >>> found["completions/mean_length"], found["completions/mean_terminated_length"]
    (8.0, 6.0)
    """
    ended = length[~truncated].float()
    return {
        "completions/mean_length": length.float().mean().item(),
        "completions/min_length": float(length.min()),
        "completions/max_length": float(length.max()),
        "completions/clipped_ratio": truncated.float().mean().item(),
        "completions/mean_terminated_length": ended.mean().item(),  # NaN where none ended
    }


def score_summary(score: Tensor, reward: Tensor, scored: Tensor, group_size: int, *, loss: float) -> dict[str, float]:
    """How well the score separates correct from incorrect solutions in this batch: the ``laser/`` metrics.

    Parameters
    ----------
    score, reward : Tensor of shape (B,)
        A problem's solutions side by side.
    scored : bool Tensor of shape (B,)
        Which solutions have a score; the others are left out.
    group_size : int
        Solutions of each problem, K.
    loss : float
        The score loss, passed on.
    """
    problem, y_true, known = (
        np.arange(len(score)) // group_size,
        (reward > 0.5).numpy(force=True),
        scored.numpy(force=True),
    )
    problem, y_true, value = problem[known], y_true[known], score.double().numpy(force=True)[known]
    return {
        "laser/score_loss": loss,
        "laser/balanced_f1": float(metrics.balanced_f1(*metrics.true_rates(y_true, value > 0.5))),
        "laser/auroc": metrics.auroc(y_true, value),
        "laser/within_problem_auroc": metrics.within_problem_auroc(y_true, value, problem),
        "laser/score_correct": score[scored & (reward > 0.5)].mean().item(),
        "laser/score_incorrect": score[scored & (reward <= 0.5)].mean().item(),
    }


def reference_rows(n_problems: int, group_size: int) -> Tensor:
    """Which solutions the reference model reads: the first one of each of the first problems; int64, at most 16.

    They are as good a sample as any: problems and solutions come in no order.

    Examples
    --------
    >>> reference_rows(3, 8).tolist(), len(reference_rows(64, 8))
    ([0, 8, 16], 16)
    """
    return torch.arange(min(n_problems, REFERENCE_SOLUTIONS)) * group_size


def reference_summary(
    logprob: Tensor,
    ref_logprob: Tensor,
    mask: Tensor,
    ref_z_logprob: Tensor,
    scored: Tensor,
    *,
    beta_v: float,
    c_ref: float,
) -> dict[str, float]:
    """How far the policy has moved, and whether the two constants of the closed form still hold.

    Parameters
    ----------
    logprob, ref_logprob : Tensors of shape (R, T), of the response tokens under the sampler and the reference
    mask : bool Tensor of shape (R, T), True at response tokens
    ref_z_logprob : Tensor of shape (R,), log pi_ref(z_c | x, y, <eos>) in nats
    scored : bool Tensor of shape (R,)
    beta_v, c_ref : the run's

    Returns
    -------
    dict
        ``kl``: mean over tokens of exp(d) - d - 1 with d = log pi_ref - log pi (Schulman's k3 estimator, TRL's), nats;
        ``laser/c_ref_drift``: mean of log pi_ref(z_c) on today's solutions, minus c_ref, nats; ``laser/c_ref_std``:
        its standard deviation; ``laser/log_z``: mean of log Z, which the score takes for 0.
    """
    difference = torch.where(mask, ref_logprob - logprob, 0.0)
    kl = ((difference.exp() - difference - 1) * mask).sum() / mask.sum().clamp(min=1)
    known = ref_z_logprob[scored].double()
    return {
        "kl": kl.item(),
        "laser/c_ref_drift": (known.mean() - c_ref).item(),
        "laser/c_ref_std": known.std().item() if len(known) > 1 else math.nan,
        "laser/log_z": algorithm.log_partition(known, beta_v=beta_v).mean().item(),
    }


def reward_summary(reward: Tensor, group_size: int) -> dict[str, float]:
    """Mean reward, mean std within a problem, and the share of problems whose solutions all agree (TRL's names)."""
    std = reward.view(-1, group_size).std(dim=1)  # (B,) -> (G, K) -> (G,)
    return {
        "reward": reward.mean().item(),
        "reward_std": std.mean().item(),
        "frac_reward_zero_std": (std == 0).float().mean().item(),
    }
