"""The event of a training step: the numbers in each line of ``events.jsonl``.

They describe the rollouts the step trained on. Estimates with intervals come from ``laser_core.analysis``, which reads
the evaluation rollouts; both take the definitions from ``laser_core.metrics``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from laser_core import metrics
from laser_core.generate import Generation
from laser_core.score import log_partition

REFERENCE_SOLUTIONS = 16  # of a step, one a problem, that the reference model scores: below 3% of a step's time


@dataclass(frozen=True)
class Update:
    """What the last optimiser update of a step did.

    Attributes
    ----------
    loss : float
        What was minimised: policy loss + alpha * score loss, over the whole batch.
    policy_loss, score_loss : float
        Its two parts.
    clipped_low, clipped_high : float
        Response tokens whose gradient the clipping stopped, below and above.
    grad_norm : float
        Norm of the gradient before it was clipped.
    lr : float
        The learning rate.
    """

    loss: float
    policy_loss: float
    score_loss: float
    clipped_low: float
    clipped_high: float
    grad_norm: float
    lr: float


def step_event(
    sampled: Generation,
    reward: Tensor,
    score: Tensor,
    update: Update,
    *,
    step: int,
    phase: str,
    group_size: int,
    sample_seconds: float,
    against_reference: dict[str, float] | None = None,
) -> dict:
    """A training step as a line of ``events.jsonl``.

    Parameters
    ----------
    sampled : Generation
        The step's B solutions, a problem's K side by side.
    reward : Tensor of shape (B,)
        r_v, 0 or 1.
    score : Tensor of shape (B,)
        r_s; any value where a solution was truncated.
    update : Update
    step : int
        Counted from 0.
    phase : str
        The schedule's phase: grpo, score or laser.
    group_size : int
        K.
    sample_seconds : float
        Time that sampling took.
    against_reference : dict, optional
        From :func:`reference_summary`.

    Returns
    -------
    dict
        Numbers by name; names with a slash follow TRL.
    """
    scored, n_tokens = ~sampled.truncated, int(sampled.length.sum())
    scores = score_summary(score, reward, scored, group_size, loss=update.score_loss)
    return {
        "step": step,
        "phase": phase,
        **reward_summary(reward, group_size),
        "loss": update.loss,
        "policy_loss": update.policy_loss,
        "score_loss": update.score_loss,
        "balanced_f1": scores["laser/balanced_f1"],
        "within_problem_auroc": scores["laser/within_problem_auroc"],
        "entropy": (sampled.entropy.sum() / n_tokens).item(),
        **length_summary(sampled.length, sampled.truncated),
        **scores,
        **(against_reference or {}),
        "clip_ratio/low_mean": update.clipped_low / n_tokens,
        "clip_ratio/high_mean": update.clipped_high / n_tokens,
        "clip_ratio/region_mean": (update.clipped_low + update.clipped_high) / n_tokens,
        "grad_norm": update.grad_norm,
        "lr": update.lr,
        "n_tokens": n_tokens,
        "sample_seconds": sample_seconds,
    }


def length_summary(length: Tensor, truncated: Tensor) -> dict[str, float]:
    """Lengths of the solutions in tokens, <eos> included, under TRL's names.

    Parameters
    ----------
    length : int Tensor of shape (B,)
    truncated : bool Tensor of shape (B,)
        Whether the length limit cut the solution off.

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
    score : Tensor of shape (B,)
        r_s, a problem's K solutions side by side.
    reward : Tensor of shape (B,)
        r_v, 0 or 1.
    scored : bool Tensor of shape (B,)
        Which solutions have a score.
    group_size : int
        K.
    loss : float
        The score loss.
    """
    known = scored.numpy(force=True)
    problem = (np.arange(len(score)) // group_size)[known]
    y_true, value = (reward > 0.5).numpy(force=True)[known], score.double().numpy(force=True)[known]
    return {
        "laser/score_loss": loss,
        "laser/balanced_f1": float(metrics.balanced_f1(*metrics.true_rates(y_true, value > 0.5))),
        "laser/auroc": metrics.auroc(y_true, value),
        "laser/within_problem_auroc": metrics.within_problem_auroc(y_true, value, problem),
        "laser/score_correct": score[scored & (reward > 0.5)].mean().item(),
        "laser/score_incorrect": score[scored & (reward <= 0.5)].mean().item(),
    }


def reference_rows(n_problems: int, group_size: int) -> Tensor:
    """Which solutions the reference model scores: the first of each of the first problems, at most 16; int64.

    That is a fair sample, because problems and solutions come in random order.

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
    """How far the policy has moved, and whether the two approximations of the closed form still hold.

    Parameters
    ----------
    logprob, ref_logprob : Tensor of shape (R, T)
        Of the response tokens under the sampler and under the reference, in nats.
    mask : bool Tensor of shape (R, T)
        True at response tokens.
    ref_z_logprob : Tensor of shape (R,)
        log pi_ref(z_c | x, y, <eos>), in nats.
    scored : bool Tensor of shape (R,)
        Which solutions have a score.
    beta_v : float
        Scale of the score, in reward units per nat.
    c_ref : float
        Reference constant, in nats.

    Returns
    -------
    dict
        ``kl``: mean over tokens of exp(d) - d - 1 with d = log pi_ref - log pi (Schulman's k3 estimator, as in TRL), in
        nats; ``laser/c_ref_drift``: mean of log pi_ref(z_c) on the current solutions, minus c_ref, in nats;
        ``laser/c_ref_std``: its standard deviation; ``laser/log_z``: mean of log Z, which the score takes for 0.
    """
    difference = torch.where(mask, ref_logprob - logprob, 0.0)
    kl = ((difference.exp() - difference - 1) * mask).sum() / mask.sum().clamp(min=1)
    known = ref_z_logprob[scored].double()
    return {
        "kl": kl.item(),
        "laser/c_ref_drift": (known.mean() - c_ref).item(),
        "laser/c_ref_std": known.std().item() if len(known) > 1 else math.nan,
        "laser/log_z": log_partition(known, beta_v=beta_v).mean().item(),
    }


def reward_summary(reward: Tensor, group_size: int) -> dict[str, float]:
    """Mean reward, mean std within a problem, and the share of problems whose solutions all agree (TRL's names)."""
    std = reward.view(-1, group_size).std(dim=1)  # (B,) -> (G, K) -> (G,)
    return {
        "reward": reward.mean().item(),
        "reward_std": std.mean().item(),
        "frac_reward_zero_std": (std == 0).float().mean().item(),
    }
