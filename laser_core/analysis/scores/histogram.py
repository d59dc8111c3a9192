"""Histograms of the score over correct and over incorrect solutions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from laser_core.analysis.estimates import Estimate, ratio_statistic
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.separation import Ranked

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class ScoreDistribution:
    """Histograms of the score for correct and incorrect solutions, and for those without a verdict.

    Attributes
    ----------
    edges : ndarray of shape (n_bins + 1,)
        Of the bins, in units of the score.
    correct, incorrect, unknown : ndarray of int of shape (n_bins,)
        Counts of solutions; ``unknown`` are those without a verdict.
    quantile_levels : tuple of float
    correct_quantiles, incorrect_quantiles : ndarray of shape (n_levels,)
        NaN where there are no such solutions.
    correct_mean, incorrect_mean : Estimate
    n_correct, n_incorrect, n_unknown, n_unscored : int
        Solutions; unscored ones are in no histogram.
    """

    edges: np.ndarray
    correct: np.ndarray
    incorrect: np.ndarray
    unknown: np.ndarray
    quantile_levels: tuple[float, ...]
    correct_quantiles: np.ndarray
    incorrect_quantiles: np.ndarray
    correct_mean: Estimate
    incorrect_mean: Estimate
    n_correct: int
    n_incorrect: int
    n_unknown: int
    n_unscored: int


def score_distribution(samples: Samples, *, bins: int = 40) -> ScoreDistribution:
    """Count correct and incorrect solutions in equal bins from the smallest score to the largest.

    Parameters
    ----------
    samples : Samples
    bins : int

    Examples
    --------
    >>> d = score_distribution(Samples.from_arrays(correct=[[1, 0, 0]], score=[[0.9, 0.1, 0.3]]), bins=2)
    >>> d.edges.tolist(), d.correct.tolist(), d.incorrect.tolist()
    ([0.1, 0.5, 0.9], [0, 1], [2, 0])
    """
    scored = np.isfinite(samples.score)
    values = samples.score[scored]
    low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
    edges = np.linspace(low, high, bins + 1) if high > low else np.linspace(low - 0.5, low + 0.5, bins + 1)
    unknown = samples.score[scored & ~np.isfinite(samples.correct)]
    ranked = Ranked.of(samples)

    def side(flag: np.ndarray) -> tuple[np.ndarray, np.ndarray, Estimate]:
        score = ranked.score[flag]
        quantiles = np.quantile(score, QUANTILES) if len(score) else np.full(len(QUANTILES), np.nan)
        mean = ratio_statistic(ranked.per_problem(ranked.score * flag), ranked.per_problem(flag), scale="real")
        return np.histogram(score, edges)[0], quantiles, mean.estimate()

    correct, correct_quantiles, correct_mean = side(ranked.correct)
    incorrect, incorrect_quantiles, incorrect_mean = side(~ranked.correct)
    return ScoreDistribution(
        edges=edges,
        correct=correct,
        incorrect=incorrect,
        unknown=np.histogram(unknown, edges)[0],
        quantile_levels=QUANTILES,
        correct_quantiles=correct_quantiles,
        incorrect_quantiles=incorrect_quantiles,
        correct_mean=correct_mean,
        incorrect_mean=incorrect_mean,
        n_correct=int(ranked.correct.sum()),
        n_incorrect=int((~ranked.correct).sum()),
        n_unknown=len(unknown),
        n_unscored=int((samples.present & ~scored).sum()),
    )
