"""Choosing a threshold, and judging the choice only on problems that did not make it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from laser_core.analysis.estimates import Estimate, ratio_statistic
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.metrics import Judged, cell_statistics
from laser_core.analysis.scores.thresholds import check_cost_ratio, choice, cuts, halfway


@dataclass(frozen=True)
class CrossFit:
    """A chosen threshold judged only on problems that did not choose it.

    Attributes
    ----------
    thresholds : tuple of float
        The choice of each fold's complement.
    balanced_f1, tpr, tnr, mcc : Estimate
        Over all solutions, each judged by the threshold that the other folds chose.
    cost : Estimate
        Mean cost of a judgement: 1 for an incorrect solution accepted, ``1 / cost_ratio`` for a correct one rejected.
        Where no cost ratio was given both cost 1.
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
        How many correct solutions one would reject to keep one incorrect solution out: the cost of a false acceptance
        in units of a false rejection. None asks for the best balanced F1 instead.

    Examples
    --------
    >>> s = Samples.from_arrays(correct=[[1, 1, 0, 1, 0]], score=[[0.9, 0.8, 0.7, 0.2, 0.1]])
    >>> round(best_threshold(s, cost_ratio=3), 3), round(best_threshold(s, cost_ratio=0.5), 3)
    (0.75, 0.15)
    """
    check_cost_ratio(cost_ratio)
    return _choose(Judged.of(samples), cost_ratio)


def _choose(judged: Judged, cost_ratio: float | None) -> float:
    n_right = judged.correct.sum()
    n_wrong = len(judged.correct) - n_right
    if not (n_right and n_wrong):
        return np.nan
    threshold, stops = cuts(judged)
    hits, alarms = judged.at_stops(judged.correct, stops), judged.at_stops(~judged.correct, stops)
    return halfway(threshold, int(np.argmax(choice(hits, alarms, n_right, n_wrong, cost_ratio))))


def cross_fit(samples: Samples, *, n_folds: int = 5, cost_ratio: float | None = None, seed: int = 0) -> CrossFit:
    """Choose the threshold on some problems and judge it on the others, for each fold in turn.

    Parameters
    ----------
    samples : Samples
    n_folds : int
        Folds of problems, drawn at random with ``seed``.
    cost_ratio : float, optional
        As in :func:`best_threshold`.

    Returns
    -------
    CrossFit
        The intervals describe new problems judged by thresholds like these; they do not include the variation of the
        thresholds themselves (``Sweep.best_low`` and ``best_high`` show it).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> right = rng.random((50, 8)) < 0.5
    >>> fit = cross_fit(Samples.from_arrays(correct=right, score=right + rng.normal(0, 0.5, right.shape)))
    >>> len(fit.thresholds), 0.7 < fit.balanced_f1.value < 0.95
    (5, True)
    """
    check_cost_ratio(cost_ratio)
    judged = Judged.of(samples)
    fold = folds(samples.n_problems, n_folds=n_folds, seed=seed)
    chosen = [_choose(judged.take(fold[judged.problem] != k), cost_ratio) for k in range(fold.max() + 1)]
    threshold = np.array(chosen)[fold[judged.problem]]
    if not np.isfinite(threshold).all():
        judged, threshold = judged.take(np.isfinite(threshold)), threshold[np.isfinite(threshold)]
    cells = cell_statistics(judged, threshold)
    said = judged.score > threshold
    paid = judged.per_problem(said & ~judged.correct) + judged.per_problem(~said & judged.correct) / (cost_ratio or 1.0)
    cost = ratio_statistic(paid, np.bincount(judged.problem, minlength=judged.n_problems), scale="real")
    named = {name: cells[name].estimate() for name in ("balanced_f1", "tpr", "tnr", "mcc")}
    return CrossFit(thresholds=tuple(chosen), **named, cost=cost.estimate())


def folds(n_problems: int, *, n_folds: int, seed: int) -> np.ndarray:
    """A fold number for each problem, of shape (n_problems,); sizes differ by at most one."""
    return np.random.default_rng(seed).permutation(np.arange(n_problems) % min(n_folds, n_problems))
