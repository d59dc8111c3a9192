"""Estimates and their intervals, with the problem as the unit.

Solutions of one problem resemble each other, so 500 problems with 64 solutions each are 500 observations, not 32,000.
Every interval in this package therefore comes from how much the *problems* differ. Two kinds of statistic are enough:

- a mean over problems, whose standard error is that of the per-problem values;
- any other statistic (a ratio of sums, an AUROC, ...) through its influence function: how much it moves when one
  problem gains a little weight. This is the clustered bootstrap, linearised ("infinitesimal jackknife").

Either standard error is turned into an interval by Wilson's score method, with the effective number of observations
that the standard error implies. The interval stays inside [0, 1], and keeps a width where every problem has the same
value: 0 differences among 100 problems say that at most about 4 in 100 differ, not that none does.

References
----------
.. [1] N. Obuchowski. Nonparametric analysis of clustered ROC curve data. Biometrics 53, 1997.
.. [2] E. L. Korn and B. I. Graubard. Confidence intervals for proportions with small expected number of positive counts
       estimated from survey data. Survey Methodology 24, 1998 (the effective sample size).
.. [3] P. Hall. On the removal of skewness by transformation. Journal of the Royal Statistical Society B 54, 1992.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce

import numpy as np
from scipy.special import stdtrit

LEVEL = 0.95
NO_SPREAD = 1e-12  # a standard error that is rounding alone: every problem has the same value
BOUNDS = {"unit": (0.0, 1.0), "signed": (-1.0, 1.0), "real": (-np.inf, np.inf)}


@dataclass(frozen=True)
class Estimate:
    """A number, its 95% interval and how many problems it rests on.

    Attributes
    ----------
    value : float
        NaN where it is undefined.
    ci_low, ci_high : float
        Ends of the interval, with the problem as the unit; NaN where fewer than two problems contribute.
    n : int
        Number of problems that contribute.

    Examples
    --------
    >>> print(Estimate(0.5, 0.4, 0.6, 100))
    0.500 [0.400, 0.600], n = 100
    """

    value: float
    ci_low: float
    ci_high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.ci_low:.3f}, {self.ci_high:.3f}], n = {self.n}"

    @property
    def ci(self) -> tuple[float, float]:
        """Both ends of the interval."""
        return self.ci_low, self.ci_high


UNDEFINED = Estimate(np.nan, np.nan, np.nan, 0)


@dataclass(frozen=True)
class Statistic:
    """A value that is linear, to first order, in the weights of the problems.

    Attributes
    ----------
    value : float
    influence : ndarray of shape (n_problems,)
        Change of the value per unit of additional weight on each problem, over the total weight: the value's variance
        is ``sum(influence**2)`` (times n / (n - 1)). Zero for a problem that does not contribute.
    contributes : ndarray of bool of shape (n_problems,)
    scale : {"unit", "signed", "real"}
        Which values are possible: [0, 1], [-1, 1] or any.
    """

    value: float
    influence: np.ndarray = field(repr=False)
    contributes: np.ndarray = field(repr=False)
    scale: str = "unit"

    @classmethod
    def undefined(cls) -> Statistic:
        """A statistic that no problem contributes to."""
        return cls(np.nan, np.zeros(0), np.zeros(0, bool))

    @property
    def se(self) -> float:
        """Standard error, in the units of the value."""
        n = int(self.contributes.sum())
        return float(np.sqrt(n / (n - 1) * np.sum(self.influence**2))) if n > 1 else np.nan

    def estimate(self, *, level: float = LEVEL) -> Estimate:
        """The value with its interval."""
        n = int(self.contributes.sum())
        if n == 0 or not np.isfinite(self.value):
            return UNDEFINED
        low, high = confidence_interval(self.value, self.se, n, scale=self.scale, level=level)
        return Estimate(float(self.value), float(low), float(high), n)

    def skewed_estimate(self) -> Estimate:
        """The value with its interval, for a mean that a few problems may make up (:func:`skewed_interval`)."""
        n = int(self.contributes.sum())
        if n == 0 or not np.isfinite(self.value):
            return UNDEFINED
        low, high = skewed_interval(self.value, self.se, float(np.sum(self.influence**3)), n)
        return Estimate(float(self.value), low, high, n)

    def minus(self, other: Statistic) -> Statistic:
        """The difference of two statistics of the same problems, in which what they share cancels."""
        return Statistic(
            self.value - other.value,
            self.influence - other.influence,
            self.contributes | other.contributes,
            "signed" if self.scale == "unit" else "real",
        )


def confidence_interval(
    value: np.ndarray | float, se: np.ndarray | float, n: int, *, scale: str = "unit", level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the interval around values with the given standard errors.

    Parameters
    ----------
    value, se : float or ndarray
        Values and their standard errors, of one shape.
    n : int
        Problems that each value rests on.
    scale : {"unit", "signed", "real"}
        Which values are possible: [0, 1], [-1, 1] or any.
    level : float
        Of confidence.

    Returns
    -------
    low, high : ndarray
        Of the shape of ``value``; NaN where ``n`` is below 2.

    Notes
    -----
    On the scale "real" this is the Student interval, on bounded scales Wilson's with the effective sample size
    ``v (1 - v) / se**2``.

    Where all n problems have the same value, their spread says nothing about the problems that were not drawn. On a
    bounded scale the interval then allows for the share ``q = t**2 / (n + t**2)`` of other problems (Wilson's upper
    end for 0 of n, a little above the rule of three) whose values may lie anywhere: from ``v - q (v - bottom)`` to
    ``v + q (top - v)``. On the scale "real" nothing bounds those values, and the interval is the point.

    Examples
    --------
    >>> low, high = confidence_interval(1.0, 0.0, 100)  # 100 of 100: not certainly always
    >>> f"{low:.3f} {high:.3f}"
    '0.962 1.000'
    >>> low, high = confidence_interval(0.0, 0.0, 100, scale="signed")  # no difference in any of 100
    >>> f"{low:.3f} {high:.3f}"
    '-0.038 0.038'
    >>> low, high = confidence_interval(0.0, 1.0, 11, scale="real")
    >>> f"{low:.3f} {high:.3f}"
    '-2.228 2.228'
    """
    value, se = np.asarray(value, float), np.asarray(se, float)
    if n < 2:
        return np.full_like(value, np.nan), np.full_like(value, np.nan)
    t = stdtrit(n - 1, 0.5 + level / 2)  # of Student's t; scipy.stats would take half a second to import
    if scale == "real":
        return value - t * se, value + t * se
    bottom, top = BOUNDS[scale]
    v, s = np.clip((value - bottom) / (top - bottom), 0, 1), se / (top - bottom)
    spread = v * (1 - v)
    with np.errstate(divide="ignore", invalid="ignore"):
        # per_n is t**2 / effective n; zero spread with zero se: all problems at the same bound
        per_n = np.where(spread > 1e-12, t**2 * s**2 / np.where(spread > 1e-12, spread, 1), t**2 / n)
    centre = (v + per_n / 2) / (1 + per_n)
    half = np.sqrt(per_n * spread + per_n**2 / 4) / (1 + per_n)
    low, high = np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)
    same, others = (s <= NO_SPREAD) & (spread > 1e-12), t**2 / (n + t**2)
    low, high = np.where(same, v - others * v, low), np.where(same, v + others * (1 - v), high)
    return bottom + (top - bottom) * low, bottom + (top - bottom) * high


def skewed_interval(value: float, se: float, third: float, n: int, *, level: float = LEVEL) -> tuple[float, float]:
    """Ends of the interval around a mean on [0, 1] to which most problems give little and a few give much.

    Parameters
    ----------
    value, se : float
        The mean and its standard error.
    third : float
        Sum over problems of the cubes of the influences, whose squares sum to about ``se**2``.
    n : int
        Problems that contribute.
    level : float
        Of confidence.

    Notes
    -----
    Hall's cubic transformation [3]_ takes the skewness out of ``(mean - truth) / se``; the ends are Student's,
    transformed back. They reach further on the side of the long tail. Without skewness this is Student's interval.
    Where all problems have the same value, it is :func:`confidence_interval`'s.

    Examples
    --------
    >>> low, high = skewed_interval(0.5, 0.1, 0.0, 11)
    >>> f"{low:.3f} {high:.3f}"
    '0.277 0.723'
    >>> low, high = skewed_interval(0.01, 0.01, 0.01**3, 100)  # all of it from one problem of 100
    >>> f"{low:.3f} {high:.3f}"
    '0.000 0.071'
    """
    if n < 2 or not se > NO_SPREAD:
        low, high = confidence_interval(value, se, n, level=level)
        return float(low), float(high)
    t, bend = stdtrit(n - 1, 0.5 + level / 2), third / se**3  # bend is skewness over the root of n

    def unbent(z: float) -> float:
        return 3 * (np.cbrt(1 + bend * (z - bend / 6)) - 1) / bend if abs(bend) > 1e-9 else z

    return max(0.0, float(value - se * unbent(t))), min(1.0, float(value - se * unbent(-t)))


def mean_statistic(values: np.ndarray, *, scale: str = "unit") -> Statistic:
    """The mean of per-problem values of shape (n_problems,); problems with NaN do not contribute.

    Examples
    --------
    >>> mean_statistic(np.array([0.0, 1.0, np.nan])).value
    0.5
    """
    values = np.asarray(values, float)
    contributes = np.isfinite(values)
    n = contributes.sum()
    if n == 0:
        return Statistic(np.nan, np.zeros(len(values)), contributes, scale)
    mean = values[contributes].mean()
    return Statistic(float(mean), np.where(contributes, values - mean, 0.0) / n, contributes, scale)


def ratio_statistic(numerator: np.ndarray, denominator: np.ndarray, *, scale: str = "unit") -> Statistic:
    """Sum over problems of ``numerator`` over the sum of ``denominator``, both of shape (n_problems,).

    Examples
    --------
    >>> ratio_statistic(np.array([1.0, 0.0]), np.array([1.0, 3.0])).value
    0.25
    """
    total = denominator.sum()
    contributes = denominator > 0
    if total <= 0:
        return Statistic(np.nan, np.zeros(len(denominator)), contributes, scale)
    value = numerator.sum() / total
    return Statistic(float(value), (numerator - value * denominator) / total, contributes, scale)


def combine(value: float, parts: list[tuple[float, Statistic]], *, scale: str = "unit") -> Statistic:
    """A smooth function of statistics, from its value and its partial derivatives (the delta method).

    Parameters
    ----------
    value : float
    parts : list of (derivative, Statistic)
    scale : str

    Examples
    --------
    >>> half = mean_statistic(np.array([0.0, 1.0]))
    >>> combine(half.value**2, [(2 * half.value, half)]).se == half.se
    True
    """
    influence = reduce(np.add, [slope * part.influence for slope, part in parts])
    contributes = np.logical_or.reduce([part.contributes for _, part in parts])
    return Statistic(value, influence, contributes, scale)


def mean_interval(
    values: np.ndarray, *, scale: str = "unit", level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means over problems and their bands, for many columns at once.

    Parameters
    ----------
    values : ndarray of shape (n_problems, n_columns)
        Without NaN.

    Returns
    -------
    mean, low, high : ndarray of shape (n_columns,)

    Examples
    --------
    >>> mean, low, high = mean_interval(np.array([[0.0, 1.0], [1.0, 1.0]]))
    >>> mean.tolist()
    [0.5, 1.0]
    """
    n = len(values)
    mean = np.clip(values.mean(axis=0), *BOUNDS[scale])  # a control variate may overshoot by its noise
    se = values.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(values.shape[1], np.nan)
    low, high = confidence_interval(mean, se, n, scale=scale, level=level)
    return mean, low, high
