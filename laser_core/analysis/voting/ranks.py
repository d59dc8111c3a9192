"""Ranks with ties, as shares: what rank correlations and rank weights are made of."""

from __future__ import annotations

import numpy as np


def mid_ranks(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Mid-ranks as shares of the values, the number of each value among the distinct ones, and how many there are.

    Examples
    --------
    >>> share, group, n_groups = mid_ranks(np.array([-3.0, 2.0, 2.0, 7.0]))
    >>> share.tolist(), group.tolist(), n_groups
    ([0.125, 0.5, 0.5, 0.875], [0, 1, 1, 2], 3)
    """
    _, group, count = np.unique(values, return_inverse=True, return_counts=True)
    middle = (np.cumsum(count) - count / 2) / max(len(values), 1)
    return middle[group], group, len(count)
