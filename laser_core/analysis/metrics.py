"""How well the score tells correct from incorrect solutions: over all solutions, and within a problem.

The two differ. A score can know which *problems* are hard and nothing about which *solutions* are right; its overall
AUROC is then high, its AUROC within a problem one half, and weighted voting gains nothing from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from laser_core.analysis.estimates import Estimate, Statistic, combine, mean_statistic, ratio_statistic
from laser_core.analysis.samples import Samples


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


_ROWS = ("problem", "score", "correct")


@dataclass(frozen=True)
class Judged:
    """The solutions that have a score and a verdict, flat.

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
        return cls(np.nonzero(both)[0], samples.score[both], samples.correct[both] == 1, samples.n_problems)

    def per_problem(self, values: np.ndarray) -> np.ndarray:
        """Sums over each problem's solutions, of shape (n_problems,)."""
        return np.bincount(self.problem, weights=values, minlength=self.n_problems)


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
    missed = (~np.isfinite(samples.score) & np.isfinite(samples.correct)) & samples.present
    unscored = Judged(np.nonzero(missed)[0], np.full(missed.sum(), -np.inf), samples.correct[missed] == 1, len(missed))
    both = Judged(*(np.concatenate([getattr(judged, f), getattr(unscored, f)]) for f in _ROWS), samples.n_problems)
    cells_all = cell_statistics(both, threshold)
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
        n_unscored=int(missed.sum()),
    )


def auroc_statistic(judged: Judged) -> Statistic:
    """Area under the ROC curve over all pairs (the Mann-Whitney statistic), with its clustered influence [1]_.

    References
    ----------
    .. [1] N. Obuchowski. Nonparametric analysis of clustered ROC curve data. Biometrics 53, 1997.
    """
    right = judged.correct
    n_right, n_wrong = right.sum(), (~right).sum()
    contributes = judged.per_problem(np.ones(len(right))) > 0
    if n_right == 0 or n_wrong == 0:
        return Statistic(np.nan, np.zeros(judged.n_problems), contributes)
    # Rank among everybody minus rank among one's own kind: how many of the other kind one beats, ties half.
    beaten = rankdata(judged.score)
    beaten[right] -= rankdata(judged.score[right])
    beaten[~right] -= rankdata(judged.score[~right])
    share = np.where(right, beaten / n_wrong, 1 - beaten / n_right)
    value = share[right].mean()
    influence = judged.per_problem((share - value) / np.where(right, n_right, n_wrong))
    return Statistic(float(value), influence, contributes)


def within_problem_aurocs(judged: Judged) -> np.ndarray:
    """AUROC of each problem's own solutions, of shape (n_problems,); NaN where one class is missing."""
    order = np.lexsort((judged.score, judged.problem))
    problem, score, right = judged.problem[order], judged.score[order], judged.correct[order]
    # Mid-ranks over the whole sorted sequence; a problem's rows are consecutive, so only differences matter below.
    new = np.ones(len(order), bool)
    new[1:] = (problem[1:] != problem[:-1]) | (score[1:] != score[:-1])
    start = np.flatnonzero(new)
    sizes = np.diff(np.append(start, len(order)))
    rank = np.repeat(start + (sizes + 1) / 2, sizes)
    count = np.bincount(problem, minlength=judged.n_problems)
    n_right = np.bincount(problem, weights=right, minlength=judged.n_problems)
    before = np.cumsum(count) - count
    rank_sum = np.bincount(problem[right], weights=rank[right], minlength=judged.n_problems) - before * n_right
    pairs = n_right * (count - n_right)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(pairs > 0, (rank_sum - n_right * (n_right + 1) / 2) / pairs, np.nan)


def within_problem_statistic(judged: Judged) -> Statistic:
    """Mean of the problems' own AUROCs over the problems with both kinds of solution."""
    return mean_statistic(within_problem_aurocs(judged))


def average_precision_statistic(judged: Judged) -> Statistic:
    """Average precision: the mean, over correct solutions, of the precision at their score."""
    n_right = judged.correct.sum()
    contributes = judged.per_problem(np.ones(len(judged.correct))) > 0
    if n_right == 0 or n_right == len(judged.correct):
        return Statistic(np.nan, np.zeros(judged.n_problems), contributes)
    order = np.argsort(-judged.score, kind="stable")
    score, right = judged.score[order], judged.correct[order].astype(float)
    last = np.append(score[1:] != score[:-1], True)  # the end of each run of equal scores
    group = np.cumsum(np.append(0, last[:-1]))
    accepted = (np.flatnonzero(last) + 1.0)[group]
    precision = np.cumsum(right)[last][group] / accepted
    value = float((right * precision).sum() / n_right)
    # One more row like j moves j's own term and the precision at every score not above j's.
    first = np.append(True, last[:-1])
    suffix = [np.cumsum((right * w)[::-1])[::-1][first][group] for w in (1 / accepted, precision / accepted)]
    per_row = (right * (precision - value) + right * suffix[0] - suffix[1]) / n_right
    influence = np.bincount(judged.problem[order], weights=per_row, minlength=judged.n_problems)
    return Statistic(value, influence, contributes)


def cell_statistics(judged: Judged, threshold: float | np.ndarray) -> dict[str, Statistic]:
    """TPR, TNR, their harmonic mean and MCC at a threshold (one for all, or one for each solution)."""
    said = judged.score > threshold
    right = judged.correct
    tpr = ratio_statistic(judged.per_problem(said & right), judged.per_problem(right))
    tnr = ratio_statistic(judged.per_problem(~said & ~right), judged.per_problem(~right))
    return {"tpr": tpr, "tnr": tnr, "balanced_f1": balanced_f1_statistic(tpr, tnr), "mcc": _mcc(judged, said)}


def balanced_f1_statistic(tpr: Statistic, tnr: Statistic) -> Statistic:
    """Harmonic mean of TPR and TNR; 0 where both are."""
    a, b = tpr.value, tnr.value
    if a + b == 0:
        return combine(0.0, [(0.0, tpr), (0.0, tnr)])
    return combine(2 * a * b / (a + b), [(2 * b**2 / (a + b) ** 2, tpr), (2 * a**2 / (a + b) ** 2, tnr)])


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
