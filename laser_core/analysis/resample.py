"""Weighted votes on random subsets: one seeded set of random orders per problem, shared by every N and every weight.

The first N solutions of a random order are a random subset of N. Walking along the order, each new vote changes one
answer's total, and totals only grow, so who leads is known in a few operations (:mod:`.race`): O(1) per vote, whatever
the number of answers. The same walk counts the plain majority, whose expectation is known exactly (:mod:`.majority`):
it serves as a control variate, which takes the part of the sampling noise that both votes share out of the estimate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from laser_core.analysis.ballots import Ballots
from laser_core.analysis.race import Borda, Totals, Walks
from laser_core.analysis.weights import quantise

ROUND = 16  # orders drawn together; the standard error is first looked at after one round
MIN_VOTES = 4096  # votes drawn over all problems before a standard error is believed: rare outcomes must have shown
MAX_ORDERS = 4096
_TOGETHER = 64  # problems that share a random stream
_BLOCK = 2**19  # totals held at a time: 4 MB


@dataclass(frozen=True)
class Resampled:
    """Votes on random subsets.

    Attributes
    ----------
    weighted, majority : ndarrays of shape (n_problems, n_sizes)
        Estimated expected accuracy of each problem's vote.
    weighted_se, majority_se : ndarrays of shape (n_sizes,)
        Monte-Carlo standard error of their means over problems (not the problems' own spread).
    tied : ndarray of shape (n_problems, n_sizes)
        Share of the majority votes in which answers tied for the lead.
    n_orders : int
        Random orders used per problem.
    """

    weighted: np.ndarray
    majority: np.ndarray
    weighted_se: np.ndarray
    majority_se: np.ndarray
    tied: np.ndarray
    n_orders: int


def resample_votes(
    ballots: Ballots,
    weights: np.ndarray | float,
    sizes: np.ndarray,
    *,
    exact_majority: np.ndarray | None = None,
    target_se: float = 0.002,
    seed: int = 0,
    max_orders: int = MAX_ORDERS,
) -> Resampled:
    """Estimate weighted votes until their standard error is below the target at every N.

    Parameters
    ----------
    ballots : Ballots
    weights : ndarray of shape (n_problems, n_samples), or float
        Not negative. A number asks for the Borda vote with that power.
    sizes : ndarray of int of shape (n_sizes,), rising
    exact_majority : ndarray of shape (n_problems, n_sizes), optional
        The control variate's expectation; None: no control variate.
    target_se : float
        In units of accuracy.
    seed : int
        The same seed draws the same orders, so that variants differ by their weights alone.
    max_orders : int
        Stop there even if the target is not reached.
    """
    vote = weights if np.isscalar(weights) else quantise(weights)
    sums = np.zeros((6, ballots.n_problems, len(sizes)))  # of y, x, yy, xx, xy and ties, over orders
    done, rounds = 0, max(1, -(-min(MIN_VOTES // ballots.n_problems, max_orders) // ROUND))
    while True:
        sums += _walk_all(ballots, vote, sizes, range(done, done + rounds), seed)
        done += rounds
        result = _summarise(sums, done * ROUND, exact_majority)
        worst = float(result.weighted_se.max(initial=0.0))
        if worst <= target_se or done * ROUND >= max_orders:
            return result
        wanted = int(np.ceil(1.05 * done * (worst / target_se) ** 2)) - done
        rounds = int(np.clip(wanted, 1, -(-max_orders // ROUND) - done))


def _summarise(sums: np.ndarray, k: int, exact: np.ndarray | None) -> Resampled:
    y, x, yy, xx, xy, ties = sums / k
    unbiased = k / (k - 1)
    var_y, var_x = unbiased * np.maximum(yy - y * y, 0), unbiased * np.maximum(xx - x * x, 0)
    cov = unbiased * (xy - x * y)
    weighted, variance = y, var_y
    if exact is not None:
        # One slope per N, from all problems: the slope that leaves the least variance in the mean over problems.
        total = var_x.sum(axis=0)
        slope = np.where(total > 0, cov.sum(axis=0) / np.where(total > 0, total, 1), 0.0)
        weighted = y - slope * (x - exact)
        variance = var_y - 2 * slope * cov + slope**2 * var_x
    n = len(y)

    def se(per_problem: np.ndarray) -> np.ndarray:
        return np.sqrt(np.maximum(per_problem.sum(axis=0), 0) / k) / n

    return Resampled(weighted, x, se(variance), se(var_x), ties, k)


def random_orders(size: np.ndarray, width: int, rounds: range, seed: int, stream: int) -> np.ndarray:
    """Random orders of the solutions of a few problems, padding last: (n_problems, len(rounds) * ROUND, width).

    Seeded by round and by ``stream``: drawing more orders later does not change the earlier ones, so two weights are
    compared on the same subsets.
    """
    orders = np.empty((len(size), len(rounds), ROUND, width), np.int32)
    orders[:] = np.arange(width, dtype=np.int32)
    for i, number in enumerate(rounds):
        rng = np.random.default_rng([seed, stream, number])
        for n in np.unique(size):
            rows = size == n
            orders[rows, i, :, :n] = rng.permuted(orders[rows, i, :, :n], axis=2)
    return orders.reshape(len(size), len(rounds) * ROUND, width)


def _walk_all(ballots: Ballots, vote: np.ndarray | float, sizes: np.ndarray, rounds: range, seed: int) -> np.ndarray:
    """Sums over the orders of some rounds, of shape (6, n_problems, n_sizes), in blocks of bounded memory."""
    n_answers, width = ballots.votes.shape[1], ballots.answer.shape[1]
    per_round = ROUND * (2 * n_answers + 2 * width) * min(_TOGETHER, ballots.n_problems)
    several = max(1, _BLOCK // per_round)  # rounds at a time, or streams at a time where one round is all there is
    out = np.zeros((6, ballots.n_problems, len(sizes)))
    streams = range(0, ballots.n_problems, _TOGETHER)
    n_rounds = min(several, len(rounds))
    n_streams = max(1, several // n_rounds)
    for first in range(0, len(streams), n_streams):
        group = streams[first : first + n_streams]
        rows = slice(group[0], group[-1] + _TOGETHER)
        for start in range(0, len(rounds), n_rounds):
            part = rounds[start : start + n_rounds]
            orders = [random_orders(ballots.size[s : s + _TOGETHER], width, part, seed, s) for s in group]
            part_vote = vote if np.isscalar(vote) else vote[rows]
            out[:, rows] += _walk(ballots.take(rows), part_vote, np.concatenate(orders), sizes)
    return out


def _walk(block: Ballots, vote: np.ndarray | float, orders: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Sums over the given orders of y, x, y**2, x**2, x y and ties: (6, n_problems, n_sizes)."""
    walks = Walks(block.answer, block.winning, orders)
    ones = np.ones(block.answer.shape)
    weighted = Borda(walks, block.score, vote) if np.isscalar(vote) else Totals(walks, vote)
    majority = Totals(walks, ones)
    out = np.empty((6, walks.n_problems, len(sizes)))
    column = {int(size): i for i, size in enumerate(sizes)}
    for position in range(int(sizes.max())):
        step = walks.step(position)
        weighted.add(step)
        majority.add(step)
        if (i := column.get(position + 1)) is not None:
            y, x = weighted.credit(), majority.credit()
            out[:, :, i] = [walks.by_problem(v) for v in (y, x, y * y, x * x, x * y, majority.leaders > 1)]
    return out
