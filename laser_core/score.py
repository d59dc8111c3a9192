"""The last-token score, its inverse and its partition function: for floats, NumPy arrays and torch tensors alike.

Training calls these with tensors, the analyses with arrays, the pages with single numbers. With one implementation they
all get the same digits. torch is not imported here.

KL-regularised reinforcement learning on the verification reward r_hat has an optimum in closed form (arXiv
2510.14943)::

    r_hat = beta_v * log(pi(z_c) / pi_ref(z_c)) + beta_v * log Z
    Z     = 1 + pi_ref(z_c) * (exp(r_hat / beta_v) - 1)

LaSeR replaces log pi_ref(z_c) by a constant c_ref and takes Z for 1. What remains is the score r_s.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Values = TypeVar("Values", float, NDArray[np.float64], "Tensor")

LARGEST_EXPONENT = math.log(np.finfo(float).max)  # exp of more overflows a double


def last_token_score(z_logprob: Values, *, beta_v: float, c_ref: float | Values) -> Values:
    """The last-token self-rewarding score: r_s = beta_v * (log pi(z_c | x, y, <eos>) - c_ref), unclipped.

    r_s is the reward that the policy itself assigns to its solution, because the optimal policy of the closed form
    satisfies r_hat = beta_v * log(pi / pi_ref) + beta_v * log Z with Z close to 1 (:func:`partition`). c_ref stands for
    log pi_ref(z_c | x, y, <eos>), which hardly varies from solution to solution.

    Parameters
    ----------
    z_logprob : float, ndarray or Tensor
        log pi(z_c | x, y, <eos>), in nats.
    beta_v : float
        Scale of the score, in reward units per nat.
    c_ref : float, ndarray or Tensor
        The reference constant, in nats; or each solution's own log pi_ref(z_c | x, y, <eos>), the exact form.

    Returns
    -------
    float, ndarray or Tensor
        r_s in reward units, as ``z_logprob``.

    Examples
    --------
    With the published beta_v = 0.1 and c_ref = -23, log-probs of -23, -18 and -13 nats score 0, 0.5 and 1:

    >>> last_token_score(np.array([-23.0, -18.0, -13.0]), beta_v=0.1, c_ref=-23.0).tolist()
    [0.0, 0.5, 1.0]
    """
    return beta_v * (z_logprob - c_ref)


def z_logprob_from_score(score: Values, *, beta_v: float, c_ref: float) -> Values:
    """The inverse of :func:`last_token_score`: log pi(z_c | x, y, <eos>) = r_s / beta_v + c_ref.

    Parameters
    ----------
    score : float, ndarray or Tensor
        r_s, in reward units.
    beta_v : float
        Scale that the score was made with, in reward units per nat.
    c_ref : float
        Reference constant that the score was made with, in nats.

    Returns
    -------
    float, ndarray or Tensor
        The log-prob of z_c in nats, as ``score``.

    Examples
    --------
    >>> z_logprob_from_score(0.5, beta_v=0.1, c_ref=-23.0)
    -18.0
    """
    return score / beta_v + c_ref


def log_partition(ref_z_logprob: Values, *, beta_v: float, reward: float = 1.0) -> Values:
    """log Z = log(1 + pi_ref(z_c) * (exp(reward / beta_v) - 1)), without forming an exponential that overflows.

    Parameters
    ----------
    ref_z_logprob : float, ndarray or Tensor
        log pi_ref(z_c | x, y, <eos>), in nats.
    beta_v : float
        Scale of the score, in reward units per nat.
    reward : float
        The reward that z_c earns; no other token earns any.

    Returns
    -------
    float, ndarray or Tensor
        log Z in nats, as ``ref_z_logprob``.

    Examples
    --------
    A word of probability 0.1 gives log(1 + 0.1 * (e^10 - 1)) = log 2203.5 = 7.70, an unused token next to nothing; and
    e^(1 / beta_v) may be larger than any float:

    >>> print(f"{log_partition(math.log(0.1), beta_v=0.1):.2f}, {log_partition(-23.0, beta_v=0.1):.1e}")
    7.70, 2.3e-06
    >>> round(log_partition(-23.0, beta_v=0.001), 3)
    977.0
    """
    exponent = reward / beta_v
    if exponent == 0:
        return 0.0 * ref_z_logprob
    # log(1 + p (e^x - 1)) = log(e^0 + e^(log p + log(e^x - 1))), and log(e^x - 1) = x + log(1 - e^-x).
    earned = ref_z_logprob + exponent + math.log1p(-math.exp(-exponent))
    if isinstance(earned, (float, np.ndarray)):
        total = np.logaddexp(0.0, earned)
        return total if isinstance(earned, np.ndarray) else float(total)
    return earned.new_zeros(earned.shape).logaddexp(earned)


def partition(ref_z_logprob: float, *, beta_v: float, reward: float = 1.0) -> float:
    """The partition function Z = 1 + pi_ref(z_c) * (exp(reward / beta_v) - 1).

    It sums pi_ref(z) * exp(r_hat(z) / beta_v) over the next tokens z, of which z_c alone earns the reward. LaSeR takes
    it for 1.

    Parameters
    ----------
    ref_z_logprob : float
        log pi_ref(z_c | x, y, <eos>), in nats.
    beta_v : float
        Scale of the score, in reward units per nat.
    reward : float
        The reward that z_c earns.

    Returns
    -------
    float
        Z; infinite where no float is large enough.

    Examples
    --------
    An unused token leaves Z at 1 (paper: e^-23 * e^10 is about 2e-6); an ordinary word of probability 0.1 does not.

    >>> print(f"{partition(-23.0, beta_v=0.1) - 1:.1e}, {partition(math.log(0.1), beta_v=0.1):.0f}")
    2.3e-06, 2204
    """
    log_z = log_partition(ref_z_logprob, beta_v=beta_v, reward=reward)
    return math.exp(log_z) if log_z < LARGEST_EXPONENT else math.inf
