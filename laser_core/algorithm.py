"""LaSeR's equations (arXiv 2510.14943), as pure functions of tensors.

Three quantities that must not be mixed up:

- ``reward``: r_v, the verifier's 0/1 verdict on a solution.
- ``score``: r_s, the policy's own verdict, read from one token's log-prob after the solution's end.
- ``advantage``: what multiplies the policy gradient.

Shapes: B solutions, of G problems with K solutions each (B = G * K, a problem's solutions side by side), T response
tokens. ``scored`` marks the solutions that have a score: one cut off by the length limit has no <eos> and so none.
Log-probs are in nats.

The whole of LaSeR, as one training step uses it::

    r_s    = last_token_score(log pi(z_c | x, y, <eos>), beta_v, c_ref)
    A      = (1 - tau) * norm_group(r_v) + tau * norm_group(r_s)
    loss   = policy_loss(A) + alpha * score_loss(r_s, r_v)
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def last_token_score(z_logprob: Tensor, *, beta_v: float, c_ref: float | Tensor) -> Tensor:
    """The last-token self-rewarding score: r_s = beta_v * (log pi(z_c | x, y, <eos>) - c_ref).

    The optimal policy of KL-regularised RL on the verification reward satisfies
    r_hat = beta_v * log(pi / pi_ref) + beta_v * log Z with Z close to 1 (see :func:`partition`), so r_s is the reward
    the policy itself assigns. c_ref stands for log pi_ref(z_c | x, y), which is nearly constant over (x, y).

    Parameters
    ----------
    z_logprob : Tensor of shape (B,), nats
    beta_v : reward units per nat
    c_ref : nats; the constant, or a Tensor of shape (B,) with each solution's own log pi_ref(z_c | x, y, <eos>), the
        exact form that the constant replaces

    Returns
    -------
    Tensor of shape (B,)

    Examples
    --------
    With the published beta_v = 0.1 and c_ref = -23, scores 0, 0.5 and 1 are log-probs -23, -18 and -13:

    >>> [round(s, 6) for s in last_token_score(torch.tensor([-23.0, -18.0, -13.0]), beta_v=0.1, c_ref=-23.0).tolist()]
    [0.0, 0.5, 1.0]
    """
    return beta_v * (z_logprob - c_ref)


def partition(ref_z_logprob: float, *, beta_v: float, reward: float = 1.0) -> float:
    """Z = 1 + pi_ref(z_c) * (exp(reward / beta_v) - 1): what the closed form's log Z neglects.

    It is the sum over next tokens of pi_ref(z) * exp(r_hat(z) / beta_v) when only z_c earns the reward.

    Examples
    --------
    An unused token leaves Z at 1 (paper: e^-23 * e^10 is about 2e-6); an ordinary word at probability 0.1 does not.

    >>> print(f"{partition(-23.0, beta_v=0.1) - 1:.1e}, {partition(math.log(0.1), beta_v=0.1):.0f}")
    2.3e-06, 2204
    """
    return 1.0 + math.exp(ref_z_logprob) * math.expm1(reward / beta_v)


def log_partition(ref_z_logprob: Tensor, *, beta_v: float) -> Tensor:
    """log Z of each solution, as :func:`partition` defines it for a 0/1 reward on z_c; without overflow.

    Parameters
    ----------
    ref_z_logprob : Tensor of shape (B,), log pi_ref(z_c | x, y, <eos>) in nats
    beta_v : reward units per nat

    Returns
    -------
    Tensor of shape (B,), nats

    Examples
    --------
    log(1 + 0.1 * (e^10 - 1)) = log 2203.5 = 7.698, and no overflow where e^(1 / beta_v) has one:

    >>> [round(v, 3) for v in log_partition(torch.tensor([math.log(0.1), -23.0]), beta_v=0.1).tolist()]
    [7.698, 0.0]
    >>> round(log_partition(torch.tensor([-23.0]), beta_v=0.001).item(), 3)
    977.0
    """
    power = 1 / beta_v
    return torch.logaddexp(torch.zeros_like(ref_z_logprob), ref_z_logprob + power + math.log1p(-math.exp(-power)))


def class_weights(reward: Tensor, scored: Tensor) -> Tensor:
    """Class-level re-weighting: w_c = (N_c + N_i) / (2 N_c), w_i = (N_c + N_i) / (2 N_i).

    Both classes then weigh the same whatever the accuracy. With one class missing the other keeps its formula, 1/2.

    Parameters
    ----------
    reward : Tensor of shape (B,), 1 for correct and 0 for incorrect
    scored : bool Tensor of shape (B,); solutions without a score count in neither N and weigh 0

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


def score_loss(score: Tensor, reward: Tensor, weight: Tensor, *, n_scored: int | Tensor) -> Tensor:
    """The score loss: l = 1 / (N_c + N_i) * sum_j w_j * (r_s_j - r_v_j)^2.

    Parameters
    ----------
    score, reward, weight : Tensors of shape (B,), weight as :func:`class_weights` gives it
    n_scored : N_c + N_i of the whole batch, so that micro-batches add up to it

    Returns
    -------
    Tensor of shape ()
    """
    # A solution without a score may hold any value, NaN included: choose first, square after.
    error = torch.where(weight > 0, score - reward, torch.zeros_like(score))
    return (weight * error.square()).sum() / max(int(n_scored), 1)


def verdict_probability(z_logprob: Tensor, z_wrong_logprob: Tensor) -> Tensor:
    """The score of the cross-entropy form: pi(z_c) / (pi(z_c) + pi(z_i)), between 0 and 1.

    What :func:`verdict_cross_entropy` trains; above 0.5 where the policy finds "correct" likelier than "incorrect".

    Parameters
    ----------
    z_logprob, z_wrong_logprob : Tensors of shape (B,), nats
        log pi(z_c | x, y, <eos>) and log pi(z_i | x, y, <eos>).

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
    z_logprob: Tensor, z_wrong_logprob: Tensor, reward: Tensor, weight: Tensor, *, n_scored: int | Tensor
) -> Tensor:
    """The form that the paper rejects: l = -1 / (N_c + N_i) * sum_j w_j * [r_v log pi(z_c) + (1 - r_v) log pi(z_i)].

    Supervised fine-tuning on a verdict token. It pulls the whole probability onto z_c or z_i, tens of nats from where
    an unused token starts, where the score loss asks for 1 / beta_v nats; the paper finds that this hurts reasoning.

    Parameters
    ----------
    z_logprob, z_wrong_logprob, reward, weight : Tensors of shape (B,), weight as :func:`class_weights` gives it
    n_scored : N_c + N_i of the whole batch, so that micro-batches add up to it

    Returns
    -------
    Tensor of shape ()
    """
    target_logprob = torch.where(reward > 0.5, z_logprob, z_wrong_logprob)
    # A solution without a verdict may hold any value, NaN included: choose first, weigh after.
    target_logprob = torch.where(weight > 0, target_logprob, torch.zeros_like(target_logprob))
    return -(weight * target_logprob).sum() / max(int(n_scored), 1)


def group_advantages(values: Tensor, group_size: int, valid: Tensor | None = None, *, eps: float = 1e-6) -> Tensor:
    """GRPO's norm_group: (value - mean of its problem's values) / (std of its problem's values + eps).

    Parameters
    ----------
    values : Tensor of shape (B,)
    group_size : K
    valid : bool Tensor of shape (B,), optional
        Values outside it enter neither mean nor std, and get advantage 0.

    Returns
    -------
    Tensor of shape (B,)

    Notes
    -----
    The standard deviation divides by count - 1, as verl's and TRL's do.
    """
    mean, std, valid = _group_moments(values, group_size, valid)
    grouped = values.view(-1, group_size)  # (B,) -> (G, K)
    normalised = (grouped - mean) / (std + eps)
    return torch.where(valid, normalised, torch.zeros_like(normalised)).view(-1)  # (G, K) -> (B,)


def integrated_advantages(
    reward: Tensor, score: Tensor, scored: Tensor, group_size: int, *, tau: float, std_threshold: float
) -> Tensor:
    """Advantage integration: A = (1 - tau) * norm_group(r_v) + tau * norm_group(r_s).

    A problem whose scores have a standard deviation not above ``std_threshold`` (the paper's T) keeps its verifier
    advantages. A solution without a score is on neither side of the blend: it does not enter its problem's score
    statistics, and its own advantage stays the verifier's.

    Parameters
    ----------
    reward, score : Tensors of shape (B,)
    scored : bool Tensor of shape (B,)
    group_size : K
    tau, std_threshold : the paper's tau and T

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
    logprob: Tensor,
    old_logprob: Tensor,
    advantage: Tensor,
    mask: Tensor,
    *,
    clip_low: float,
    clip_high: float,
    n_tokens: int | Tensor,
) -> Tensor:
    """The clipped surrogate of GRPO, averaged over all response tokens of the batch (verl's token-mean).

    loss = -1 / n_tokens * sum_t min(rho_t * A, clip(rho_t, 1 - clip_low, 1 + clip_high) * A),
    rho_t = pi(y_t) / pi_old(y_t).

    Parameters
    ----------
    logprob, old_logprob : Tensors of shape (B, T), nats; the gradient flows through ``logprob``
    advantage : Tensor of shape (B,)
    mask : bool Tensor of shape (B, T), True at response tokens
    n_tokens : number of response tokens in the whole batch, so that micro-batches add up to it

    Returns
    -------
    Tensor of shape ()
    """
    ratio = torch.where(mask, logprob - old_logprob, torch.zeros_like(logprob)).exp()
    advantage = advantage.unsqueeze(-1)  # (B,) -> (B, 1)
    surrogate = torch.minimum(ratio * advantage, ratio.clamp(1 - clip_low, 1 + clip_high) * advantage)
    return -(surrogate * mask).sum() / max(int(n_tokens), 1)


def clipped_tokens(
    logprob: Tensor, old_logprob: Tensor, advantage: Tensor, mask: Tensor, *, clip_low: float, clip_high: float
) -> Tensor:
    """How many response tokens the clipping of :func:`policy_loss` takes out of the gradient.

    Parameters
    ----------
    As of :func:`policy_loss`.

    Returns
    -------
    Tensor of shape (2,)
        Tokens below ``1 - clip_low`` with a negative advantage, and above ``1 + clip_high`` with a positive one.
    """
    ratio = torch.where(mask, logprob - old_logprob, torch.zeros_like(logprob)).exp()
    low = (ratio < 1 - clip_low) & (advantage < 0).unsqueeze(-1)  # (B,) -> (B, 1)
    high = (ratio > 1 + clip_high) & (advantage > 0).unsqueeze(-1)
    return torch.stack([low.sum(), high.sum()])


def _group_moments(values: Tensor, group_size: int, valid: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and std over the valid values of each problem, both of shape (G, 1), and valid as (G, K)."""
    grouped = values.view(-1, group_size)  # (B,) -> (G, K)
    valid = torch.ones_like(grouped, dtype=torch.bool) if valid is None else valid.view(-1, group_size)
    count = valid.sum(dim=1, keepdim=True)
    mean = torch.where(valid, grouped, torch.zeros_like(grouped)).sum(dim=1, keepdim=True) / count.clamp(min=1)
    squared = torch.where(valid, grouped - mean, torch.zeros_like(grouped)).square()
    std = (squared.sum(dim=1, keepdim=True) / (count - 1).clamp(min=1)).sqrt()
    return mean, std, valid
