"""Binomial distributions and their transforms, stacked for many counts: what the exact majority vote is made of."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import betaincc, betaln, xlog1py, xlogy

TAIL = 1e-18  # of a distribution, cut off


# scipy.stats has these distributions too, and takes half a second to import.
def pmf(k: np.ndarray | int, n: np.ndarray | int, p: np.ndarray | float) -> np.ndarray:
    """Binomial probabilities; 0 outside 0..n.

    >>> pmf(np.array([-1, 0, 1, 2, 3]), 2, 0.25).round(4).tolist()
    [0.0, 0.5625, 0.375, 0.0625, 0.0]
    """
    inside = (k >= 0) & (k <= n)
    k = np.where(inside, k, 0)
    log = xlogy(k, p) + xlog1py(n - k, -np.asarray(p)) - betaln(n - k + 1, k + 1) - np.log(n + 1)
    return np.where(inside, np.exp(log), 0.0)


def cdf(k: np.ndarray, n: np.ndarray | int, p: float) -> np.ndarray:
    """Binomial probabilities of k or less.

    >>> cdf(np.array([-1, 0, 1, 2, 3]), 2, 0.25).round(4).tolist()
    [0.0, 0.5625, 0.9375, 1.0, 1.0]
    """
    inside = (k >= 0) & (k < n)
    within = np.where(inside, k, 0)
    return np.where(inside, betaincc(within + 1, np.maximum(n - within, 1), p), np.where(k >= n, 1.0, 0.0))


def lowest(n: np.ndarray | int, p: float) -> np.ndarray:
    """The lower end of a binomial, below which at most ``TAIL`` lies: bisection over its distribution function."""
    bottom, top = np.zeros_like(np.asarray(n)), np.asarray(n).copy()
    while (bottom < top).any():
        middle = (bottom + top) // 2
        reached = cdf(middle, n, p) >= TAIL
        bottom, top = np.where(reached, bottom, middle + 1), np.where(reached, middle, top)
    return bottom


def highest(n: np.ndarray | int, p: float) -> np.ndarray:
    """The upper end of a binomial, above which at most ``TAIL`` lies."""
    return n - lowest(n, 1 - p)


@dataclass(frozen=True)
class BinomialRows:
    """For each count of solutions an answer may have: its binomial distribution, where it is not negligible, stacked.

    Count c has the rows v = ``low[c]`` .. ``high[c]``. The row v stands for "fewer than v votes".

    Attributes
    ----------
    low, high, start : ndarray of int of shape (n_counts,)
        Range of v for each count, and the row at which it starts.
    first : ndarray of int of shape (n_distinct_counts,)
        The starts of the counts that occur.
    pmf : ndarray of shape (n_rows,)
        What a row adds to the row before: the probability of ``votes`` = v - 1 votes.
    below : ndarray of shape (n_rows,)
        The probability of fewer than v votes.
    votes : ndarray of int of shape (n_rows,)
    """

    low: np.ndarray
    high: np.ndarray
    start: np.ndarray
    first: np.ndarray
    pmf: np.ndarray
    below: np.ndarray
    votes: np.ndarray

    @classmethod
    def of(cls, own: np.ndarray, others: np.ndarray, *, deepest: int, p: float) -> BinomialRows:
        """Rows for the counts ``own`` and those of ``others`` above 1, to ``deepest`` votes, under coins of bias p."""
        counts = np.unique(np.concatenate([own, others[others >= 2]]))
        low, high, start = np.zeros((3, counts.max() + 1), int)
        low[counts] = lowest(counts, p)
        high[counts] = np.minimum(np.minimum(highest(counts, p) + 1, counts + 1), deepest + 1)
        low[counts] = np.minimum(low[counts], high[counts])
        length = high[counts] - low[counts] + 1
        first = np.cumsum(length) - length
        start[counts] = first
        votes = np.arange(length.sum()) + np.repeat(low[counts] - first, length) - 1
        count = np.repeat(counts, length)
        share = pmf(votes, count, p)
        share[first] = 0.0  # below the first row there is nothing to speak of
        return cls(low, high, start, first, share, cdf(votes, count, p), votes)

    def row(self, count: np.ndarray, v: np.ndarray) -> np.ndarray:
        """The row for "fewer than v"; beyond the last it does not change any more."""
        return np.asarray(self.start[count] - self.low[count] + np.clip(v, self.low[count], self.high[count]))

    def exactly(self, count: np.ndarray, v: np.ndarray) -> np.ndarray:
        """The probability of v votes, 0 where it is negligible."""
        inside = (v >= self.low[count]) & (v < self.high[count])
        return np.where(inside, self.pmf[self.row(count, v + 1)], 0.0)

    def transform(self, frequency: np.ndarray, period: int) -> np.ndarray:
        """The transforms of "fewer than v votes", of shape (n_rows, n_frequencies)."""
        table = phase(self.votes, frequency, period)
        table *= self.pmf[:, None]
        for start, end in pairwise([*self.first.tolist(), len(table)]):
            np.cumsum(table[start:end], axis=0, out=table[start:end])
        return table


def phase(power: np.ndarray, frequency: np.ndarray, period: int) -> np.ndarray:
    """``exp(-2 pi i * power * frequency / period)``, of shape (n_powers, n_frequencies)."""
    circle = np.exp(-2j * np.pi * np.arange(period) / period)
    return np.asarray(circle[(power.astype(np.int32)[:, None] * frequency.astype(np.int32)) % np.int32(period)])
