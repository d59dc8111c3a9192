"""Closed forms over all subsets of N of a problem's n solutions, drawn without replacement: pass@N and best-of-N.

Both are sums of ``C(m, N) / C(n, N)``, the probability that a random subset misses all but m of the n solutions. That
table is shared by all problems with n solutions; the rest is one matrix product. Cost: O(n) per problem and N.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from laser_core.analysis.voting.ballots import Ballots

_BLOCK = 2**17  # solutions sorted at a time


def subset_ratio(n: int, sizes: np.ndarray) -> np.ndarray:
    """``C(m, N) / C(n, N)`` for m = 0..n and each N, of shape (n + 1, n_sizes).

    Examples
    --------
    >>> subset_ratio(3, np.array([1, 2])).round(3).tolist()
    [[0.0, 0.0], [0.333, 0.0], [0.667, 0.333], [1.0, 1.0]]
    """
    m = np.arange(n + 1)[:, None]
    fits = m >= sizes
    log = gammaln(m + 1) - gammaln(np.where(fits, m - sizes, 0) + 1) - gammaln(n + 1) + gammaln(n - sizes + 1)
    return np.where(fits, np.exp(log), 0.0)


def pass_at(ballots: Ballots, sizes: np.ndarray) -> np.ndarray:
    """pass@N: the probability that a subset of N holds a correct solution, of shape (n_problems, n_sizes).

    References
    ----------
    .. [1] M. Chen et al. Evaluating large language models trained on code. arXiv 2107.03374, 2021 (the estimator).
    """
    n_incorrect = ballots.size - ballots.correct.sum(axis=1)
    out = np.empty((ballots.n_problems, len(sizes)))
    for n in np.unique(ballots.size):
        rows = ballots.size == n
        out[rows] = 1 - subset_ratio(n, sizes)[n_incorrect[rows]]
    return out


def best_of(ballots: Ballots, sizes: np.ndarray) -> np.ndarray:
    """Best-of-N: the probability that the highest score in a subset of N is a correct solution's.

    Tied solutions share the credit evenly; those without a score come last, all tied.

    Returns
    -------
    ndarray of shape (n_problems, n_sizes)
    """
    out = np.empty((ballots.n_problems, len(sizes)))
    for n in np.unique(ballots.size):
        ratio = subset_ratio(n, sizes)
        rows = np.flatnonzero(ballots.size == n)
        for low in range(0, len(rows), max(1, _BLOCK // n)):
            part = rows[low : low + max(1, _BLOCK // n)]
            out[part] = _best_weights(ballots.score[part, :n], ballots.correct[part, :n]) @ ratio
    return np.clip(out, 0, 1)


def _best_weights(score: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """Coefficients of ``C(m, N) / C(n, N)``, m = 0..n, in each problem's best-of-N; shape (n_problems, n + 1).

    The best of a subset lies in the class of equal scores with L below it and m members when the subset misses all
    above and not all of the class: in ``C(L + m, N) - C(L, N)`` of the ``C(n, N)`` subsets.
    """
    score = np.nan_to_num(score, nan=-np.inf)
    order = np.argsort(score, axis=1, kind="stable")
    low, high = _tie_bounds(np.take_along_axis(score, order, axis=1))
    credit = np.take_along_axis(correct, order, axis=1) / (high - low)
    coefficients = np.zeros((len(score), score.shape[1] + 1))
    row = np.broadcast_to(np.arange(len(score))[:, None], score.shape)
    np.add.at(coefficients, (row, high), credit)
    np.add.at(coefficients, (row, low), -credit)
    return coefficients


def _tie_bounds(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For sorted rows: how many are below each element, and how many are not above it; both of the same shape."""
    n = ordered.shape[1]
    position = np.arange(n)
    new = np.ones(ordered.shape, bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    low = np.maximum.accumulate(np.where(new, position, 0), axis=1)
    last = np.ones(ordered.shape, bool)
    last[:, :-1] = new[:, 1:]
    high = np.minimum.accumulate(np.where(last, position + 1, n)[:, ::-1], axis=1)[:, ::-1]
    return low, high
