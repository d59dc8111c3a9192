"""How well the score tells correct from incorrect solutions: over all solutions, and within a problem.

The two differ. A score can know which *problems* are hard and nothing about which *solutions* are right; its overall
AUROC is then high, its AUROC within a problem one half, and weighted voting gains nothing from it.

The point values come from :mod:`laser_core.metrics`; the influence functions behind the intervals are computed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from laser_core import metrics
from laser_core.analysis.estimates import Estimate, Statistic, combine, mean_statistic, ratio_statistic
from laser_core.analysis.samples import Samples

_BLOCK = 2**16  # rows worked on at a time


@dataclass(frozen=True)
class Separation:
    """Separation of correct from incorrect solutions. All intervals treat the problem as the unit.

    Most metrics count the solutions that have both a score and a verdict (the paper's "filtered" ones). Those ending in
    ``_all`` also count the solutions without a score, usually truncated ones, as predicted incorrect.

    Attributes
    ----------
    auroc : Estimate
        Probability that a correct solution scores above an incorrect one, over all pairs; a tie counts one half.
    within_problem_auroc : Estimate
        The same over the pairs of one problem, averaged over the problems that have both kinds.
    average_precision : Estimate
        Mean precision over the correct solutions, ranked by score.
    balanced_f1, balanced_f1_all : Estimate
        Harmonic mean of TPR and TNR at ``threshold`` (what the paper calls F1).
    tpr, tpr_all : Estimate
        Share of the correct solutions predicted correct (score above threshold).
    tnr, tnr_all : Estimate
        Share of the incorrect solutions predicted incorrect.
    mcc : Estimate
        Matthews correlation of prediction and verdict.
    threshold : float
        A solution is predicted correct when its score is above it.
    n_mixed_problems : int
        Problems with both correct and incorrect scored solutions.
    n_scored, n_correct, n_incorrect : int
        Solutions with a score and a verdict: all of them, the correct ones, the incorrect ones.
    n_unscored : int
        Solutions with a verdict but no score.
    """

    auroc: Estimate
    within_problem_auroc: Estimate
    average_precision: Estimate
    balanced_f1: Estimate
    tpr: Estimate
    tnr: Estimate
    mcc: Estimate
    balanced_f1_all: Estimate
    tpr_all: Estimate
    tnr_all: Estimate
    threshold: float
    n_mixed_problems: int
    n_scored: int
    n_correct: int
    n_incorrect: int
    n_unscored: int


@dataclass(frozen=True)
class Ranked:
    """The solutions that have a score and a verdict, ranked by falling score: one sort serves every metric.

    Attributes
    ----------
    problem : ndarray of int of shape (n_scored,)
        Position of the problem in the samples.
    score : ndarray of float of shape (n_scored,)
    correct : ndarray of bool of shape (n_scored,)
        The verifier's verdict, ``y_true`` to the score's prediction.
    n_problems : int
        Of the samples; some may have no such solution.
    """

    problem: np.ndarray
    score: np.ndarray
    correct: np.ndarray
    n_problems: int

    @classmethod
    def of(cls, samples: Samples) -> Ranked:
        """Pick them out of the grid."""
        both = np.isfinite(samples.score) & np.isfinite(samples.correct)
        problem = np.nonzero(both)[0].astype(np.int32)
        return cls.sorted(problem, samples.score[both], samples.correct[both] == 1, samples.n_problems)

    @classmethod
    def sorted(cls, problem: np.ndarray, score: np.ndarray, correct: np.ndarray, n_problems: int) -> Ranked:
        """From rows in any order: arrays of shape (n_scored,), as the attributes."""
        order = np.argsort(-score, kind="stable")
        return cls(problem[order], score[order], correct[order], n_problems)

    def take(self, rows: np.ndarray) -> Ranked:
        """Some of the rows, by mask."""
        return Ranked(self.problem[rows], self.score[rows], self.correct[rows], self.n_problems)

    @cached_property
    def stops(self) -> np.ndarray:
        """How many rows score above each distinct score, from the largest down; at last, how many rows there are."""
        new = np.append(True, self.score[1:] != self.score[:-1])[: len(self.score)]
        return np.append(np.flatnonzero(new), len(self.score)).astype(np.int32)

    def at_stops(self, values: np.ndarray, stops: np.ndarray | None = None) -> np.ndarray:
        """Running sum of a row's values from the top, at each of the stops (or at some of them)."""
        total = np.zeros(len(values) + 1, np.int32 if values.dtype == bool else float)
        np.cumsum(values, out=total[1:])
        return np.asarray(total[self.stops if stops is None else stops])

    def influence(self, if_correct: np.ndarray, if_incorrect: np.ndarray) -> np.ndarray:
        """Sum over each problem's solutions of a value that depends on score and verdict, of shape (n_problems,).

        The values are given for each distinct score, from the largest down.
        """
        score = np.repeat(np.arange(len(if_correct), dtype=np.int32), np.diff(self.stops))
        out = np.zeros(self.n_problems)
        for rows in (slice(low, low + _BLOCK) for low in range(0, len(score), _BLOCK)):
            values = np.where(self.correct[rows], if_correct[score[rows]], if_incorrect[score[rows]])
            out += np.bincount(self.problem[rows], values, self.n_problems)
        return out

    def per_problem(self, values: np.ndarray) -> np.ndarray:
        """Sum over each problem's solutions, of shape (n_problems,)."""
        return np.bincount(self.problem, weights=values, minlength=self.n_problems)

    @property
    def contributes(self) -> np.ndarray:
        """Which problems have such solutions, of shape (n_problems,)."""
        return np.asarray(np.bincount(self.problem, minlength=self.n_problems) > 0)

    def within_problem_aurocs(self) -> np.ndarray:
        """AUROC of each problem's own solutions, of shape (n_problems,); NaN where a class is missing."""
        rising = slice(None, None, -1)  # rows that are already in order sort fastest
        return metrics.within_problem_aurocs(
            self.correct[rising], self.score[rising], self.problem[rising], n_problems=self.n_problems
        )


def accuracy_statistic(samples: Samples) -> Statistic:
    """Mean over problems of the share of correct solutions; see :func:`accuracy`."""
    known = np.isfinite(samples.correct)
    with np.errstate(invalid="ignore", divide="ignore"):
        return mean_statistic(np.nansum(samples.correct, axis=1) / known.sum(axis=1))


def accuracy(samples: Samples) -> Estimate:
    """Mean over problems of the share of correct solutions (pass@1); solutions without a verdict are left out.

    Examples
    --------
    >>> accuracy(Samples.from_arrays(correct=[[1, 1], [0, 1], [0, 0]])).value
    0.5
    """
    return accuracy_statistic(samples).estimate()


def separation(samples: Samples, *, threshold: float = 0.5) -> Separation:
    """Every separation metric of one run at one threshold.

    Parameters
    ----------
    samples : Samples
    threshold : float
        A solution is predicted correct when its score is above it.

    Returns
    -------
    Separation
        Estimates are NaN where a class is missing.

    Examples
    --------
    >>> s = separation(Samples.from_arrays(correct=[[1, 0, 0], [1, 1, 0]], score=[[0.9, 0.6, 0.1], [0.8, 0.4, 0.3]]))
    >>> round(s.auroc.value, 3), s.within_problem_auroc.value, round(s.balanced_f1.value, 3)
    (0.889, 1.0, 0.667)
    """
    ranked = Ranked.of(samples)
    within = within_problem_statistic(ranked)
    cells = cell_statistics(ranked, threshold)
    missing = np.isfinite(samples.correct) & ~np.isfinite(samples.score)
    unscored = [(missing & (samples.correct == verdict)).sum(axis=1) for verdict in (1, 0)]
    cells_all = cell_statistics(ranked, threshold, unscored_correct=unscored[0], unscored_incorrect=unscored[1])
    return Separation(
        auroc=auroc_statistic(ranked).estimate(),
        within_problem_auroc=within.estimate(),
        average_precision=average_precision_statistic(ranked).estimate(),
        balanced_f1=cells.balanced_f1.estimate(),
        tpr=cells.tpr.estimate(),
        tnr=cells.tnr.estimate(),
        mcc=cells.mcc.estimate(),
        balanced_f1_all=cells_all.balanced_f1.estimate(),
        tpr_all=cells_all.tpr.estimate(),
        tnr_all=cells_all.tnr.estimate(),
        threshold=float(threshold),
        n_mixed_problems=int(within.contributes.sum()),
        n_scored=len(ranked.score),
        n_correct=int(ranked.correct.sum()),
        n_incorrect=int((~ranked.correct).sum()),
        n_unscored=int(missing.sum()),
    )


def auroc_statistic(ranked: Ranked) -> Statistic:
    """Area under the ROC curve over all pairs (the Mann-Whitney statistic), with its clustered influence [1]_.

    References
    ----------
    .. [1] N. Obuchowski. Nonparametric analysis of clustered ROC curve data. Biometrics 53, 1997.
    """
    y_true = ranked.correct
    n_correct, n_incorrect = y_true.sum(), (~y_true).sum()
    if n_correct == 0 or n_incorrect == 0:
        return Statistic(np.nan, np.zeros(ranked.n_problems), ranked.contributes)
    correct_above = ranked.at_stops(y_true)
    if_correct, if_incorrect = metrics.pairs_won(correct_above, ranked.at_stops(~y_true))
    value = float((correct_above[1:] - correct_above[:-1]) @ if_correct / n_correct)
    # In place: each is as long as the table, and a table may be large.
    if_correct -= value
    if_correct /= n_correct
    if_incorrect -= value
    if_incorrect /= n_incorrect
    return Statistic(value, ranked.influence(if_correct, if_incorrect), ranked.contributes)


def within_problem_statistic(ranked: Ranked) -> Statistic:
    """Mean of the problems' own AUROCs over the problems with both kinds of solution."""
    return mean_statistic(ranked.within_problem_aurocs())


def average_precision_statistic(ranked: Ranked) -> Statistic:
    """Average precision: the mean, over correct solutions, of the precision at their score."""
    n_correct = ranked.correct.sum()
    if n_correct == 0 or n_correct == len(ranked.correct):
        return Statistic(np.nan, np.zeros(ranked.n_problems), ranked.contributes)
    accepted, tp = ranked.stops[1:], ranked.at_stops(ranked.correct)
    precision, gained = tp[1:] / accepted, tp[1:] - tp[:-1]
    value = float((gained * precision).sum() / n_correct)
    # One more row like j moves j's own term and the precision at every score not above j's.
    if_correct = gained / accepted
    lower = if_correct * precision
    del gained, tp  # each is as long as the table
    for moved in (lower, if_correct):
        moved /= n_correct
        np.cumsum(moved[::-1], out=moved[::-1])
    precision -= value
    precision /= n_correct
    if_correct += precision
    if_correct -= lower
    return Statistic(value, ranked.influence(if_correct, np.negative(lower, out=lower)), ranked.contributes)


@dataclass(frozen=True)
class CellStatistics:
    """What follows from the four cells of predictions against verdicts, each with its influence on the problems."""

    tpr: Statistic
    tnr: Statistic
    balanced_f1: Statistic
    mcc: Statistic


def cell_statistics(
    ranked: Ranked,
    threshold: float | np.ndarray,
    *,
    unscored_correct: np.ndarray | float = 0,
    unscored_incorrect: np.ndarray | float = 0,
) -> CellStatistics:
    """TPR, TNR, their harmonic mean and MCC at a threshold.

    Parameters
    ----------
    ranked : Ranked
    threshold : float, or ndarray of shape (n_scored,)
        One for all solutions, or one for each.
    unscored_correct, unscored_incorrect : ndarray of shape (n_problems,)
        Solutions without a score that are to count as predicted incorrect (not in the MCC).
    """
    predicted, y_true = ranked.score > threshold, ranked.correct
    tp, tn = ranked.per_problem(predicted & y_true), ranked.per_problem(~predicted & ~y_true)
    tpr = ratio_statistic(tp, ranked.per_problem(y_true) + unscored_correct)
    tnr = ratio_statistic(tn + unscored_incorrect, ranked.per_problem(~y_true) + unscored_incorrect)
    return CellStatistics(tpr, tnr, balanced_f1_statistic(tpr, tnr), _mcc(ranked, predicted))


def balanced_f1_statistic(tpr: Statistic, tnr: Statistic) -> Statistic:
    """Harmonic mean of TPR and TNR; 0 where both are 0."""
    a, b = tpr.value, tnr.value
    value = float(metrics.balanced_f1(a, b))
    if a + b == 0:
        return combine(value, [(0.0, tpr), (0.0, tnr)])
    return combine(value, [(2 * b**2 / (a + b) ** 2, tpr), (2 * a**2 / (a + b) ** 2, tnr)])


def _mcc(ranked: Ranked, predicted: np.ndarray) -> Statistic:
    """Matthews correlation: the covariance of prediction and verdict over both standard deviations."""
    y_true, ones = ranked.correct, ranked.per_problem(np.ones(len(predicted)))
    p, y, both = (ratio_statistic(ranked.per_problem(x), ones) for x in (predicted, y_true, predicted & y_true))
    spread = p.value * (1 - p.value) * y.value * (1 - y.value)
    if not spread > 0:
        return Statistic(np.nan, np.zeros(ranked.n_problems), p.contributes, "signed")
    value = float((both.value - p.value * y.value) / np.sqrt(spread))
    by_p = -y.value / np.sqrt(spread) - value * (1 - 2 * p.value) / (2 * p.value * (1 - p.value))
    by_y = -p.value / np.sqrt(spread) - value * (1 - 2 * y.value) / (2 * y.value * (1 - y.value))
    return combine(value, [(1 / np.sqrt(spread), both), (by_p, p), (by_y, y)], scale="signed")
