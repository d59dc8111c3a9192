r"""The closed form behind the score, its partition function Z, and what leaving Z out costs. Numbers alone, no torch.

KL-regularised reinforcement learning on the verification reward r_hat (1 where z_c is the right verdict, else 0)
has an optimum in closed form (arXiv 2510.14943)::

    r_hat = beta_v * log(pi(z_c | x, y) / pi_ref(z_c | x, y)) + beta_v * log Z(x, y)
    Z     = sum over tokens z of pi_ref(z) * exp(r_hat(z) / beta_v) = 1 + pi_ref(z_c) * (exp(1 / beta_v) - 1)

LaSeR leaves the second term out and puts a constant c_ref in the place of log pi_ref(z_c). This module says how large
both of these are; :mod:`laser_core.score` holds the formulas, for training and for these pages alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from laser_core.score import Values, last_token_score, log_partition


@dataclass(frozen=True)
class Reference:
    """How likely a verdict token is before training.

    Attributes
    ----------
    name : str
    logprob : float
        Mean of log pi_ref(z_c | x, y, <eos>), nats.
    std : float or None
        Its standard deviation over problems and solutions, nats; None where nobody measured it.
    source : str
        Who measured it, and on how much.
    """

    name: str
    logprob: float
    std: float | None
    source: str


REFERENCES = (
    Reference("Unused token, Qwen2.5", -23.11, 0.04, "the paper's measurement over 300 pairs"),
    Reference("Unused token, OctoThinker", -24.87, 1.18, "the paper's measurement over 300 pairs"),
    Reference("An ordinary word, 10%", math.log(0.1), None, "an example, not a measurement"),
)


def neglected_reward(ref_z_logprob: Values, *, beta_v: float) -> Values:
    """beta_v * log Z, which the score leaves out.

    Parameters
    ----------
    ref_z_logprob : float or ndarray
        log pi_ref(z_c | x, y, <eos>), nats.
    beta_v : float
        Scale of the score, in reward units per nat.

    Returns
    -------
    float or ndarray
        In units of the reward: 1 is the whole reward of a correct solution. As ``ref_z_logprob``.

    Examples
    --------
    >>> print(f"{neglected_reward(-23.0, beta_v=0.1):.7f}, {neglected_reward(math.log(0.1), beta_v=0.1):.2f}")
    0.0000002, 0.77
    """
    return beta_v * log_partition(ref_z_logprob, beta_v=beta_v)


def closed_form_reward(z_logprob: Values, *, beta_v: float, ref_z_logprob: float) -> Values:
    """The reward that the closed form reads from a policy, Z included: the score plus :func:`neglected_reward`.

    Parameters
    ----------
    z_logprob : float or ndarray
        log pi(z_c | x, y, <eos>), nats.
    beta_v : float
        Scale of the score, in reward units per nat.
    ref_z_logprob : float
        log pi_ref(z_c | x, y, <eos>), nats.

    Returns
    -------
    float or ndarray
        In units of the reward, as ``z_logprob``.

    Examples
    --------
    The optimum for reward 1 is read as 1, however common the token:

    >>> best = optimal_z_logprob(math.log(0.1), beta_v=0.1)
    >>> round(closed_form_reward(best, beta_v=0.1, ref_z_logprob=math.log(0.1)), 6)
    1.0
    """
    score = last_token_score(z_logprob, beta_v=beta_v, c_ref=ref_z_logprob)
    return score + neglected_reward(ref_z_logprob, beta_v=beta_v)


def optimal_z_logprob(ref_z_logprob: float, *, beta_v: float, reward: float = 1.0) -> float:
    """log pi*(z_c) of the best policy for this reward: ref_z_logprob + reward / beta_v - log Z. Never above 0.

    Parameters
    ----------
    ref_z_logprob : float
        log pi_ref(z_c | x, y, <eos>), nats.
    beta_v : float
        Scale of the score, in reward units per nat.
    reward : float
        What z_c earns.

    Examples
    --------
    An unused token has room for 10 nats; a word at 10% ends at 0.9996:

    >>> word = math.exp(optimal_z_logprob(math.log(0.1), beta_v=0.1))
    >>> print(f"{optimal_z_logprob(-23.0, beta_v=0.1):.4f}, {word:.4f}")
    -13.0000, 0.9996
    """
    return ref_z_logprob + reward / beta_v - log_partition(ref_z_logprob, beta_v=beta_v, reward=reward)


def highest_reference(*, beta_v: float, tolerance: float = 0.01) -> float:
    """The highest log pi_ref(z_c), nats, at which leaving Z out costs no more than ``tolerance`` of reward.

    Parameters
    ----------
    beta_v : float
        Scale of the score, in reward units per nat.
    tolerance : float
        In units of the reward.

    Notes
    -----
    From beta_v * log Z = tolerance: log(e^(tolerance / beta_v) - 1) - log(e^(1 / beta_v) - 1).

    Examples
    --------
    >>> round(highest_reference(beta_v=0.1), 2)
    -12.25
    """
    x = 1 / beta_v
    return math.log(math.expm1(tolerance / beta_v)) - (x + math.log1p(-math.exp(-x)))


def highest_score(*, beta_v: float, c_ref: float) -> float:
    """The score of a policy that is certain of z_c (log-prob 0): no solution can score above it.

    >>> round(highest_score(beta_v=0.1, c_ref=-23.0), 6), round(highest_score(beta_v=0.1, c_ref=-5.0), 6)
    (2.3, 0.5)
    """
    return last_token_score(0.0, beta_v=beta_v, c_ref=c_ref)


def misjudged(distance: float, noise_std: float) -> float:
    """Chance that normal noise carries a score across a threshold: Phi(-distance / noise_std).

    Parameters
    ----------
    distance : float
        Of the noiseless score from the threshold, in reward units, at least 0.
    noise_std : float
        beta_v * std of log pi_ref(z_c), in reward units.

    Examples
    --------
    >>> round(misjudged(0.5, 0.5), 4), misjudged(0.5, 0.0)
    (0.1587, 0.0)
    """
    if noise_std == 0:
        return 0.0 if distance > 0 else 0.5
    return 0.5 * math.erfc(distance / noise_std / math.sqrt(2))


@dataclass(frozen=True)
class WorkedExample:
    """The closed form worked through for one beta_v, reference and policy, with the lines the theory page draws.

    Attributes
    ----------
    beta_v : float
        In reward units per nat.
    ref_z_logprob, z_logprob : float
        log pi_ref(z_c) and log pi(z_c), nats.
    log_z : float
        log Z, nats.
    neglected : float
        beta_v * log Z, in units of the reward: what the score leaves out.
    score, reward : float
        What the policy's log-prob is worth without Z, and with it.
    best_z_logprob, best_score : float
        log pi(z_c) of the best policy for reward 1, in nats, and the score of that policy.
    limit : float
        The highest reference, in nats, at which leaving Z out costs no more than ``tolerance``.
    tolerance : float
        In units of the reward.
    line_x, line_score, line_reward : ndarray of shape (n,)
        The score and the closed form over log pi(z_c).
    reference_x, reference_neglected : ndarray of shape (m,)
        The neglected reward over log pi_ref(z_c).
    """

    beta_v: float
    ref_z_logprob: float
    z_logprob: float
    log_z: float
    neglected: float
    score: float
    reward: float
    best_z_logprob: float
    best_score: float
    limit: float
    tolerance: float
    line_x: np.ndarray = field(repr=False)
    line_score: np.ndarray = field(repr=False)
    line_reward: np.ndarray = field(repr=False)
    reference_x: np.ndarray = field(repr=False)
    reference_neglected: np.ndarray = field(repr=False)

    @property
    def holds(self) -> bool:
        """Whether taking Z for 1 costs no more than the tolerance."""
        return self.neglected <= self.tolerance


def worked_example(
    *, beta_v: float, ref_z_logprob: float, z_logprob: float, tolerance: float = 0.01, lowest: float = -30.0
) -> WorkedExample:
    """Work the closed form through for one choice of the three numbers.

    Parameters
    ----------
    beta_v : float
        In reward units per nat, above 0.
    ref_z_logprob, z_logprob : float
        log pi_ref(z_c) and log pi(z_c), nats.
    tolerance : float
        Reward that one is willing to neglect.
    lowest : float
        Left end of the lines, nats.

    Examples
    --------
    >>> shown = worked_example(beta_v=0.1, ref_z_logprob=-23.0, z_logprob=-13.0)
    >>> shown.holds, round(shown.score, 3), round(shown.limit, 2)
    (True, 1.0, -12.25)
    """
    best = optimal_z_logprob(ref_z_logprob, beta_v=beta_v)
    line_x, reference_x = np.linspace(lowest, 0.0, 121), np.linspace(lowest, -0.01, 241)
    return WorkedExample(
        beta_v=beta_v,
        ref_z_logprob=ref_z_logprob,
        z_logprob=z_logprob,
        log_z=log_partition(ref_z_logprob, beta_v=beta_v),
        neglected=neglected_reward(ref_z_logprob, beta_v=beta_v),
        score=last_token_score(z_logprob, c_ref=ref_z_logprob, beta_v=beta_v),
        reward=closed_form_reward(z_logprob, ref_z_logprob=ref_z_logprob, beta_v=beta_v),
        best_z_logprob=best,
        best_score=last_token_score(best, c_ref=ref_z_logprob, beta_v=beta_v),
        limit=highest_reference(tolerance=tolerance, beta_v=beta_v),
        tolerance=tolerance,
        line_x=line_x,
        line_score=last_token_score(line_x, c_ref=ref_z_logprob, beta_v=beta_v),
        line_reward=closed_form_reward(line_x, ref_z_logprob=ref_z_logprob, beta_v=beta_v),
        reference_x=reference_x,
        reference_neglected=neglected_reward(reference_x, beta_v=beta_v),
    )


@dataclass(frozen=True)
class ReferenceNoise:
    """What replacing log pi_ref(z_c) by the constant c_ref does to scores that would otherwise be exactly 0 and 1.

    Attributes
    ----------
    std : float
        beta_v * std of log pi_ref(z_c), in units of the score.
    misjudged : float
        Chance that a score meant as 0, or as 1, falls on the other side of 0.5.
    x, density_incorrect, density_correct : ndarray of shape (n,)
        The two normal distributions.
    """

    std: float
    misjudged: float
    x: np.ndarray = field(repr=False)
    density_incorrect: np.ndarray = field(repr=False)
    density_correct: np.ndarray = field(repr=False)


def reference_noise(*, beta_v: float, c_ref_std: float) -> ReferenceNoise:
    """How far the reference's own spread moves scores.

    Parameters
    ----------
    beta_v : float
        Scale of the score, in reward units per nat.
    c_ref_std : float
        Standard deviation of log pi_ref(z_c), nats. A spread of less than 0.01 in the score is drawn as 0.01.

    Examples
    --------
    The paper's OctoThinker, 1.18 nats, at beta_v = 0.1:

    >>> noise = reference_noise(beta_v=0.1, c_ref_std=1.18)
    >>> round(noise.std, 3), f"{noise.misjudged:.1e}"
    (0.118, '1.1e-05')
    """
    std = beta_v * c_ref_std
    drawn = max(std, 0.01)  # a density of no width cannot be drawn
    reach = max(0.35, 3.5 * drawn)
    x = np.linspace(-reach, 1 + reach, 601)
    densities = [np.exp(-(((x - mean) / drawn) ** 2) / 2) / (drawn * math.sqrt(2 * math.pi)) for mean in (0.0, 1.0)]
    return ReferenceNoise(std, misjudged(0.5, std), x, densities[0], densities[1])
