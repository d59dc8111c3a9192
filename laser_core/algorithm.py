"""LaSeR's equations (arXiv 2510.14943), as pure functions of tensors.

Three quantities that must not be mixed up:

- ``reward``: r_v, the verifier's 0/1 check of a solution against the reference answer.
- ``score``: r_s, the policy's own estimate, computed from one token's log-prob after the solution's end.
- ``advantage``: what multiplies the policy gradient.

Shapes: B solutions, of G problems with K solutions each (B = G * K, a problem's solutions side by side), and T response
tokens. ``scored`` marks the solutions that have a score: one cut off by the length limit has no <eos> and therefore
none. Log-probs are in nats.

All of LaSeR, as one training step uses it::

    r_s    = last_token_score(log pi(z_c | x, y, <eos>), beta_v, c_ref)
    A      = (1 - tau) * norm_group(r_v) + tau * norm_group(r_s)
    loss   = policy_loss(A) + alpha * score_loss(r_s, r_v)

``last_token_score``, ``partition`` and ``log_partition`` live in :mod:`laser_core.score`, because the analyses need
them without torch.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from laser_core.score import last_token_score, log_partition, partition

__all__ = [
    "class_weights",
    "clipped_tokens",
    "group_advantages",
    "integrated_advantages",
    "last_token_score",
    "log_partition",
    "partition",
    "policy_loss",
    "score_loss",
    "verdict_cross_entropy",
    "verdict_probability",
]


def class_weights(reward: Float[Tensor, "B"], scored: Bool[Tensor, "B"]) -> Float[Tensor, "B"]:
    """Class-level re-weighting: w_c = (N_c + N_i) / (2 N_c), w_i = (N_c + N_i) / (2 N_i).

    Both classes then carry the same total weight, whatever the accuracy. If one class is missing, the other's weight
    is 1/2, as the formula gives.

    Parameters
    ----------
    reward : Tensor of shape (B,)
        1 for correct and 0 for incorrect solutions.
    scored : bool Tensor of shape (B,)
        Solutions without a score count in neither N and get weight 0.

    Returns
    -------
    Tensor of shape (B,)

    Examples
    --------
    >>> class_weights(torch.tensor([1.0, 0.0, 0.0, 0.0]), torch.ones(4, dtype=torch.bool)).tolist()
    [2.0, 0.6666666865348816, 0.6666666865348816, 0.6666666865348816]
    """
    correct, incorrect = scored & (reward > 0.5), scored & (reward <= 0.5)
    n_correct, n_incorrect = correct.sum(), incorrect.sum()
    n = n_correct + n_incorrect
    return correct * (n / (2 * n_correct).clamp(min=1)) + incorrect * (n / (2 * n_incorrect).clamp(min=1))


def score_loss(
    score: Float[Tensor, "B"],
    reward: Float[Tensor, "B"],
    weight: Float[Tensor, "B"],
    *,
    n_scored: int | Int[Tensor, ""],
) -> Float[Tensor, ""]:
    """The score loss: l = 1 / (N_c + N_i) * sum_j w_j * (r_s_j - r_v_j)^2.

    Parameters
    ----------
    score : Tensor of shape (B,)
        r_s; the gradient flows through it.
    reward : Tensor of shape (B,)
        r_v, 0 or 1.
    weight : Tensor of shape (B,)
        From :func:`class_weights`; 0 for a solution without a score.
    n_scored : int or Tensor of shape ()
        N_c + N_i of the whole batch, so that the losses of micro-batches add up to the batch's.

    Returns
    -------
    Tensor of shape ()
    """
    # A solution without a score may hold any value, NaN included: select first, square afterwards.
    error = torch.where(weight > 0, score - reward, torch.zeros_like(score))
    return (weight * error.square()).sum() / max(int(n_scored), 1)


def verdict_probability(z_logprob: Float[Tensor, "B"], z_wrong_logprob: Float[Tensor, "B"]) -> Float[Tensor, "B"]:
    """The score of the cross-entropy form: pi(z_c) / (pi(z_c) + pi(z_i)), between 0 and 1.

    It is what :func:`verdict_cross_entropy` trains, and above 0.5 where the policy finds "correct" more likely than
    "incorrect".

    Parameters
    ----------
    z_logprob : Tensor of shape (B,)
        log pi(z_c | x, y, <eos>), in nats.
    z_wrong_logprob : Tensor of shape (B,)
        log pi(z_i | x, y, <eos>), in nats.

    Returns
    -------
    Tensor of shape (B,)

    Examples
    --------
    >>> half_against_a_sixth = torch.tensor([1 / 2]).log(), torch.tensor([1 / 6]).log()
    >>> round(verdict_probability(*half_against_a_sixth).item(), 6)
    0.75
    """
    return torch.sigmoid(z_logprob - z_wrong_logprob)


def verdict_cross_entropy(
    z_logprob: Float[Tensor, "B"],
    z_wrong_logprob: Float[Tensor, "B"],
    reward: Float[Tensor, "B"],
    weight: Float[Tensor, "B"],
    *,
    n_scored: int | Int[Tensor, ""],
) -> Float[Tensor, ""]:
    """The form that the paper rejects: l = -1 / (N_c + N_i) * sum_j w_j * [r_v log pi(z_c) + (1 - r_v) log pi(z_i)].

    This is supervised fine-tuning on a verdict token. It pulls the whole probability onto z_c or z_i, tens of nats from
    where an unused token starts, while the score loss asks for 1 / beta_v nats. The paper finds that this hurts
    reasoning.

    Parameters
    ----------
    z_logprob : Tensor of shape (B,)
        log pi(z_c | x, y, <eos>), in nats.
    z_wrong_logprob : Tensor of shape (B,)
        log pi(z_i | x, y, <eos>), in nats.
    reward : Tensor of shape (B,)
        r_v, 0 or 1.
    weight : Tensor of shape (B,)
        From :func:`class_weights`; 0 for a solution without a score.
    n_scored : int or Tensor of shape ()
        N_c + N_i of the whole batch, so that the losses of micro-batches add up to the batch's.

    Returns
    -------
    Tensor of shape ()
    """
    target_logprob = torch.where(reward > 0.5, z_logprob, z_wrong_logprob)
    # A solution without a score may hold any value, NaN included: select first, weigh afterwards.
    target_logprob = torch.where(weight > 0, target_logprob, torch.zeros_like(target_logprob))
    return -(weight * target_logprob).sum() / max(int(n_scored), 1)


def group_advantages(
    values: Float[Tensor, "B"], group_size: int, valid: Bool[Tensor, "B"] | None = None, *, eps: float = 1e-6
) -> Float[Tensor, "B"]:
    """GRPO's norm_group: (value - mean of its problem's values) / (std of its problem's values + eps).

    Parameters
    ----------
    values : Tensor of shape (B,)
        Rewards or scores.
    group_size : int
        K, the number of solutions of each problem.
    valid : bool Tensor of shape (B,), optional
        Values outside it enter neither mean nor std, and get advantage 0.
    eps : float
        Keeps a problem without spread from dividing by zero.

    Returns
    -------
    Tensor of shape (B,)

    Notes
    -----
    The standard deviation divides by count - 1, as in verl and TRL.

    Examples
    --------
    Mean 1/4, standard deviation sqrt((9/16 + 3/16) / 3) = 1/2:

    >>> [round(a, 3) for a in group_advantages(torch.tensor([1.0, 0.0, 0.0, 0.0]), 4).tolist()]
    [1.5, -0.5, -0.5, -0.5]
    """
    mean, std, valid = _group_moments(values, group_size, valid)
    grouped = values.view(-1, group_size)  # (B,) -> (G, K)
    normalised = (grouped - mean) / (std + eps)
    return torch.where(valid, normalised, torch.zeros_like(normalised)).view(-1)  # (G, K) -> (B,)


def integrated_advantages(
    reward: Float[Tensor, "B"],
    score: Float[Tensor, "B"],
    scored: Bool[Tensor, "B"],
    group_size: int,
    *,
    tau: float,
    std_threshold: float,
) -> Float[Tensor, "B"]:
    """Advantage integration: A = (1 - tau) * norm_group(r_v) + tau * norm_group(r_s).

    A problem whose scores have a standard deviation of at most ``std_threshold`` (the paper's T) keeps the verifier's
    advantages. A solution without a score takes no part in the blend: it does not enter its problem's score statistics,
    and its own advantage stays the verifier's.

    Parameters
    ----------
    reward : Tensor of shape (B,)
        r_v, 0 or 1.
    score : Tensor of shape (B,)
        r_s; any value, NaN included, where there is none.
    scored : bool Tensor of shape (B,)
        Which solutions have a score.
    group_size : int
        K, the number of solutions of each problem.
    tau : float
        Share of the score in the advantage, between 0 and 1.
    std_threshold : float
        The paper's T, in reward units.

    Returns
    -------
    Tensor of shape (B,)
    """
    from_reward = group_advantages(reward, group_size)  # (B,)
    from_score = group_advantages(score, group_size, scored)  # (B,)
    _, std, _ = _group_moments(score, group_size, scored)  # (G, 1)
    blended = scored & (std > std_threshold).expand(-1, group_size).reshape(-1)  # (G, 1) -> (G, K) -> (B,)
    return torch.where(blended, (1 - tau) * from_reward + tau * from_score, from_reward)


def policy_loss(
    logprob: Float[Tensor, "B T"],
    old_logprob: Float[Tensor, "B T"],
    advantage: Float[Tensor, "B"],
    mask: Bool[Tensor, "B T"],
    *,
    clip_low: float,
    clip_high: float,
    n_tokens: int | Int[Tensor, ""],
) -> Float[Tensor, ""]:
    """The clipped surrogate of GRPO, averaged over all response tokens of the batch (verl's token-mean).

    loss = -1 / n_tokens * sum_t min(rho_t * A, clip(rho_t, 1 - clip_low, 1 + clip_high) * A),
    rho_t = pi(y_t) / pi_old(y_t).

    Parameters
    ----------
    logprob : Tensor of shape (B, T)
        log pi of each response token, in nats; the gradient flows through it.
    old_logprob : Tensor of shape (B, T)
        The same under the policy that sampled the solutions.
    advantage : Tensor of shape (B,)
    mask : bool Tensor of shape (B, T)
        True at response tokens, False in the padding.
    clip_low, clip_high : float
        How far the ratio rho may move below and above 1 before its gradient stops.
    n_tokens : int or Tensor of shape ()
        Response tokens in the whole batch, so that the losses of micro-batches add up to the batch's.

    Returns
    -------
    Tensor of shape ()
    """
    ratio = torch.where(mask, logprob - old_logprob, torch.zeros_like(logprob)).exp()
    per_token = advantage.unsqueeze(-1)  # (B,) -> (B, 1)
    surrogate = torch.minimum(ratio * per_token, ratio.clamp(1 - clip_low, 1 + clip_high) * per_token)
    return -(surrogate * mask).sum() / max(int(n_tokens), 1)


def clipped_tokens(
    logprob: Float[Tensor, "B T"],
    old_logprob: Float[Tensor, "B T"],
    advantage: Float[Tensor, "B"],
    mask: Bool[Tensor, "B T"],
    *,
    clip_low: float,
    clip_high: float,
) -> Int[Tensor, "2"]:
    """How many response tokens the clipping of :func:`policy_loss` takes out of the gradient.

    Parameters
    ----------
    logprob, old_logprob : Tensor of shape (B, T)
        As in :func:`policy_loss`.
    advantage : Tensor of shape (B,)
    mask : bool Tensor of shape (B, T)
        True at response tokens.
    clip_low, clip_high : float
        As in :func:`policy_loss`.

    Returns
    -------
    int Tensor of shape (2,)
        Tokens below ``1 - clip_low`` with a negative advantage, and above ``1 + clip_high`` with a positive one.
    """
    ratio = torch.where(mask, logprob - old_logprob, torch.zeros_like(logprob)).exp()
    low = (ratio < 1 - clip_low) & (advantage < 0).unsqueeze(-1)  # (B,) -> (B, 1)
    high = (ratio > 1 + clip_high) & (advantage > 0).unsqueeze(-1)
    return torch.stack([low.sum(), high.sum()])


def _group_moments(
    values: Float[Tensor, "B"], group_size: int, valid: Bool[Tensor, "B"] | None
) -> tuple[Float[Tensor, "G 1"], Float[Tensor, "G 1"], Bool[Tensor, "G K"]]:
    """Mean and std over the valid values of each problem, both of shape (G, 1), and ``valid`` as (G, K)."""
    grouped = values.view(-1, group_size)  # (B,) -> (G, K)
    chosen = torch.ones_like(grouped, dtype=torch.bool) if valid is None else valid.view(-1, group_size)
    count = chosen.sum(dim=1, keepdim=True)
    mean = torch.where(chosen, grouped, torch.zeros_like(grouped)).sum(dim=1, keepdim=True) / count.clamp(min=1)
    squared = torch.where(chosen, grouped - mean, torch.zeros_like(grouped)).square()
    std = (squared.sum(dim=1, keepdim=True) / (count - 1).clamp(min=1)).sqrt()
    return mean, std, chosen
