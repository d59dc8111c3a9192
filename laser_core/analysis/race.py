"""Many votes counted at once, solution by solution: who leads after each.

A walk is one random order of one problem's solutions. All walks advance together, one solution per step, so that a step
is a handful of vectorised operations whatever the number of problems and orders.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_ABSTAIN = -5.0  # a "weight" that keeps the votes nobody cast below every answer


@dataclass(frozen=True)
class Step:
    """The next solution of every walk, of shape (n_walks,) each.

    Attributes: ``sample`` (flat position in the problems' grid), ``cell`` (flat position of its answer among the
    totals) and ``right`` (whether that answer is correct).
    """

    sample: np.ndarray
    cell: np.ndarray
    right: np.ndarray


class Walks:
    """Random orders of some problems' solutions, and what each solution stands for.

    Parameters
    ----------
    answer : ndarray of int of shape (n_problems, n_samples)
        -1 casts no vote.
    winning : ndarray of bool of shape (n_problems, n_answers)
    orders : ndarray of int of shape (n_problems, n_orders, n_samples)
    """

    def __init__(self, answer: np.ndarray, winning: np.ndarray, orders: np.ndarray) -> None:
        self.n_problems, self.n_orders, self.width = orders.shape
        self.n_answers = winning.shape[1]
        self.n_walks = self.n_problems * self.n_orders
        # Abstentions go to an extra answer, so that no step needs to branch.
        self.answer = np.where(answer < 0, self.n_answers, answer)
        self.abstains = answer < 0
        self.winning = winning
        extended = np.column_stack([winning, np.zeros(self.n_problems, bool)])
        self._right = np.take_along_axis(extended, self.answer, axis=1).ravel()
        self._steps = np.ascontiguousarray(orders.reshape(self.n_walks, self.width).T)  # (n_samples, n_walks)
        self._start = np.repeat(np.arange(self.n_problems), self.n_orders) * self.width
        self._base = np.arange(self.n_walks) * (self.n_answers + 1)

    def step(self, position: int) -> Step:
        """What every walk meets at a position."""
        sample = self._start + self._steps[position]
        return Step(sample, self._base + self.answer.ravel()[sample], self._right[sample])

    def by_problem(self, values: np.ndarray) -> np.ndarray:
        """Sums over each problem's walks, of shape (n_problems,)."""
        return values.reshape(self.n_problems, self.n_orders).sum(axis=1)


class Totals:
    """A vote by sums of fixed weights. Totals never fall, so the leader is known from the one total that changed.

    Parameters
    ----------
    walks : Walks
    weights : ndarray of shape (n_problems, n_samples)
        Whole numbers (see :func:`~laser_core.analysis.weights.quantise`), so that equal totals are equal.
    """

    def __init__(self, walks: Walks, weights: np.ndarray) -> None:
        self._weight = np.where(walks.abstains, _ABSTAIN, weights).ravel()
        self.totals = np.full(walks.n_walks * (walks.n_answers + 1), -1.0)  # -1: nobody gave this answer yet
        self.top = np.full(walks.n_walks, -1.0)
        self.leaders = np.zeros(walks.n_walks)
        self.right_leaders = np.zeros(walks.n_walks)

    def add(self, step: Step) -> None:
        """Count one more solution in every walk."""
        before = self.totals[step.cell]
        total = np.maximum(before, 0.0) + self._weight[step.sample]
        self.totals[step.cell] = total
        ahead = total > self.top
        level = (total == self.top) & (total > before)
        self.top = np.where(ahead, total, self.top)
        self.leaders = np.where(ahead, 1.0, self.leaders + level)
        self.right_leaders = np.where(ahead, step.right, self.right_leaders + (level & step.right))

    def credit(self) -> np.ndarray:
        """1 for a vote won by a correct answer, its share where answers tie, 0 where nobody voted; (n_walks,)."""
        return self.right_leaders / np.maximum(self.leaders, 1.0)


class Leads(Totals):
    """Totals that also know the second largest: ``second`` equals ``top`` in a tie, and is -1 where there is none."""

    def __init__(self, walks: Walks, weights: np.ndarray) -> None:
        super().__init__(walks, weights)
        self.second = np.full(walks.n_walks, -1.0)

    def add(self, step: Step) -> None:
        """Count one more solution in every walk."""
        before, top, sole = self.totals[step.cell], self.top, self.leaders == 1
        super().add(step)
        total = self.totals[step.cell]
        own = sole & (before == top)  # the leader itself moved further ahead
        overtaken = np.where(total > top, np.where(own, self.second, top), np.maximum(self.second, total))
        self.second = np.where(total > before, overtaken, self.second)


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
        self._flat = np.where(self._known, score, np.inf).ravel()
        # Solutions without a score compare as NaN: they neither lift nor are lifted.
        self._score = np.repeat(score, walks.n_orders, axis=0)  # (n_walks, n_samples)
        self._rank = np.zeros((walks.n_walks, walks.width), np.float32)  # lifts so far, whether drawn or not
        self._drawn = np.zeros((walks.n_walks, walks.width), bool)
        n_answers = walks.n_answers
        self._member = np.zeros((walks.n_problems, walks.width, n_answers))
        p, i = np.nonzero(~walks.abstains)
        self._member[p, i, walks.answer[p, i]] = 1

    def add(self, step: Step) -> None:
        """Count one more solution in every walk."""
        new = self._flat[step.sample][:, None]
        self._rank += self._score > new
        self._rank += np.float32(0.5) * (self._score == new)
        self._drawn[np.arange(len(step.sample)), step.sample % self._walks.width] = True

    def credit(self) -> np.ndarray:
        """As :meth:`Totals.credit`."""
        walks = self._walks
        shape = (walks.n_problems, walks.n_orders, walks.width)
        drawn = self._drawn.reshape(shape)
        # A solution lifts itself by one half (it equals itself): rank = lifts + 1/2.
        weight = np.where(drawn, (self._rank.reshape(shape) + 0.5) ** self._power, 0.0)
        weight *= self._known[:, None, :]
        totals = (
            np.rint(weight / walks.width**self._power * 2.0**40) @ self._member
        )  # (n_problems, n_orders, n_answers)
        totals = np.where(drawn @ self._member > 0, totals, -1.0)
        top = totals.max(axis=2, keepdims=True)
        leads = (totals == top) & (top >= 0)
        return ((leads & walks.winning[:, None, :]).sum(axis=2) / np.maximum(leads.sum(axis=2), 1)).ravel()
