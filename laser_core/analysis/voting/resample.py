"""Weighted votes on random subsets: one seeded set of random orders per problem, shared by every N and every weight.

The first N solutions of a random order are a random subset of N. Walking along the order, each new vote changes one
answer's total, and totals only grow, so the leader is known in a few operations (:mod:`.walks`): O(1) per vote,
whatever the number of answers. The same walk counts the plain majority, whose expectation is known exactly
(:mod:`.majority`). It serves as a control variate, which takes the noise that both votes share out of the estimate.

The standard error is taken between rounds of 16 rotations of an order, so it needs no assumption about the rotations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from laser_core.analysis.voting.ballots import Ballots
from laser_core.analysis.voting.walks import ROUND, Borda, Tally, Totals, Walks
from laser_core.analysis.voting.weights import quantise, tie_margin

MIN_ROUNDS = 2
MIN_VOTES = 4096  # votes drawn over all problems before a standard error is believed: rare outcomes must have shown
MAX_ORDERS = 4096
TOGETHER = 16  # problems that share a random stream
_BULK = 4  # counting in bulk pays where sizes * answers is below this many times the largest size
_BLOCK = 2**19  # totals held at a time: 4 MB


@dataclass(frozen=True)
class Resampled:
    """Votes on random subsets.

    Attributes
    ----------
    weighted, majority : ndarray of shape (n_problems, n_sizes)
        Estimated expected accuracy of each problem's vote.
    weighted_se, majority_se : ndarray of shape (n_sizes,)
        Monte-Carlo standard error of their means over problems (not the problems' own spread).
    tied : ndarray of shape (n_problems, n_sizes)
        Share of the majority votes in which answers tied for the lead.
    weighted_tied : ndarray of shape (n_problems, n_sizes)
        The same for the weighted votes; a vote in which every weight is 0 is tied between all answers given.
    n_orders : int
        Random orders used per problem.
    """

    weighted: np.ndarray
    majority: np.ndarray
    weighted_se: np.ndarray
    majority_se: np.ndarray
    tied: np.ndarray
    weighted_tied: np.ndarray
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
    vote = quantise(weights) if isinstance(weights, np.ndarray) else weights
    sums = np.zeros((7, ballots.n_problems, len(sizes)))  # of y, x, yy, xx, xy and both kinds of ties, over rounds
    most = max(MIN_ROUNDS, max_orders // ROUND)
    done, rounds = 0, int(np.clip(-(-MIN_VOTES // (ballots.n_problems * ROUND)), MIN_ROUNDS, most))
    # Where all solutions of every problem vote there is nothing to draw: one walk of each problem tells.
    whole = len(sizes) - int((ballots.size == sizes[-1]).all())
    one = _walk_all(ballots, vote, sizes[whole:], range(1), seed)
    while True:
        if whole:
            sums[:, :, :whole] += _walk_all(ballots, vote, sizes[:whole], range(done, done + rounds), seed)
        done += rounds
        sums[:, :, whole:] = one * done
        result = _summarise(sums, done, exact_majority)
        worst = float(result.weighted_se.max(initial=0.0))
        if worst <= target_se or done >= most:
            return result
        wanted = int(np.ceil(1.05 * done * (worst / target_se) ** 2)) - done
        rounds = int(np.clip(wanted, 1, most - done))


def _summarise(sums: np.ndarray, k: int, exact: np.ndarray | None) -> Resampled:
    y, x, yy, xx, xy, ties, weighted_ties = sums / k
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
        return np.asarray(np.sqrt(np.maximum(per_problem.sum(axis=0), 0) / k) / n)

    return Resampled(weighted, x, se(variance), se(var_x), ties, weighted_ties, k * ROUND)


def random_orders(n: int, problems: np.ndarray, rounds: range, seed: int) -> np.ndarray:
    """One random order of ``n`` solutions for each round and problem, of shape (n, n_rounds, n_problems).

    Seeded by round and by problem (in groups): drawing more orders later does not change the earlier ones, so two
    weights are compared on the same subsets. ``problems`` starts at the head of a group.
    """
    orders = np.empty((n, len(rounds), len(problems)), np.int32)
    for low in range(0, len(problems), TOGETHER):
        some = np.broadcast_to(np.arange(n, dtype=np.int32), (len(problems[low : low + TOGETHER]), n))
        for i, number in enumerate(rounds):
            rng = np.random.default_rng([seed, int(problems[low]), number])
            orders[:, i, low : low + TOGETHER] = rng.permuted(some, axis=1).T
    return orders


def blocks(size: np.ndarray, per_problem: int) -> Iterator[np.ndarray]:
    """Positions of problems with equally many solutions, a few at a time: whole groups, of bounded total size."""
    step = TOGETHER * max(1, _BLOCK // (per_problem * TOGETHER))
    for n in np.unique(size):
        rows = np.flatnonzero(size == n)
        for low in range(0, len(rows), step):
            yield rows[low : low + step]


def _walk_all(ballots: Ballots, vote: np.ndarray | float, sizes: np.ndarray, rounds: range, seed: int) -> np.ndarray:
    """Sums over the orders of some rounds, of shape (7, n_problems, n_sizes), in blocks of bounded memory."""
    out = np.zeros((7, ballots.n_problems, len(sizes)))
    if not len(sizes):
        return out
    per_order = 2 * ballots.votes.shape[1] + 2 * ballots.answer.shape[1]
    for rows in blocks(ballots.size, per_order * ROUND):
        together = max(1, _BLOCK // (per_order * ROUND * len(rows)))
        block, n = ballots.take(rows), int(ballots.size[rows[0]])
        for low in range(0, len(rounds), together):
            orders = random_orders(n, rows, rounds[low : low + together], seed)
            out[:, rows] += _walk(block, vote[rows, :n] if isinstance(vote, np.ndarray) else vote, orders, sizes)
    return out


def _walk(block: Ballots, vote: np.ndarray | float, orders: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Sums of y, x, y**2, x**2, x y and ties over the rounds (a round's means); shape (7, n_problems, n_sizes)."""
    walks = Walks(block.answer[:, : len(orders)], block.winning, orders)
    out = np.empty((7, walks.n_problems, len(sizes)))
    for i, credits in enumerate(_credits(walks, block, vote, sizes)):
        y, x, *ties = (walks.by_round(c) for c in credits)  # (n_rounds, n_problems)
        out[:, :, i] = [value.sum(axis=0) for value in (y, x, y * y, x * x, x * y, *ties)]
    return out


def _credits(
    walks: Walks, block: Ballots, vote: np.ndarray | float, sizes: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """At each size: credit of the weighted vote and of the majority, whether the majority and the weighted vote tie.

    Each of shape (n_walks,).
    """
    few = len(sizes) * walks.n_answers < _BULK * sizes[-1] and sizes[-1] <= Tally.LIMIT
    if few and isinstance(vote, np.ndarray):
        tally = Tally(walks, vote)
        for start, stop in pairwise([0, *sizes.tolist()]):
            tally.advance(start, stop)
            yield tally.credits()
        return
    score = block.score[:, : walks.width]
    weighted = (
        Totals(walks, vote, tie_margin(walks.width)) if isinstance(vote, np.ndarray) else Borda(walks, score, vote)
    )
    majority = Totals(walks, np.ones(walks.answer.shape), 0.0)
    for start, stop in pairwise([0, *sizes.tolist()]):
        for position in range(start, stop):
            drawn = walks.vote(position)
            weighted.add(drawn)
            majority.add(drawn)
        credit = weighted.credit()
        yield credit, majority.credit(), majority.leaders > 1, weighted.leaders > 1
