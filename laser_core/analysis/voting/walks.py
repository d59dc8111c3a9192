"""Many votes counted at once, solution by solution: which answer leads after each.

A walk is one random order of one problem's solutions. All walks advance together, one solution at a time, so that each
time costs a handful of vectorised operations whatever the number of problems and orders.

Every random order is walked in ``ROUND`` rotations, evenly spaced: each is as random as the order itself, and together
they meet every solution about equally early, which removes most of the noise of which solutions happen to be drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from laser_core.analysis.voting.weights import SCALE, tie_margin

ROUND = 16  # rotations of one random order
_ONE = 2 * 1024 * SCALE  # what a vote adds to a tally beside its weight: more than 1024 weights can sum to
_NOBODY = -np.inf  # the total of an answer that nobody has given yet; as a weight, an abstention's


@dataclass(frozen=True)
class NextVote:
    """The next solution of every walk.

    Attributes
    ----------
    position : int
        In the walks.
    cell : ndarray of int of shape (n_walks,)
        Where the total of the solution's answer is.
    winning : ndarray of bool of shape (n_walks,)
        Whether that answer is correct.
    """

    position: int
    cell: np.ndarray
    winning: np.ndarray


class Walks:
    """Random orders of some problems' solutions, rotated, and what each solution stands for.

    Walks are numbered by rotation, then round, then problem, so that a rotation is a copy of consecutive memory.

    Parameters
    ----------
    answer : ndarray of int of shape (n_problems, n_samples)
        -1 casts no vote. All problems have ``n_samples`` solutions.
    winning : ndarray of bool of shape (n_problems, n_answers)
    orders : ndarray of int of shape (n_samples, n_rounds, n_problems)
        Which solution comes when.
    """

    def __init__(self, answer: np.ndarray, winning: np.ndarray, orders: np.ndarray) -> None:
        self.width, self.n_rounds, self.n_problems = orders.shape
        self.n_answers = winning.shape[1]
        self.n_orders = self.n_rounds * ROUND
        self.n_walks = self.n_orders * self.n_problems
        self.winning, self.abstains = winning, answer < 0
        # Abstentions go to an extra answer, so that no step needs to branch.
        self.answer = np.where(self.abstains, self.n_answers, answer)
        self._orders = orders
        self._rotation = np.arange(ROUND) * self.width // ROUND
        self._walk = np.arange(self.n_walks)
        extended = np.column_stack([winning, np.zeros(self.n_problems, bool)])
        self._winning_answer = self.arrange(np.take_along_axis(extended, self.answer, axis=1))
        self.cells = self.arrange(self.answer * self.n_walks)

    def arrange(self, values: np.ndarray) -> np.ndarray:
        """Values of the solutions, (n_problems, n_samples), in their orders: (n_samples, n_rounds, n_problems)."""
        return np.asarray(values[np.arange(self.n_problems), self._orders])

    def at(self, arranged: np.ndarray, position: int) -> np.ndarray:
        """Arranged values as every walk meets them at a position, of shape (n_walks,)."""
        return np.asarray(arranged[(position + self._rotation) % self.width]).ravel()

    def span(self, arranged: np.ndarray, start: int, stop: int) -> np.ndarray:
        """The same for a range of positions, of shape (stop - start, n_walks)."""
        position = np.arange(start, stop)[:, None] + self._rotation  # (n_positions, ROUND)
        return np.asarray(arranged[position % self.width]).reshape(stop - start, self.n_walks)

    def vote(self, position: int) -> NextVote:
        """What every walk meets at a position."""
        return NextVote(position, self.at(self.cells, position) + self._walk, self.at(self._winning_answer, position))

    def per_walk(self, values: np.ndarray) -> np.ndarray:
        """Values of the problems, of shape (n_problems, ...), repeated for every walk: (n_walks, ...)."""
        return np.tile(values, (self.n_orders,) + (1,) * (values.ndim - 1))

    def by_round(self, values: np.ndarray) -> np.ndarray:
        """Values of the walks, of shape (n_walks, ...), averaged over the rotations: (n_rounds, n_problems, ...)."""
        return np.asarray(values.reshape(ROUND, self.n_rounds, self.n_problems, *values.shape[1:]).mean(axis=0))


class Totals:
    """A vote by sums of fixed weights. Totals never fall, so the leader is known from the one total that changed.

    Parameters
    ----------
    walks : Walks
    weights : ndarray of shape (n_problems, n_samples)
        Whole numbers (see :func:`~laser_core.analysis.voting.weights.quantise`), so that sums are exact.
    margin : float
        Totals this close to the top tie with it.

    Attributes
    ----------
    top : ndarray of shape (n_walks,)
        The largest total, known to ``margin``.
    leaders, winning_leaders : ndarray of shape (n_walks,)
        Answers that tie for the top, and the correct ones among them.
    """

    def __init__(self, walks: Walks, weights: np.ndarray, margin: float) -> None:
        self._walks, self._weight = walks, walks.arrange(np.where(walks.abstains, _NOBODY, weights))
        self._margin = margin
        self.totals = np.full(walks.n_walks * (walks.n_answers + 1), _NOBODY)
        self.top = np.full(walks.n_walks, _NOBODY)
        self.leaders = np.zeros(walks.n_walks)
        self.winning_leaders = np.zeros(walks.n_walks)

    def add(self, vote: NextVote) -> None:
        """Count one more solution in every walk."""
        before = self.totals[vote.cell]
        total = np.maximum(before, 0.0) + self._walks.at(self._weight, vote.position)
        self.totals[vote.cell] = total
        level_from = self.top - self._margin
        ahead = total > self.top + self._margin
        level = (total >= level_from) & (before < level_from) & ~ahead
        self.top = np.where(ahead, total, self.top)
        self.leaders = np.where(ahead, 1.0, self.leaders + level)
        self.winning_leaders = np.where(ahead, vote.winning, self.winning_leaders + (level & vote.winning))

    def credit(self) -> np.ndarray:
        """1 for a vote won by a correct answer, its share where answers tie, 0 where nobody voted; (n_walks,)."""
        return self.winning_leaders / np.maximum(self.leaders, 1.0)


class Leads(Totals):
    """Totals that also know the second largest: within the margin of ``top`` in a tie, -inf where there is none."""

    def __init__(self, walks: Walks, weights: np.ndarray, margin: float) -> None:
        super().__init__(walks, weights, margin)
        self.second = np.full(walks.n_walks, _NOBODY)

    def add(self, vote: NextVote) -> None:
        """Count one more solution in every walk."""
        before, top, sole = self.totals[vote.cell], self.top, self.leaders == 1
        super().add(vote)
        total = self.totals[vote.cell]
        own = sole & (before >= top - self._margin)  # the leader itself moved further ahead
        overtaken = np.where(total > top + self._margin, top, np.maximum(self.second, total))
        self.second = np.where((total > before) & ~own, overtaken, self.second)


class Tally:
    """The same votes, weighted and not, counted in bulk: cheaper than step by step where few sizes are asked for.

    One running total per answer holds both the number of votes and the sum of their weights: the weights of up to
    ``LIMIT`` solutions sum to less than what one vote counts.
    """

    LIMIT = 1024

    def __init__(self, walks: Walks, weights: np.ndarray) -> None:
        self._walks, self._vote = walks, walks.arrange(weights + _ONE)
        self._margin = tie_margin(walks.width)
        self._winning = walks.per_walk(walks.winning).T
        self._totals = np.zeros((walks.n_answers + 1) * walks.n_walks)  # the last row holds the abstentions

    def advance(self, start: int, stop: int) -> None:
        """Count the solutions from position ``start`` up to ``stop`` in every walk."""
        walks = self._walks
        cell = walks.span(walks.cells, start, stop)
        cell += np.arange(walks.n_walks)
        self._totals += np.bincount(cell.ravel(), walks.span(self._vote, start, stop).ravel(), len(self._totals))

    def credits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Credit of the weighted vote and of the majority, and whether either is tied; (n_walks,) each."""
        totals = self._totals[: -self._walks.n_walks].reshape(self._walks.n_answers, self._walks.n_walks)
        counts = np.floor(totals * (1 / _ONE))  # a power of two, so nothing is rounded
        sums = totals - counts * _ONE
        given = counts > 0
        sums[~given] = -1.0
        weighted, weighted_leaders = self._credit(sums, given, self._margin)
        majority, leaders = self._credit(counts, given, 0.0)
        return weighted, majority, leaders > 1, weighted_leaders > 1

    def _credit(self, totals: np.ndarray, given: np.ndarray, margin: float) -> tuple[np.ndarray, np.ndarray]:
        leads = (totals >= totals.max(axis=0) - margin) & given
        leaders = leads.sum(axis=0, dtype=np.int32)
        return (leads & self._winning).sum(axis=0, dtype=np.int32) / np.maximum(leaders, 1), leaders


class Borda:
    """A vote in which a solution weighs its rank among the subset's scores, to a power [1]_.

    The rank counts from 1 for the lowest score; equal scores share the middle. A new solution changes the others'
    ranks, so the totals are summed afresh whenever they are asked for. Solutions without a score weigh 0.

    References
    ----------
    .. [1] Z. Kang, X. Zhao and D. Song. Scalable best-of-N selection for large language models via self-certainty.
           arXiv 2502.18581, 2025.
    """

    def __init__(self, walks: Walks, score: np.ndarray, power: float) -> None:
        self._walks, self._power = walks, power
        self._known = np.isfinite(score)
        # Solutions without a score compare as NaN: they neither lift nor are lifted.
        self._new = walks.arrange(np.where(self._known, score, np.inf))
        self._score = walks.per_walk(score)  # (n_walks, n_samples)
        self._column = walks.arrange(np.broadcast_to(np.arange(walks.width), score.shape))
        self._rank = np.zeros((walks.n_walks, walks.width), np.float32)  # lifts so far, whether drawn or not
        self._drawn = np.zeros((walks.n_walks, walks.width), bool)
        self._member = (walks.answer[:, :, None] == np.arange(walks.n_answers)).astype(float)
        self.leaders = np.zeros(walks.n_walks)

    def add(self, vote: NextVote) -> None:
        """Count one more solution in every walk."""
        new = self._walks.at(self._new, vote.position)[:, None]
        self._rank += self._score > new
        self._rank += np.float32(0.5) * (self._score == new)
        self._drawn[np.arange(self._walks.n_walks), self._walks.at(self._column, vote.position)] = True

    def credit(self) -> np.ndarray:
        """As :meth:`Totals.credit`; brings ``leaders`` up to date."""
        walks = self._walks
        shape = (walks.n_orders, walks.n_problems, walks.width)
        drawn = self._drawn.reshape(shape).transpose(1, 0, 2)  # (n_problems, n_orders, n_samples)
        # A solution lifts itself by one half (it equals itself): rank = lifts + 1/2.
        rank = self._rank.reshape(shape).transpose(1, 0, 2) + 0.5
        weight = np.where(drawn & self._known[:, None, :], (rank / walks.width) ** self._power, 0.0)
        totals = np.rint(weight * SCALE) @ self._member  # (n_problems, n_orders, n_answers)
        given = drawn @ self._member > 0
        top = np.max(totals, axis=2, keepdims=True, where=given, initial=0.0)
        leads = (totals >= top - tie_margin(walks.width)) & given
        leaders = leads.sum(axis=2)
        self.leaders = leaders.T.ravel()
        credit = (leads & walks.winning[:, None, :]).sum(axis=2) / np.maximum(leaders, 1)
        return np.asarray(credit).T.ravel()
