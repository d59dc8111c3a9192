"""Does the score follow the solution's length? (The paper finds a Spearman correlation of about -0.42.)

A score may fall with length only because wrong solutions are longer; hence the same correlation among correct and among
incorrect solutions, and within problems.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from laser_core.analysis.estimates import Estimate, Statistic, interval, mean_statistic
from laser_core.analysis.ranks import mid_ranks
from laser_core.analysis.reliability import equal_mass_bins
from laser_core.analysis.samples import Samples

MAX_POINTS = 10_000
LENGTH_BINS = 12
MIN_PROBLEMS = 10  # that a bin's mean must rest on


@dataclass(frozen=True)
class LengthBins:
    """Mean score by length, in bins of about equally many solutions; arrays of shape (n_bins,).

    Bins with solutions of fewer than ten problems are left out: their interval would say nothing.

    Attributes
    ----------
    length : ndarray
        Mean number of tokens in the bin.
    score, score_low, score_high : ndarrays
        Mean score in the bin and its 95% interval over problems.
    count : ndarray of int
        Solutions in the bin.
    """

    length: np.ndarray
    score: np.ndarray
    score_low: np.ndarray
    score_high: np.ndarray
    count: np.ndarray


@dataclass(frozen=True)
class LengthRelation:
    """Score against number of tokens. Intervals treat the problem as the unit.

    Attributes
    ----------
    spearman : Estimate
        Rank correlation over all solutions with a score and a length.
    spearman_correct, spearman_incorrect : Estimate
        Among the solutions of that verdict.
    spearman_within_problem : Estimate
        Mean of the problems' own correlations, over the problems where neither is constant.
    bins_correct, bins_incorrect : LengthBins
    length, score, correct : ndarrays of shape (n_points,)
        The solutions to draw; ``correct`` is 1, 0 or NaN.
    row : ndarray of int of shape (n_points,)
        Their rows in the table.
    n_points, n_total : int
        Where there are more than ``max_points`` solutions the points are a simple random sample of them; everything
        else uses all.
    """

    spearman: Estimate
    spearman_correct: Estimate
    spearman_incorrect: Estimate
    spearman_within_problem: Estimate
    bins_correct: LengthBins
    bins_incorrect: LengthBins
    length: np.ndarray = field(repr=False)
    score: np.ndarray = field(repr=False)
    correct: np.ndarray = field(repr=False)
    row: np.ndarray = field(repr=False)
    n_points: int
    n_total: int


def length_relation(samples: Samples, *, max_points: int = MAX_POINTS, seed: int = 0) -> LengthRelation:
    """How the score goes with length.

    Parameters
    ----------
    samples : Samples
    max_points : int
        Most points to hand out for drawing.
    seed : int
        Of their choice.

    Examples
    --------
    >>> samples = Samples.from_arrays(
    ...     correct=[[1, 1, 0]] * 3, score=[[0.9, 0.8, 0.1]] * 3, n_tokens=[[10, 20, 30]] * 3
    ... )
    >>> found = length_relation(samples)
    >>> round(found.spearman.value, 6), round(found.spearman_within_problem.value, 6), found.n_points
    (-1.0, -1.0, 9)
    """
    known = np.isfinite(samples.score) & np.isfinite(samples.n_tokens)
    problem = np.nonzero(known)[0]
    score, length, correct = samples.score[known], samples.n_tokens[known], samples.correct[known]
    shown = np.arange(len(score))
    if len(score) > max_points:
        shown = np.sort(np.random.default_rng(seed).choice(len(score), max_points, replace=False))

    def among(rows: np.ndarray) -> Estimate:
        return spearman_statistic(score[rows], length[rows], problem[rows], samples.n_problems).estimate()

    def binned(rows: np.ndarray) -> LengthBins:
        return _bins(score[rows], length[rows], problem[rows], samples.n_problems)

    return LengthRelation(
        spearman=among(np.ones(len(score), bool)),
        spearman_correct=among(correct == 1),
        spearman_incorrect=among(correct == 0),
        spearman_within_problem=_within(score, length, problem, samples.n_problems).estimate(),
        bins_correct=binned(correct == 1),
        bins_incorrect=binned(correct == 0),
        length=length[shown],
        score=score[shown],
        correct=correct[shown],
        row=samples.row[known][shown],
        n_points=len(shown),
        n_total=len(score),
    )


def spearman_statistic(x: np.ndarray, y: np.ndarray, problem: np.ndarray, n_problems: int) -> Statistic:
    """Spearman's rank correlation (mid-ranks for ties) with its clustered influence.

    Parameters
    ----------
    x, y : ndarrays of shape (n_rows,)
    problem : ndarray of int of shape (n_rows,)
    n_problems : int

    Notes
    -----
    One more solution k moves the correlation r twice: through its own ranks, and by shifting the ranks of all others.
    With ranks standardised to f and g the first is ``f_k g_k - r (f_k**2 + g_k**2) / 2``. A rank enters r with slope
    ``g_i - r f_i``, so the second is the sum of these slopes over the solutions above k (half over those equal to k),
    over the standard deviation of the ranks; and the same with the roles exchanged.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 3.0, 4.0])
    >>> round(spearman_statistic(x, np.array([2.0, 1.0, 4.0, 3.0]), np.arange(4), 4).value, 3)
    0.6
    """
    contributes = np.bincount(problem, minlength=n_problems) > 0
    n = len(x)
    ranks = [mid_ranks(values) for values in (x, y)]
    spread = [rank.std() if n else 0.0 for rank, _, _ in ranks]
    if not (n > 1 and min(spread) > 0):
        return Statistic(np.nan, np.zeros(n_problems), contributes, "signed")
    f, g = ((rank - rank.mean()) / s for (rank, _, _), s in zip(ranks, spread, strict=True))
    r = float((f * g).mean())
    moved = f * g - r * (f**2 + g**2) / 2
    for (_, group, n_groups), slope, s in zip(ranks, (g - r * f, f - r * g), spread, strict=True):
        total = np.bincount(group, slope, n_groups)  # by distinct value, rising
        above = total[::-1].cumsum()[::-1] - total / 2
        moved += above[group] / (n * s)
    return Statistic(r, np.bincount(problem, moved, n_problems) / n, contributes, "signed")


def _within(x: np.ndarray, y: np.ndarray, problem: np.ndarray, n_problems: int) -> Statistic:
    """Mean over problems of their own rank correlations."""
    f, g = _ranks_within(x, problem), _ranks_within(y, problem)
    n = np.bincount(problem, minlength=n_problems)

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(problem, values, n_problems)

    with np.errstate(invalid="ignore", divide="ignore"):
        f, g = f - (total(f) / n)[problem], g - (total(g) / n)[problem]
        r = total(f * g) / np.sqrt(total(f**2) * total(g**2))
    return mean_statistic(np.where(np.isfinite(r), r, np.nan), scale="signed")


def _ranks_within(values: np.ndarray, problem: np.ndarray) -> np.ndarray:
    """Mid-ranks over the whole sequence ordered by problem: within a problem, ranks up to a constant."""
    order = np.lexsort((values, problem))
    new = np.append(True, (np.diff(problem[order]) != 0) | (np.diff(values[order]) != 0))[: len(order)]
    start = np.flatnonzero(new)
    size = np.diff(np.append(start, len(order)))
    out = np.empty(len(order))
    out[order] = np.repeat(start + (size - 1) / 2, size)
    return out


def _bins(score: np.ndarray, length: np.ndarray, problem: np.ndarray, n_problems: int) -> LengthBins:
    if not len(score):
        return LengthBins(*[np.zeros(0)] * 5)
    bin_of, edges = equal_mass_bins(length, LENGTH_BINS)
    n_bins = len(edges) - 1
    count = np.bincount(bin_of, minlength=n_bins)
    mean, middle = (np.bincount(bin_of, values, n_bins) / count for values in (score, length))
    flat = problem * n_bins + bin_of
    size = np.bincount(flat, minlength=n_problems * n_bins).reshape(n_problems, n_bins)
    gap = np.bincount(flat, score - mean[bin_of], n_problems * n_bins).reshape(n_problems, n_bins)
    clusters = (size > 0).sum(axis=0)
    se = np.sqrt((gap**2).sum(axis=0) * clusters / np.maximum(clusters - 1, 1)) / count
    ends = [interval(m, s, int(k), scale="real") for m, s, k in zip(mean, se, clusters, strict=True)]
    low, high = (np.array([float(end[side]) for end in ends]) for side in (0, 1))
    enough = clusters >= MIN_PROBLEMS
    return LengthBins(*(values[enough] for values in (middle, mean, low, high, count)))
