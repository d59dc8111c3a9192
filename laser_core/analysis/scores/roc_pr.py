"""The ROC curve and the precision-recall curve, with bands that treat the problem as the unit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from laser_core.analysis.estimates import Estimate
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.separation import Ranked, auroc_statistic, average_precision_statistic
from laser_core.analysis.scores.thresholds import counts_above, cuts, problem_draws

GRID = np.linspace(0, 1, 101)
POINTS = 1000


@dataclass(frozen=True)
class RocPr:
    """Both curves of one run; correct solutions are the positives, predicted correct when they score above a threshold.

    Attributes
    ----------
    threshold : ndarray of shape (n_thresholds,)
        In rising order, the first below every score; evenly spaced among the distinct scores where there are many.
    fpr, tpr, precision : ndarray of shape (n_thresholds,)
        The true positive rate is the recall; the precision is NaN where nothing is predicted correct.
    grid : ndarray of shape (n_grid,)
        FPR, and recall, at which the bands are given.
    tpr_low, tpr_high, precision_low, precision_high : ndarray of shape (n_grid,)
        Pointwise 95% bands: clustered bootstrap over problems.
    auroc, average_precision : Estimate
        Areas under the curves.
    share_correct : float
        The precision of predicting everything correct, which is what chance gives.
    n_problems, n_correct, n_incorrect : int
    """

    threshold: np.ndarray = field(repr=False)
    fpr: np.ndarray = field(repr=False)
    tpr: np.ndarray = field(repr=False)
    precision: np.ndarray = field(repr=False)
    grid: np.ndarray = field(repr=False)
    tpr_low: np.ndarray = field(repr=False)
    tpr_high: np.ndarray = field(repr=False)
    precision_low: np.ndarray = field(repr=False)
    precision_high: np.ndarray = field(repr=False)
    auroc: Estimate
    average_precision: Estimate
    share_correct: float
    n_problems: int
    n_correct: int
    n_incorrect: int


def roc_pr(samples: Samples, *, points: int = POINTS, n_bootstrap: int = 400, seed: int = 0) -> RocPr:
    """Both curves, from one sort and running sums.

    Parameters
    ----------
    samples : Samples
    points : int
        Most thresholds to keep.
    n_bootstrap, seed : int
        Draws and seed of the bootstrap behind the bands.

    Returns
    -------
    RocPr
        With empty curves where there are no correct or no incorrect scored solutions.

    Examples
    --------
    >>> curves = roc_pr(Samples.from_arrays(correct=[[1, 0], [1, 0]], score=[[0.9, 0.2], [0.4, 0.5]]))
    >>> curves.fpr.tolist(), curves.tpr.tolist()
    ([1.0, 0.5, 0.5, 0.0, 0.0], [1.0, 1.0, 0.5, 0.5, 0.0])
    >>> curves.precision.round(3).tolist(), curves.auroc.value
    ([0.5, 0.667, 0.5, 1.0, nan], 0.75)
    """
    ranked = Ranked.of(samples)
    y_true = ranked.correct
    n_correct = int(y_true.sum())
    n_incorrect = len(y_true) - n_correct
    if n_correct and n_incorrect:
        threshold, stops = cuts(ranked, points)
        tp, fp = ranked.at_stops(y_true, stops).astype(float), ranked.at_stops(~y_true, stops).astype(float)
        with np.errstate(invalid="ignore"):
            fpr, tpr, precision = fp / n_incorrect, tp / n_correct, tp / (tp + fp)
        grid, bands = GRID, _bands(ranked, threshold, n_bootstrap=n_bootstrap, seed=seed)
    else:
        threshold = fpr = tpr = precision = grid = np.zeros(0)
        bands = _Bands(*np.zeros((4, 0)))
    return RocPr(
        threshold=threshold,
        fpr=fpr,
        tpr=tpr,
        precision=precision,
        grid=grid,
        tpr_low=bands.tpr_low,
        tpr_high=bands.tpr_high,
        precision_low=bands.precision_low,
        precision_high=bands.precision_high,
        auroc=auroc_statistic(ranked).estimate(),
        average_precision=average_precision_statistic(ranked).estimate(),
        share_correct=n_correct / len(y_true) if len(y_true) else np.nan,
        n_problems=int(ranked.contributes.sum()),
        n_correct=n_correct,
        n_incorrect=n_incorrect,
    )


class _Bands(NamedTuple):
    """Ends of the 95% bands at the grid, each of shape (n_grid,)."""

    tpr_low: np.ndarray
    tpr_high: np.ndarray
    precision_low: np.ndarray
    precision_high: np.ndarray


def _bands(ranked: Ranked, threshold: np.ndarray, *, n_bootstrap: int, seed: int) -> _Bands:
    """Each replicate draws problems with replacement; its curves are read off at the grid."""
    _, tp_of, fp_of = counts_above(ranked, threshold)
    tpr, precision = [], []
    for weight in problem_draws(ranked.n_problems, n_bootstrap, seed=seed):
        for tp, fp in zip(weight @ tp_of, weight @ fp_of, strict=True):
            if not (tp[-1] and fp[-1]):
                continue  # this draw holds one kind only
            tp, fp = tp[-2::-1], fp[-2::-1]  # from the highest threshold down: both rise
            n_correct, n_incorrect = tp[-1], fp[-1]  # the lowest candidate lies below every score
            accepted = tp + fp > 0
            tpr.append(np.interp(GRID, np.append(0, fp / n_incorrect), np.append(0, tp / n_correct)))
            precision.append(np.interp(GRID, tp[accepted] / n_correct, (tp / np.maximum(tp + fp, 1))[accepted]))
    if not tpr:
        return _Bands(*np.full((4, len(GRID)), np.nan))
    ends = np.quantile(tpr, [0.025, 0.975], axis=0), np.quantile(precision, [0.025, 0.975], axis=0)
    return _Bands(ends[0][0], ends[0][1], ends[1][0], ends[1][1])
