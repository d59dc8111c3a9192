"""The score's distribution over correct and over incorrect solutions: cumulative shares with bands, and densities."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from laser_core.analysis.estimates import confidence_interval
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.histogram import QUANTILES
from laser_core.analysis.scores.separation import Ranked

POINTS = 200
_FINE = 2048  # cells in which scores are counted before they are smoothed


@dataclass(frozen=True)
class Side:
    """The scores of the correct, or of the incorrect solutions.

    Attributes
    ----------
    n, n_problems : int
        Solutions, and the problems they belong to.
    ecdf, ecdf_low, ecdf_high : ndarray of shape (n_points,)
        Share of them that score at most ``x``, with its pointwise 95% band over problems.
    density : ndarray of shape (n_points,)
        Kernel estimate, per unit of the score.
    quantiles : ndarray of shape (n_levels,)
        At ``ScoreShape.quantile_levels``.
    """

    n: int
    n_problems: int
    ecdf: np.ndarray = field(repr=False)
    ecdf_low: np.ndarray = field(repr=False)
    ecdf_high: np.ndarray = field(repr=False)
    density: np.ndarray = field(repr=False)
    quantiles: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class ScoreShape:
    """Where the scores of correct and of incorrect solutions lie.

    Attributes
    ----------
    x : ndarray of shape (n_points,)
        In units of the score.
    correct, incorrect : Side
    quantile_levels : tuple of float
    bandwidth : float
        Standard deviation of the Gaussian that smooths both densities, in units of the score.
    gap_at : float
        The ``x`` where the cumulative shares differ most: the threshold with the largest TPR + TNR.
    """

    x: np.ndarray = field(repr=False)
    correct: Side
    incorrect: Side
    quantile_levels: tuple[float, ...]
    bandwidth: float
    gap_at: float


def score_shape(samples: Samples, *, points: int = POINTS) -> ScoreShape:
    """Cumulative shares and densities of correct and incorrect solutions, on a common axis.

    Parameters
    ----------
    samples : Samples
    points : int
        Points of the axis.

    Notes
    -----
    The densities are Gaussian kernel estimates with Silverman's bandwidth of the smaller spread of the two sides [1]_.

    References
    ----------
    .. [1] B. W. Silverman. Density Estimation for Statistics and Data Analysis. Chapman and Hall, 1986.

    Examples
    --------
    >>> shape = score_shape(Samples.from_arrays(correct=[[1, 0], [1, 0]], score=[[0.9, 0.1], [0.7, 0.3]]), points=5)
    >>> shape.x.round(2).tolist()
    [0.1, 0.3, 0.5, 0.7, 0.9]
    >>> shape.correct.ecdf.tolist(), shape.incorrect.ecdf.tolist(), round(shape.gap_at, 2)
    ([0.0, 0.0, 0.0, 0.5, 1.0], [0.5, 1.0, 1.0, 1.0, 1.0], 0.3)
    """
    ranked = Ranked.of(samples)
    score = ranked.score
    low, high = (float(score.min()), float(score.max())) if len(score) else (0.0, 1.0)
    x = np.linspace(low, high, points) if high > low else np.linspace(low - 0.5, low + 0.5, points)
    widths = [_bandwidth(score[flag]) for flag in (ranked.correct, ~ranked.correct) if flag.any()]
    bandwidth = max(min(widths, default=0.0), (x[-1] - x[0]) / 400)  # finer than the axis would only show the axis
    correct, incorrect = (_side(ranked, flag, x, bandwidth) for flag in (ranked.correct, ~ranked.correct))
    gap_at = float(x[np.argmax(incorrect.ecdf - correct.ecdf)]) if correct.n and incorrect.n else np.nan
    return ScoreShape(x, correct, incorrect, QUANTILES, float(bandwidth), gap_at)


def _side(ranked: Ranked, flag: np.ndarray, x: np.ndarray, bandwidth: float) -> Side:
    score, problem = ranked.score[flag], ranked.problem[flag]
    if not len(score):
        nothing = np.full(len(x), np.nan)
        return Side(0, 0, nothing, nothing, nothing, nothing, np.full(len(QUANTILES), np.nan))
    # The first x that is at least the score (a rounding error must not move a score that lies on the axis).
    slack = 1e-9 * (x[-1] - x[0])
    at = np.minimum(np.searchsorted(x + slack, score, side="left"), len(x) - 1)
    share = np.cumsum(np.bincount(at, minlength=len(x))) / len(score)
    # Clustered variance of a share at every x: sum over problems of (their count - share * their size)**2.
    size = np.bincount(problem, minlength=ranked.n_problems)
    n_problems = int((size > 0).sum())
    variance = np.zeros(len(x))
    step = max(1, 2**21 // len(x))
    for first in range(0, ranked.n_problems, step):
        rows = (problem >= first) & (problem < first + step)
        n_rows = min(step, ranked.n_problems - first)
        flat = (problem[rows] - first) * np.int64(len(x)) + at[rows]
        below = np.bincount(flat, minlength=n_rows * len(x)).reshape(n_rows, len(x)).cumsum(axis=1)
        variance += ((below - share * size[first : first + n_rows, None]) ** 2).sum(axis=0)
    se = np.sqrt(variance * n_problems / max(n_problems - 1, 1)) / len(score)
    low, high = confidence_interval(share, se, n_problems)
    return Side(len(score), n_problems, share, low, high, _density(score, x, bandwidth), np.quantile(score, QUANTILES))


def _bandwidth(score: np.ndarray) -> float:
    q1, q3 = np.quantile(score, [0.25, 0.75])
    spread = min(score.std(), (q3 - q1) / 1.34) or score.std()
    return float(0.9 * spread * len(score) ** -0.2)


def _density(score: np.ndarray, x: np.ndarray, bandwidth: float) -> np.ndarray:
    """Gaussian kernel estimate, from counts in fine cells: its cost does not grow with the number of scores."""
    edges = np.linspace(x[0] - 4 * bandwidth, x[-1] + 4 * bandwidth, _FINE + 1)
    count, _ = np.histogram(score, edges)
    middle = (edges[:-1] + edges[1:]) / 2
    filled = count > 0
    z = (x[:, None] - middle[filled]) / bandwidth
    total = np.exp(-(z**2) / 2) @ count[filled]
    return np.asarray(total / (len(score) * bandwidth * np.sqrt(2 * np.pi)))
