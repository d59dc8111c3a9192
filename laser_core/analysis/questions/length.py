"""Does the score follow the solution's length? (The paper finds a Spearman correlation of about -0.42.)

A score may fall with length only because incorrect solutions are longer. So the same correlation is also taken among
correct solutions, among incorrect ones, and within problems.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from laser_core.analysis.estimates import Estimate, Statistic, confidence_interval, mean_statistic
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.calibration import equal_mass_bins

MAX_POINTS = 10_000
LENGTH_BINS = 12
_BLOCK = 2**16  # rows worked on at a time
MIN_PROBLEMS = 10  # that a bin's mean must rest on


@dataclass(frozen=True)
class LengthBins:
    """Mean score by length, in bins of about equally many solutions.

    Bins with solutions of fewer than ten problems are left out: their interval would say nothing.

    Attributes
    ----------
    length : ndarray of shape (n_bins,)
        Mean number of tokens in the bin.
    score, score_low, score_high : ndarray of shape (n_bins,)
        Mean score in the bin and its 95% interval over problems.
    count : ndarray of int of shape (n_bins,)
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
        Among the correct and among the incorrect solutions.
    spearman_within_problem : Estimate
        Mean of the problems' own correlations, over the problems where neither is constant.
    bins_correct, bins_incorrect : LengthBins
    length, score, correct : ndarray of shape (n_points,)
        The solutions to draw; ``correct`` is 1, 0 or NaN.
    row : ndarray of int of shape (n_points,)
        Their rows in the table.
    n_points, n_total : int
        Solutions to draw, and all of them. Where there are more than ``max_points``, the points are a simple random
        sample; every statistic uses all solutions.
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

    @property
    def whole_lengths(self) -> bool:
        """Whether every length that is drawn is a whole number, as a count of tokens is."""
        return bool(np.all(self.length == np.round(self.length)))


def length_relation(samples: Samples, *, max_points: int = MAX_POINTS, seed: int = 0) -> LengthRelation:
    """How the score goes with length.

    Parameters
    ----------
    samples : Samples
    max_points : int
        Most solutions to draw.
    seed : int
        Of the sample that is drawn.

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
    n_total = int(known.sum())
    shown = np.flatnonzero(known)
    if n_total > max_points:
        shown = np.sort(np.random.default_rng(seed).choice(shown, max_points, replace=False))
    # From here on ranks stand for values: they order solutions the same way in half the memory, as whole numbers.
    problem = np.nonzero(known)[0].astype(np.int32)
    score, length = (distinct(values[known]) for values in (samples.score, samples.n_tokens))
    verdicts = [samples.correct[known] == verdict for verdict in (1, 0)]

    def among(rows: np.ndarray) -> Estimate:
        return spearman_statistic(score[rows], length[rows], problem[rows], samples.n_problems).estimate()

    def binned(verdict: int) -> LengthBins:
        rows = known & (samples.correct == verdict)
        owner = np.nonzero(rows)[0].astype(np.int32)
        return _bins(samples.score[rows], samples.n_tokens[rows], owner, samples.n_problems)

    return LengthRelation(
        spearman=_spearman((score, length), problem, samples.n_problems).estimate(),
        spearman_correct=among(verdicts[0]),
        spearman_incorrect=among(verdicts[1]),
        spearman_within_problem=_within(score, length, problem, samples.n_problems).estimate(),
        bins_correct=binned(1),
        bins_incorrect=binned(0),
        length=samples.n_tokens.ravel()[shown],
        score=samples.score.ravel()[shown],
        correct=samples.correct.ravel()[shown],
        row=samples.row.ravel()[shown],
        n_points=len(shown),
        n_total=n_total,
    )


def spearman_statistic(x: np.ndarray, y: np.ndarray, problem: np.ndarray, n_problems: int) -> Statistic:
    """Spearman's rank correlation (mid-ranks for ties) with its clustered influence.

    Parameters
    ----------
    x, y : ndarray of shape (n_rows,)
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
    return _spearman((distinct(x), distinct(y)), problem, n_problems)


def _spearman(groups: tuple[np.ndarray, np.ndarray], problem: np.ndarray, n_problems: int) -> Statistic:
    """:func:`spearman_statistic` of values that :func:`distinct` has numbered."""
    contributes = np.bincount(problem, minlength=n_problems) > 0
    n = len(problem)
    ranks = [_mid_ranks(group) for group in groups]  # standardised, for each distinct value
    if n < 2 or min(map(len, ranks)) < 2:
        return Statistic(np.nan, np.zeros(n_problems), contributes, "signed")
    blocks = [slice(low, low + _BLOCK) for low in range(0, n, _BLOCK)]
    r = sum(float((ranks[0][groups[0][rows]] * ranks[1][groups[1][rows]]).sum()) for rows in blocks) / n
    above = []
    for own, other in ((0, 1), (1, 0)):
        # Sum of the slopes g - r f over each distinct value, then over all above it.
        total = -r * ranks[own]
        total *= np.bincount(groups[own])
        for rows in blocks:
            total += np.bincount(groups[own][rows], ranks[other][groups[other][rows]], len(total))
        upper = total[::-1].cumsum()[::-1]  # in place from here: these are as long as the table
        total /= 2
        upper -= total
        upper /= n * _spread(groups[own])
        above.append(upper)
    influence = np.zeros(n_problems)
    for rows in blocks:
        i, j = groups[0][rows], groups[1][rows]
        f, g = ranks[0][i], ranks[1][j]
        moved = f * g - r * (f**2 + g**2) / 2 + above[0][i] + above[1][j]
        influence += np.bincount(problem[rows], moved, n_problems)
    return Statistic(r, influence / n, contributes, "signed")


def distinct(values: np.ndarray) -> np.ndarray:
    """The number of each value among the distinct ones, from 0 for the smallest, as int32 of shape (n_rows,).

    Examples
    --------
    >>> distinct(np.array([2.5, -1.0, 2.5])).tolist()
    [1, 0, 1]
    """
    order = np.argsort(values, kind="stable").astype(np.int32)
    ordered = values[order]
    out = np.empty(len(values), np.int32)
    out[order] = np.cumsum(np.append(False, ordered[1:] != ordered[:-1])[: len(values)], dtype=np.int32)
    return out


def _shares(group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each distinct value: its mid-rank as a share of the rows, and how many rows have it."""
    count = np.bincount(group)
    middle = np.cumsum(count, dtype=float)
    middle -= count / 2
    middle /= max(len(group), 1)
    return middle, count


def _spread(group: np.ndarray) -> float:
    """Standard deviation of the mid-ranks, whose mean is one half."""
    middle, count = _shares(group)
    middle -= 0.5
    middle *= middle
    return float(np.sqrt(count @ middle / max(len(group), 1)))


def _mid_ranks(group: np.ndarray) -> np.ndarray:
    """Mid-rank of each distinct value, standardised over the rows."""
    spread = _spread(group)
    middle, _ = _shares(group)
    middle -= 0.5
    return np.divide(middle, spread, out=middle) if spread > 0 else middle


def _within(x: np.ndarray, y: np.ndarray, problem: np.ndarray, n_problems: int) -> Statistic:
    """Mean over problems of their own rank correlations; rows are ordered by problem."""
    r = np.full(n_problems, np.nan)
    first = 0
    while first < len(problem):
        # A block of whole problems: up to the start of the problem that the block's last row is in, or one problem.
        start = int(np.searchsorted(problem, problem[min(first + _BLOCK, len(problem) - 1)]))
        last = len(problem) if first + _BLOCK >= len(problem) else start
        last = last if last > first else int(np.searchsorted(problem, problem[first], side="right"))
        rows, base = slice(first, last), problem[first]
        own, n_own = problem[rows] - base, int(problem[last - 1] - base) + 1
        f, g = (_centred_ranks(values[rows], own, n_own) for values in (x, y))
        with np.errstate(invalid="ignore", divide="ignore"):
            products = [np.bincount(own, product, n_own) for product in (f * g, f * f, g * g)]
            r[base : base + n_own] = products[0] / np.sqrt(products[1] * products[2])
        first = last
    return mean_statistic(np.where(np.isfinite(r), r, np.nan), scale="signed")


def _centred_ranks(values: np.ndarray, problem: np.ndarray, n_problems: int) -> np.ndarray:
    """Mid-ranks within each row's problem, less their mean."""
    order = np.lexsort((values, problem)).astype(np.int32)
    owner, ordered = problem[order], values[order]
    new = np.append(True, (owner[1:] != owner[:-1]) | (ordered[1:] != ordered[:-1]))[: len(order)]
    start = np.flatnonzero(new).astype(np.int32)
    size = np.append(start[1:], np.int32(len(order))) - start
    count = np.bincount(problem, minlength=n_problems)
    middle = np.cumsum(count) - (count + 1) / 2  # of the rows of each problem, which are consecutive
    out = np.empty(len(order))
    out[order] = np.repeat(start + (size - 1) / 2, size)
    out -= middle[problem]
    return out


def _bins(score: np.ndarray, length: np.ndarray, problem: np.ndarray, n_problems: int) -> LengthBins:
    if not len(score):
        return LengthBins(*np.zeros((5, 0)))
    bin_of, edges = equal_mass_bins(length, LENGTH_BINS)
    bin_of = bin_of.astype(np.int32)
    n_bins = len(edges) - 1
    count = np.bincount(bin_of, minlength=n_bins)
    mean, middle = (np.bincount(bin_of, values, n_bins) / count for values in (score, length))
    flat = problem * np.int32(n_bins) + bin_of
    size = np.bincount(flat, minlength=n_problems * n_bins).reshape(n_problems, n_bins)
    gap = np.bincount(flat, score - mean[bin_of], n_problems * n_bins).reshape(n_problems, n_bins)
    clusters = (size > 0).sum(axis=0)
    se = np.sqrt((gap**2).sum(axis=0) * clusters / np.maximum(clusters - 1, 1)) / count
    ends = [confidence_interval(m, s, int(k), scale="real") for m, s, k in zip(mean, se, clusters, strict=True)]
    low, high = (np.array([float(end[side]) for end in ends]) for side in (0, 1))
    enough = clusters >= MIN_PROBLEMS
    return LengthBins(*(values[enough] for values in (middle, mean, low, high, count)))
