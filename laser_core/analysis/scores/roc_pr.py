"""The ROC curve and the precision-recall curve, with bands that treat the problem as the unit."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from laser_core.analysis.estimates import Estimate
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.metrics import Judged, auroc_statistic, average_precision_statistic
from laser_core.analysis.scores.thresholds import CANDIDATES, above, cuts, problem_draws

GRID = np.linspace(0, 1, 101)
POINTS = 1000


@dataclass(frozen=True)
class RocPr:
    """Both curves of one run: "judged correct" means a score above the threshold, correct solutions are the positives.

    Attributes
    ----------
    threshold : ndarray of shape (n_thresholds,)
        In rising order, the first below every score; evenly spaced among the distinct scores where there are many.
    fpr, tpr, precision : ndarrays of shape (n_thresholds,)
        Share of the incorrect solutions judged correct, share of the correct ones (the recall), and share of those
        judged correct that are; the precision is NaN where nothing is.
    grid : ndarray of shape (n_grid,)
        FPR, and recall, at which the bands are given.
    tpr_low, tpr_high, precision_low, precision_high : ndarrays of shape (n_grid,)
        Pointwise 95% bands: clustered bootstrap over problems.
    auroc, average_precision : Estimate
        Areas under the curves.
    share_correct : float
        The precision of judging everything correct: what chance gives.
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
        Of the bands.

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
    judged = Judged.of(samples)
    right = judged.correct
    n_right = int(right.sum())
    n_wrong = len(right) - n_right
    if not (n_right and n_wrong):
        nothing = np.zeros(0)
        areas = auroc_statistic(judged).estimate(), average_precision_statistic(judged).estimate()
        return RocPr(
            *[nothing] * 9,
            *areas,
            share_correct=n_right / len(right) if len(right) else np.nan,
            n_problems=int(judged.contributes.sum()),
            n_correct=n_right,
            n_incorrect=n_wrong,
        )
    threshold, stops = cuts(judged, points)
    hits, alarms = judged.at_stops(right, stops).astype(float), judged.at_stops(~right, stops).astype(float)
    with np.errstate(invalid="ignore"):
        precision = hits / (hits + alarms)
    bands = _bands(judged, threshold, n_bootstrap=n_bootstrap, seed=seed)
    return RocPr(
        threshold=threshold,
        fpr=alarms / n_wrong,
        tpr=hits / n_right,
        precision=precision,
        grid=GRID,
        **bands,
        auroc=auroc_statistic(judged).estimate(),
        average_precision=average_precision_statistic(judged).estimate(),
        share_correct=n_right / len(right),
        n_problems=int(judged.contributes.sum()),
        n_correct=n_right,
        n_incorrect=n_wrong,
    )


def _bands(judged: Judged, threshold: np.ndarray, *, n_bootstrap: int, seed: int) -> dict[str, np.ndarray]:
    """Each replicate draws problems again with replacement; its curves are read off at the grid."""
    candidates = np.unique(threshold[np.linspace(0, len(threshold) - 1, CANDIDATES).astype(int)])
    cell = np.searchsorted(candidates, judged.score, side="left")
    hits, alarms = (above(judged, flag, cell, len(candidates)) for flag in (judged.correct, ~judged.correct))
    tpr, precision = [], []
    for weight in problem_draws(judged.n_problems, n_bootstrap, seed=seed):
        for h, a in zip(weight @ hits, weight @ alarms, strict=True):
            if not (h[-1] and a[-1]):
                continue  # this draw holds one kind only
            h, a = h[-2::-1], a[-2::-1]  # from the highest threshold down: both rise
            total_h, total_a = h[-1], a[-1]  # the lowest candidate lies below every score
            accepted = h + a > 0
            tpr.append(np.interp(GRID, np.append(0, a / total_a), np.append(0, h / total_h)))
            precision.append(np.interp(GRID, h[accepted] / total_h, (h / np.maximum(h + a, 1))[accepted]))
    if not tpr:
        nothing = np.full(len(GRID), np.nan)
        return dict.fromkeys(("tpr_low", "tpr_high", "precision_low", "precision_high"), nothing)
    ends = np.quantile(tpr, [0.025, 0.975], axis=0), np.quantile(precision, [0.025, 0.975], axis=0)
    return {"tpr_low": ends[0][0], "tpr_high": ends[0][1], "precision_low": ends[1][0], "precision_high": ends[1][1]}
