"""One number from several training runs: two sources of chance, seeds and problems, in one interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from laser_core.analysis.estimates import BOUNDS, LEVEL, NO_SPREAD, UNDEFINED, Estimate, Statistic


def over_seeds(statistics: Sequence[Statistic], *, level: float = LEVEL) -> Estimate:
    """The mean over training seeds of a statistic that was measured on the same problems each time.

    Its variance has two parts: what other problems would show (from the problems' influence on the *mean* over seeds,
    so that problems hard for every seed count in full), and what other seeds would show (the runs' own spread). The
    draw of solutions is in both, which errs on the wide side. The interval is Student's with Welch and Satterthwaite's
    degrees of freedom, cut at the ends of the scale. One seed leaves the first part alone, and says nothing about other
    seeds.

    Parameters
    ----------
    statistics : sequence of Statistic
        One per seed, with influences of shape (n_problems,) in the same order of problems. Undefined ones are left out.
    level : float

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
    n, value = int(contributes.sum()), float(values.mean())
    if n < 2:
        return Estimate(value, np.nan, np.nan, n)
    of_problems = n / (n - 1) * float(np.sum(np.mean([s.influence for s in found], axis=0) ** 2))
    of_seeds = float(values.var(ddof=1)) / len(values) if len(values) > 1 else 0.0
    variance = of_problems + of_seeds
    if variance <= NO_SPREAD**2:
        return found[0].estimate(level=level)
    squares = of_problems**2 / (n - 1) + (of_seeds**2 / (len(values) - 1) if len(values) > 1 else 0.0)
    half = stdtrit(variance**2 / squares, 0.5 + level / 2) * np.sqrt(variance)
    low, high = BOUNDS[found[0].scale]
    return Estimate(value, float(max(value - half, low)), float(min(value + half, high)), n)
