"""One number from several training runs: two sources of chance, seeds and problems, in one interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import fdtri, stdtrit

from laser_core.analysis.estimates import (
    BOUNDS,
    LEVEL,
    NO_SPREAD,
    UNDEFINED,
    Estimate,
    Statistic,
    confidence_interval,
)

SHARED = 1 / 4  # squared correlation of two differences that subtract the same run, all runs varying alike
UNLIKELY = 0.01  # a group whose variance is so unlikely beside the others' is no part of their pool


@dataclass(frozen=True)
class SeedVariance:
    """How much a value varies from one training seed to another.

    Attributes
    ----------
    variance : float
        Of a single run's value, in its units squared.
    df : float
        Degrees of freedom that the variance was estimated with.
    """

    variance: float
    df: float


def over_seeds(
    statistics: Sequence[Statistic], *, level: float = LEVEL, seed_variance: SeedVariance | None = None
) -> Estimate:
    """The mean over training seeds of a statistic that was measured on the same problems each time.

    Its variance has two parts: what other problems would show (from the problems' influence on the *mean* over seeds,
    so that problems hard for every seed count in full), and what other seeds would show (the runs' own spread). The
    draw of solutions is in both, which errs on the wide side. Each part has its own t quantile, and the half-widths add
    as squares: with two to five seeds this covers 95 to 99% in simulations where a pooled number of degrees of freedom
    (Welch and Satterthwaite) covers 87 to 97% (``tests/analysis/test_seeds.py``). The interval is cut at the ends of
    the scale. One seed leaves the first part alone, and says nothing about other seeds.

    No interval on a bounded scale is narrower than that of identical values, for fewer differences than could be seen
    are no evidence for none; see :func:`~laser_core.analysis.estimates.confidence_interval`. On the scale "real",
    identical values have no interval.

    Parameters
    ----------
    statistics : sequence of Statistic
        One per seed, with influences of shape (n_problems,) in the same order of problems. Undefined ones are left out.
    level : float
    seed_variance : SeedVariance, optional
        Where these seeds are too few to say how much seeds vary: the variance pooled over several groups of runs.

    Returns
    -------
    Estimate
        ``n`` is the number of problems.

    Examples
    --------
    Two seeds at 0.4 and 0.6 on problems that hardly differ: the spread of the seeds alone, 0.1 * t(1 df) = 1.27, so
    that the interval reaches both ends of [0, 1].

    >>> from laser_core.analysis.estimates import mean_statistic
    >>> print(over_seeds([mean_statistic(np.full(50, 0.4)), mean_statistic(np.full(50, 0.6))]))
    0.500 [0.000, 1.000], n = 50
    """
    found = [s for s in statistics if np.isfinite(s.value) and s.contributes.any()]
    if not found:
        return UNDEFINED
    values = np.array([s.value for s in found])
    contributes = np.logical_or.reduce([s.contributes for s in found])
    n, value, scale = int(contributes.sum()), float(values.mean()), found[0].scale
    if n < 2:
        return Estimate(value, np.nan, np.nan, n)
    of_problems = n / (n - 1) * float(np.sum(np.mean([s.influence for s in found], axis=0) ** 2))
    of_seeds = seed_variance or (variance_of(values) if len(values) > 1 else SeedVariance(0.0, 1))
    seed_part = of_seeds.variance / len(values)
    if scale == "real" and of_problems + seed_part <= NO_SPREAD**2:
        return Estimate(value, np.nan, np.nan, n)  # nothing bounds what other problems would show
    tail = 0.5 + level / 2
    half = np.sqrt(stdtrit(n - 1, tail) ** 2 * of_problems + stdtrit(of_seeds.df, tail) ** 2 * seed_part)
    bottom, top = BOUNDS[scale]
    low, high = max(value - half, bottom), min(value + half, top)
    if scale != "real":
        floor_low, floor_high = confidence_interval(value, 0.0, n, scale=scale, level=level)
        low, high = min(low, float(floor_low)), max(high, float(floor_high))
    return Estimate(value, float(low), float(high), n)


def variance_of(values: Sequence[float] | np.ndarray) -> SeedVariance:
    """The variance over the seeds of one group of runs, at least two.

    Examples
    --------
    >>> variance_of([0.0, 2.0, 4.0])
    SeedVariance(variance=4.0, df=2)
    """
    return SeedVariance(float(np.var(values, ddof=1)), len(values) - 1)


def pooled_seed_variances(groups: Mapping[str, Sequence[float]], *, shared: float = SHARED) -> dict[str, SeedVariance]:
    """One variance over seeds for several groups of runs that have too few seeds each.

    The groups' variances are averaged, weighed by their degrees of freedom. Where the values are differences from the
    same runs, the groups are not independent: m groups of k seeds, whose squared deviations correlate by ``shared``,
    are worth m (k - 1) / (1 + (m - 1) shared) degrees of freedom. A group that varies more than the others by the F
    test, at 1%, keeps its own variance; a run that collapses on some seeds must not blur the others, nor be sharpened
    by them.

    Parameters
    ----------
    groups : mapping of str to sequence of float
        One value for each seed; groups with fewer than two take the others' variance.
    shared : float
        0 for independent groups.

    Returns
    -------
    dict of str to SeedVariance
        For each group; empty if no group has two seeds.

    Examples
    --------
    Variances 4 and 0 with two degrees of freedom each; together 2 * 2 / (1 + 1/4) = 3.2.

    >>> pooled_seed_variances({"a": [0, 2, 4], "b": [1, 1, 1], "c": [5]})["c"]
    SeedVariance(variance=2.0, df=3.2)
    """
    own = {name: variance_of(values) for name, values in groups.items() if len(values) > 1}
    alone: dict[str, SeedVariance] = {}
    while len(own) > 1:
        widest = max(own, key=lambda name: own[name].variance)
        rest = _pooled([part for name, part in own.items() if name != widest], shared)
        if own[widest].variance <= fdtri(own[widest].df, rest.df, 1 - UNLIKELY) * rest.variance or not rest.variance:
            break
        alone[widest] = own.pop(widest)
    if not own:
        return {}
    pool = _pooled(list(own.values()), shared)
    return {name: alone.get(name, pool) for name in groups}


def _pooled(parts: Sequence[SeedVariance], shared: float) -> SeedVariance:
    df = sum(part.df for part in parts)
    variance = sum(part.variance * part.df for part in parts) / df
    return SeedVariance(variance, df / (1 + (len(parts) - 1) * shared))
