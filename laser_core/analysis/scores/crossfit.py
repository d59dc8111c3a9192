"""Choosing a threshold, and evaluating it only on problems that took no part in the choice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from laser_core.analysis.estimates import Estimate, ratio_statistic
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.separation import Ranked, cell_statistics
from laser_core.analysis.scores.thresholds import check_cost_ratio, choice, cuts, halfway


@dataclass(frozen=True)
class CrossFit:
    """A threshold chosen on some problems and evaluated on the others.

    Attributes
    ----------
    thresholds : tuple of float
        One for each fold, chosen on the other folds.
    balanced_f1, tpr, tnr, mcc : Estimate
        Over all solutions, each predicted by the threshold that the other folds chose.
    cost : Estimate
        Mean cost of a prediction: 1 for a false positive, ``1 / cost_ratio`` for a false negative. Without a cost ratio
        both cost 1.
    """

    thresholds: tuple[float, ...]
    balanced_f1: Estimate
    tpr: Estimate
    tnr: Estimate
    mcc: Estimate
    cost: Estimate


def best_threshold(samples: Samples, *, cost_ratio: float | None = None) -> float:
    """The threshold with the best balanced F1, or with the least cost.

    Parameters
    ----------
    samples : Samples
    cost_ratio : float, optional
        Cost of a false positive in units of a false negative: how many correct solutions one would reject to keep one
        incorrect solution out. None asks for the best balanced F1 instead.

    Examples
    --------
    >>> s = Samples.from_arrays(correct=[[1, 1, 0, 1, 0]], score=[[0.9, 0.8, 0.7, 0.2, 0.1]])
    >>> round(best_threshold(s, cost_ratio=3), 3), round(best_threshold(s, cost_ratio=0.5), 3)
    (0.75, 0.15)
    """
    check_cost_ratio(cost_ratio)
    return _choose(Ranked.of(samples), cost_ratio)


def _choose(ranked: Ranked, cost_ratio: float | None) -> float:
    n_correct = int(ranked.correct.sum())
    n_incorrect = len(ranked.correct) - n_correct
    if not (n_correct and n_incorrect):
        return np.nan
    threshold, stops = cuts(ranked)
    tp, fp = ranked.at_stops(ranked.correct, stops), ranked.at_stops(~ranked.correct, stops)
    return halfway(threshold, int(np.argmax(choice(tp, fp, n_correct, n_incorrect, cost_ratio))))


def cross_fit(samples: Samples, *, n_folds: int = 5, cost_ratio: float | None = None, seed: int = 0) -> CrossFit:
    """Choose the threshold on some problems and evaluate it on the others, for each fold in turn.

    Parameters
    ----------
    samples : Samples
    n_folds : int
        Folds of whole problems.
    cost_ratio : float, optional
        As in :func:`best_threshold`.
    seed : int
        Of the folds.

    Returns
    -------
    CrossFit
        The intervals are for new problems and thresholds like these; they do not include how much the thresholds
        themselves vary (``Sweep.best_low`` and ``best_high`` show it).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> correct = rng.random((50, 8)) < 0.5
    >>> fit = cross_fit(Samples.from_arrays(correct=correct, score=correct + rng.normal(0, 0.5, correct.shape)))
    >>> len(fit.thresholds), 0.7 < fit.balanced_f1.value < 0.95
    (5, True)
    """
    check_cost_ratio(cost_ratio)
    ranked = Ranked.of(samples)
    chosen, threshold = held_out_thresholds(ranked, n_folds=n_folds, cost_ratio=cost_ratio, seed=seed)
    if not np.isfinite(threshold).all():
        ranked, threshold = ranked.take(np.isfinite(threshold)), threshold[np.isfinite(threshold)]
    cells = cell_statistics(ranked, threshold)
    predicted, y_true = ranked.score > threshold, ranked.correct
    paid = ranked.per_problem(predicted & ~y_true) + ranked.per_problem(~predicted & y_true) / (cost_ratio or 1.0)
    cost = ratio_statistic(paid, np.bincount(ranked.problem, minlength=ranked.n_problems), scale="real")
    return CrossFit(
        thresholds=tuple(chosen),
        balanced_f1=cells.balanced_f1.estimate(),
        tpr=cells.tpr.estimate(),
        tnr=cells.tnr.estimate(),
        mcc=cells.mcc.estimate(),
        cost=cost.estimate(),
    )


def held_out_thresholds(
    ranked: Ranked, *, n_folds: int = 5, cost_ratio: float | None = None, seed: int = 0
) -> tuple[list[float], np.ndarray]:
    """For every solution a threshold that the problems of the other folds chose.

    Parameters
    ----------
    ranked : Ranked
    n_folds, cost_ratio, seed
        As in :func:`cross_fit`.

    Returns
    -------
    chosen : list of float
        One for each fold; NaN where the other folds lack a class.
    threshold : ndarray of shape (n_scored,)
        That of each solution's fold.
    """
    fold = folds(ranked.n_problems, n_folds=n_folds, seed=seed)
    chosen = [_choose(ranked.take(fold[ranked.problem] != k), cost_ratio) for k in range(fold.max() + 1)]
    return chosen, np.array(chosen)[fold[ranked.problem]]


def folds(n_problems: int, *, n_folds: int, seed: int) -> np.ndarray:
    """A fold number for each problem, drawn at random.

    Parameters
    ----------
    n_problems : int
    n_folds : int
        At most one fold for each problem.
    seed : int

    Returns
    -------
    ndarray of int of shape (n_problems,)
        The sizes of the folds differ by at most one.

    Examples
    --------
    >>> np.bincount(folds(11, n_folds=5, seed=0)).tolist()
    [3, 2, 2, 2, 2]
    """
    return np.random.default_rng(seed).permutation(np.arange(n_problems) % min(n_folds, n_problems))
