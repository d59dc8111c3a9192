"""Differences between two numbers of one run, paired by problem: what both share cancels, so intervals are narrow."""

from __future__ import annotations

import numpy as np

from laser_core.analysis.estimates import Estimate
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.crossfit import held_out_thresholds
from laser_core.analysis.scores.separation import Ranked, auroc_statistic, cell_statistics, within_problem_statistic


def auroc_gap(samples: Samples) -> Estimate:
    """The AUROC over all problems minus the AUROC within a problem.

    Parameters
    ----------
    samples : Samples

    Returns
    -------
    Estimate
        Above 0 where the score also knows which problems are easy; undefined without mixed problems.

    Examples
    --------
    >>> s = Samples.from_arrays(correct=[[1, 1, 0], [1, 0, 0]], score=[[0.9, 0.7, 0.8], [0.2, 0.3, 0.1]])
    >>> round(auroc_gap(s).value, 3)  # 6 of 9 pairs overall; one of two pairs in each problem
    0.167
    """
    ranked = Ranked.of(samples)
    return auroc_statistic(ranked).minus(within_problem_statistic(ranked)).estimate()


def tuning_gain(samples: Samples, *, threshold: float = 0.5, n_folds: int = 5, seed: int = 0) -> Estimate:
    """Balanced F1 of a threshold tuned on other problems minus that of a fixed one, on the same solutions.

    Parameters
    ----------
    samples : Samples
    threshold : float
        The fixed one.
    n_folds : int
        Folds of whole problems, as in :func:`laser_core.analysis.cross_fit`.
    seed : int
        Of the folds.

    Returns
    -------
    Estimate
        Undefined where a class is missing.
    """
    ranked = Ranked.of(samples)
    if ranked.correct.all() or not ranked.correct.any():
        return Estimate(np.nan, np.nan, np.nan, 0)
    _, thresholds = held_out_thresholds(ranked, n_folds=n_folds, seed=seed)
    ranked, thresholds = ranked.take(np.isfinite(thresholds)), thresholds[np.isfinite(thresholds)]
    tuned = cell_statistics(ranked, thresholds)
    return tuned.balanced_f1.minus(cell_statistics(ranked, threshold).balanced_f1).estimate()
