"""How well the score tells correct from incorrect solutions: over all solutions, and within a problem.

The two differ. A score can know which *problems* are hard and nothing about which *solutions* are right; its overall
AUROC is then high, its AUROC within a problem one half, and weighted voting gains nothing from it.
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

    "Filtered" metrics count the solutions that have both a score and a verdict; those ending in ``_all`` also count the
    ones without a score, as judged incorrect (truncated solutions, usually). The paper prints both.

    Attributes
    ----------
    auroc : Estimate
        Probability that a correct solution scores above an incorrect one, over all pairs; ties count one half.
    within_problem_auroc : Estimate
        The same for pairs of one problem, averaged over the ``n_mixed_problems`` that have both kinds.
    average_precision : Estimate
        Of ranking by score, correct solutions being the positives.
    balanced_f1, balanced_f1_all : Estimate
        Harmonic mean of TPR and TNR at ``threshold`` (what the paper calls F1).
    tpr, tpr_all : Estimate
        Share of the correct solutions judged correct (score above threshold).
    tnr, tnr_all : Estimate
        Share of the incorrect solutions judged incorrect.
    mcc : Estimate
        Matthews correlation of judgement and verdict.
    threshold : float
    n_mixed_problems, n_scored, n_correct, n_incorrect, n_unscored : int
        Solutions (problems for the first). Scored ones have a verdict too and are the sum of correct and incorrect;
        unscored ones have a verdict but no score.
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
class Judged:
    """The solutions that have a score and a verdict, by falling score: one sort serves every metric.

    Attributes
    ----------
    problem : ndarray of int of shape (n_scored,)
    score : ndarray of float of shape (n_scored,)
    correct : ndarray of bool of shape (n_scored,)
    n_problems : int
    """

    problem: np.ndarray
    score: np.ndarray
    correct: np.ndarray
    n_problems: int

    @classmethod
    def of(cls, samples: Samples) -> Judged:
        """Pick them out of the grid."""
        both = np.isfinite(samples.score) & np.isfinite(samples.correct)
        problem = np.nonzero(both)[0].astype(np.int32)
        return cls.sorted(problem, samples.score[both], samples.correct[both] == 1, samples.n_problems)

    @classmethod
    def sorted(cls, problem: np.ndarray, score: np.ndarray, correct: np.ndarray, n_problems: int) -> Judged:
        """From rows in any order."""
        order = np.argsort(-score, kind="stable")
        return cls(problem[order], score[order], correct[order], n_problems)

    def take(self, rows: np.ndarray) -> Judged:
        """Some of the rows, by mask."""
        return Judged(self.problem[rows], self.score[rows], self.correct[rows], self.n_problems)

    @cached_property
    def stops(self) -> np.ndarray:
        """How many rows score above each distinct score, from the largest down; at last, how many rows there are."""
        new = np.append(True, self.score[1:] != self.score[:-1])[: len(self.score)]
        return np.append(np.flatnonzero(new), len(self.score)).astype(np.int32)

    def at_stops(self, values: np.ndarray, stops: np.ndarray | None = None) -> np.ndarray:
        """Running sum of a row's values from the top, at each of the stops (or at some of them)."""
        total = np.zeros(len(values) + 1, np.int32 if values.dtype == bool else float)
        np.cumsum(values, out=total[1:])
        return total[self.stops if stops is None else stops]

    def influence(self, if_right: np.ndarray, if_wrong: np.ndarray) -> np.ndarray:
        """Sums over each problem's solutions of a value that depends on score and verdict, of shape (n_problems,).

        The values are given for each distinct score, from the largest down.
        """
        score = np.repeat(np.arange(len(if_right), dtype=np.int32), np.diff(self.stops))
        out = np.zeros(self.n_problems)
        for rows in (slice(low, low + _BLOCK) for low in range(0, len(score), _BLOCK)):
            values = np.where(self.correct[rows], if_right[score[rows]], if_wrong[score[rows]])
            out += np.bincount(self.problem[rows], values, self.n_problems)
        return out

    def per_problem(self, values: np.ndarray) -> np.ndarray:
        """Sums over each problem's solutions, of shape (n_problems,)."""
        return np.bincount(self.problem, weights=values, minlength=self.n_problems)

    @property
    def contributes(self) -> np.ndarray:
        """Which problems have such solutions, of shape (n_problems,)."""
        return np.bincount(self.problem, minlength=self.n_problems) > 0


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
        A solution is judged correct when its score is above it, in units of the score.

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
    judged = Judged.of(samples)
    within = within_problem_statistic(judged)
    cells = cell_statistics(judged, threshold)
    missing = np.isfinite(samples.correct) & ~np.isfinite(samples.score)
    rejected = [(missing & (samples.correct == verdict)).sum(axis=1) for verdict in (1, 0)]
    cells_all = cell_statistics(judged, threshold, rejected_right=rejected[0], rejected_wrong=rejected[1])
    return Separation(
        auroc=auroc_statistic(judged).estimate(),
        within_problem_auroc=within.estimate(),
        average_precision=average_precision_statistic(judged).estimate(),
        **{name: cells[name].estimate() for name in ("balanced_f1", "tpr", "tnr", "mcc")},
        **{f"{name}_all": cells_all[name].estimate() for name in ("balanced_f1", "tpr", "tnr")},
        threshold=float(threshold),
        n_mixed_problems=int(within.contributes.sum()),
        n_scored=len(judged.score),
        n_correct=int(judged.correct.sum()),
        n_incorrect=int((~judged.correct).sum()),
        n_unscored=int(missing.sum()),
    )


def auroc_statistic(judged: Judged) -> Statistic:
    """Area under the ROC curve over all pairs (the Mann-Whitney statistic), with its clustered influence [1]_.

    References
    ----------
    .. [1] N. Obuchowski. Nonparametric analysis of clustered ROC curve data. Biometrics 53, 1997.
    """
    right = judged.correct
    n_right, n_wrong = right.sum(), (~right).sum()
    if n_right == 0 or n_wrong == 0:
        return Statistic(np.nan, np.zeros(judged.n_problems), judged.contributes)
    # What share of the other kind a solution beats (or, if incorrect, is beaten by); equal scores count one half.
    rights, wrongs = judged.at_stops(right), judged.at_stops(~right)
    beats, beaten = metrics.pairs_won(rights, wrongs)
    value = float(np.diff(rights) @ beats / n_right)
    beats -= value
    beats /= n_right
    beaten -= value
    beaten /= n_wrong
    return Statistic(value, judged.influence(beats, beaten), judged.contributes)


def within_problem_aurocs(judged: Judged) -> np.ndarray:
    """AUROC of each problem's own solutions, of shape (n_problems,); NaN where one class is missing."""
    rising = slice(None, None, -1)  # the rows lie by falling score, and sorted input sorts fastest
    return metrics.within_problem_aurocs(
        judged.correct[rising], judged.score[rising], judged.problem[rising], n_problems=judged.n_problems
    )


def within_problem_statistic(judged: Judged) -> Statistic:
    """Mean of the problems' own AUROCs over the problems with both kinds of solution."""
    return mean_statistic(within_problem_aurocs(judged))


def average_precision_statistic(judged: Judged) -> Statistic:
    """Average precision: the mean, over correct solutions, of the precision at their score."""
    n_right = judged.correct.sum()
    if n_right == 0 or n_right == len(judged.correct):
        return Statistic(np.nan, np.zeros(judged.n_problems), judged.contributes)
    accepted, rights = judged.stops[1:], judged.at_stops(judged.correct)
    precision, gained = rights[1:] / accepted, np.diff(rights)
    value = float((gained * precision).sum() / n_right)
    # One more row like j moves j's own term and the precision at every score not above j's.
    if_right = gained / accepted
    lower = if_right * precision
    del gained, rights  # each is as long as the table, and a table may be large
    for moved in (lower, if_right):
        moved /= n_right
        np.cumsum(moved[::-1], out=moved[::-1])
    precision -= value
    precision /= n_right
    if_right += precision
    if_right -= lower
    return Statistic(value, judged.influence(if_right, np.negative(lower, out=lower)), judged.contributes)


def cell_statistics(
    judged: Judged,
    threshold: float | np.ndarray,
    *,
    rejected_right: np.ndarray | float = 0,
    rejected_wrong: np.ndarray | float = 0,
) -> dict[str, Statistic]:
    """TPR, TNR, their harmonic mean and MCC at a threshold (one for all, or one for each solution).

    ``rejected_right`` and ``rejected_wrong``, of shape (n_problems,), count solutions without a score that are to be
    taken as judged incorrect (not in the MCC).
    """
    said = judged.score > threshold
    right = judged.correct
    n_right, n_wrong = judged.per_problem(right) + rejected_right, judged.per_problem(~right) + rejected_wrong
    tpr = ratio_statistic(judged.per_problem(said & right), n_right)
    tnr = ratio_statistic(judged.per_problem(~said & ~right) + rejected_wrong, n_wrong)
    return {"tpr": tpr, "tnr": tnr, "balanced_f1": balanced_f1_statistic(tpr, tnr), "mcc": _mcc(judged, said)}


def balanced_f1_statistic(tpr: Statistic, tnr: Statistic) -> Statistic:
    """Harmonic mean of TPR and TNR; 0 where both are."""
    a, b = tpr.value, tnr.value
    if a + b == 0:
        return combine(0.0, [(0.0, tpr), (0.0, tnr)])
    value = float(metrics.balanced_f1(a, b))
    return combine(value, [(2 * b**2 / (a + b) ** 2, tpr), (2 * a**2 / (a + b) ** 2, tnr)])


def _mcc(judged: Judged, said: np.ndarray) -> Statistic:
    """Matthews correlation: the covariance of judgement and verdict over both standard deviations."""
    ones = judged.per_problem(np.ones(len(said)))
    s, r, sr = (ratio_statistic(judged.per_problem(x), ones) for x in (said, judged.correct, said & judged.correct))
    spread = s.value * (1 - s.value) * r.value * (1 - r.value)
    if not spread > 0:
        return Statistic(np.nan, np.zeros(judged.n_problems), s.contributes, "signed")
    value = float((sr.value - s.value * r.value) / np.sqrt(spread))
    slope_s = -r.value / np.sqrt(spread) - value * (1 - 2 * s.value) / (2 * s.value * (1 - s.value))
    slope_r = -s.value / np.sqrt(spread) - value * (1 - 2 * r.value) / (2 * r.value * (1 - r.value))
    return combine(value, [(1 / np.sqrt(spread), sr), (slope_s, s), (slope_r, r)], scale="signed")
