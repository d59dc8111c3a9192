"""Are seven in ten solutions with a score of 0.7 correct? The score was never trained to be a probability.

All of this looks at ``clip(score, 0, 1)``, as the paper does at test time.

References
----------
.. [1] A. Kumar, P. Liang and T. Ma. Verified uncertainty calibration. NeurIPS 2019 (equal-mass bins, debiasing).
.. [2] D. B. Stephenson, C. A. S. Coelho and I. T. Jolliffe. Two extra components in the Brier score decomposition.
       Weather and Forecasting 23, 2008.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from laser_core.analysis.estimates import NO_SPREAD, UNDEFINED, Estimate, confidence_interval, ratio_statistic
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.crossfit import folds
from laser_core.analysis.scores.separation import Ranked


@dataclass(frozen=True)
class Calibration:
    """Calibration of the clipped score.

    Attributes
    ----------
    ece : Estimate
        Expected calibration error over equal-mass bins, debiased [1]_: what the noise of finite bins adds is taken off.
        No estimate of it is unbiased near 0, so the interval is conservative. Its upper end is that of the plug-in
        value, which errs high; its lower end is that of a cross-fitted value, which errs low (each gap counts with the
        sign that its bin has in the other half of the problems: 0 on average for a calibrated score).
    ece_plugin : float
        The same without the correction.
    brier : Estimate
        Mean squared difference between clipped score and verdict. For a score that is near 0 or 1 and rarely wrong, its
        interval is too narrow below some 500 problems (docs/estimators.md has the coverage).
    reliability, resolution, uncertainty, within_bin : float
        ``brier = reliability - resolution + uncertainty + within_bin``, exactly [2]_. Small reliability and large
        resolution are good; ``within_bin`` comes from scores that differ inside a bin.
    mean_score, accuracy, ci_low, ci_high : ndarray of shape (n_bins,)
        The reliability curve: per bin the mean clipped score, and the share of correct solutions with its interval.
    count : ndarray of int of shape (n_bins,)
        Solutions in the bin.
    edges : ndarray of shape (n_bins + 1,)
        Of the bins, in units of the score.
    clipped_share : float
        Share of scores outside [0, 1]. Where it is large the score is no probability at all: recalibrate it first.
    n_problems, n_scored : int
    """

    ece: Estimate
    ece_plugin: float
    brier: Estimate
    reliability: float
    resolution: float
    uncertainty: float
    within_bin: float
    mean_score: np.ndarray
    accuracy: np.ndarray
    ci_low: np.ndarray
    ci_high: np.ndarray
    count: np.ndarray
    edges: np.ndarray
    clipped_share: float
    n_problems: int
    n_scored: int


def calibration(samples: Samples, *, bins: int = 15) -> Calibration:
    """Compare the clipped score with the share of correct solutions, in bins of equal mass.

    Parameters
    ----------
    samples : Samples
    bins : int
        At most this many: equal scores are never split over two bins.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> score = rng.random((200, 16))
    >>> c = calibration(Samples.from_arrays(correct=rng.random((200, 16)) < score, score=score))
    >>> c.ece.ci_low < c.ece.value < c.ece_plugin < 0.05, round(c.brier.value, 2)
    (True, 0.17)
    """
    ranked = Ranked.of(samples)
    if not len(ranked.score):
        return _uncalibrated()
    score, correct = np.clip(ranked.score, 0, 1), ranked.correct.astype(float)
    n = len(score)
    bin_of, edges = equal_mass_bins(score, bins)
    n_bins = len(edges) - 1
    count = np.bincount(bin_of, minlength=n_bins)
    mean_score, accuracy, gap = (np.bincount(bin_of, w, n_bins) / count for w in (score, correct, correct - score))
    n_problems = len(np.unique(ranked.problem))

    def by_problem(values: np.ndarray) -> np.ndarray:
        """Sum per problem and bin, of shape (n_problems, n_bins)."""
        flat = ranked.problem * n_bins + bin_of
        return np.bincount(flat, values, ranked.n_problems * n_bins).reshape(ranked.n_problems, n_bins)

    size, gap_sum = by_problem(np.ones(n)), by_problem(correct - score)
    scale = n_problems / max(n_problems - 1, 1)
    accuracy_se = np.sqrt(scale * ((by_problem(correct) - accuracy * size) ** 2).sum(axis=0)) / count
    low, high = _bin_intervals(accuracy, accuracy_se, (size > 0).sum(axis=0))
    moments = EceMoments.of(gap_sum, size, folds(len(size), n_folds=2, seed=0))
    share = count / n
    base = correct.mean()
    squared = ranked.per_problem((correct - score) ** 2)
    brier = ratio_statistic(squared, size.sum(axis=1))
    reliability = float((share * gap**2).sum())
    resolution = float((share * (accuracy - base) ** 2).sum())
    uncertainty = float(base * (1 - base))
    return Calibration(
        ece=moments.estimate(),
        ece_plugin=float((share * np.abs(gap)).sum()),
        brier=brier.skewed_estimate(),
        reliability=reliability,
        resolution=resolution,
        uncertainty=uncertainty,
        within_bin=float(brier.value - (reliability - resolution + uncertainty)),
        mean_score=mean_score,
        accuracy=accuracy,
        ci_low=low,
        ci_high=high,
        count=count,
        edges=edges,
        clipped_share=float(((ranked.score < 0) | (ranked.score > 1)).mean()),
        n_problems=n_problems,
        n_scored=n,
    )


def _uncalibrated() -> Calibration:
    """Where no solution has a score and a verdict: nothing is defined, and there are no bins."""
    empty, nan = np.zeros(0), float("nan")
    return Calibration(
        ece=UNDEFINED,
        ece_plugin=nan,
        brier=UNDEFINED,
        reliability=nan,
        resolution=nan,
        uncertainty=nan,
        within_bin=nan,
        mean_score=empty,
        accuracy=empty,
        ci_low=empty,
        ci_high=empty,
        count=empty,
        edges=empty,
        clipped_share=nan,
        n_problems=0,
        n_scored=0,
    )


def equal_mass_bins(score: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Bins that hold about equally many scores and never split equal ones.

    Parameters
    ----------
    score : ndarray of shape (n_scored,)
    bins : int
        At most this many.

    Returns
    -------
    bin_of : ndarray of int of shape (n_scored,)
        The bin of each score.
    edges : ndarray of shape (n_bins + 1,)

    Examples
    --------
    >>> bin_of, edges = equal_mass_bins(np.array([0.0, 0.0, 0.0, 0.0, 0.4, 0.6]), 3)
    >>> bin_of.tolist(), edges.tolist()
    ([0, 0, 0, 0, 1, 1], [0.0, 0.2, 0.6])
    """
    ordered = np.sort(score)
    n = len(ordered)
    cuts = np.unique(np.round(np.arange(1, bins) * n / bins).astype(int))
    cuts = cuts[(cuts > 0) & (cuts < n)]
    # A cut inside a run of equal scores moves to the end of the run.
    cuts = np.unique(np.searchsorted(ordered, ordered[cuts - 1], side="right"))
    cuts = cuts[cuts < n]
    inner = (ordered[cuts - 1] + ordered[cuts]) / 2
    edges = np.concatenate([ordered[:1], inner, ordered[-1:]])
    return np.searchsorted(inner, score, side="right"), edges


def _bin_intervals(accuracy: np.ndarray, se: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ends = [confidence_interval(a, s, int(k)) for a, s, k in zip(accuracy, se, n, strict=True)]
    return np.array([float(low) for low, _ in ends]), np.array([float(high) for _, high in ends])


@dataclass(frozen=True)
class EceMoments:
    """What the ECE and its interval are made of: sums over problems, which can be added up piece by piece.

    A problem's vector holds, for each bin, the sum of its gaps (verdict minus clipped score) and its solutions there.

    Attributes
    ----------
    total : ndarray of shape (2, 2 * n_bins)
        Sum of the vectors over the problems of either half.
    product : ndarray of shape (2, 2 * n_bins, 2 * n_bins)
        Sum of their outer products.
    n_problems : int
        Problems with a scored solution.
    """

    total: np.ndarray
    product: np.ndarray
    n_problems: int

    @classmethod
    def of(cls, gap_sum: np.ndarray, size: np.ndarray, half: np.ndarray) -> EceMoments:
        """From ``gap_sum`` and ``size`` of shape (n_problems, n_bins), and the half (0 or 1) of each problem."""
        vectors = np.concatenate([gap_sum, size], axis=1)
        parts = [vectors[half == k] for k in (0, 1)]
        total, product = np.stack([v.sum(axis=0) for v in parts]), np.stack([v.T @ v for v in parts])
        return cls(total, product, int((size.sum(axis=1) > 0).sum()))

    def plus(self, other: EceMoments) -> EceMoments:
        """The sums over the problems of both."""
        return EceMoments(self.total + other.total, self.product + other.product, self.n_problems + other.n_problems)

    def estimate(self) -> Estimate:
        """Debiased ECE and its conservative interval."""
        n_bins = self.total.shape[1] // 2
        gap_sum, count = np.split(self.total.sum(axis=0), 2)
        used = count > 0
        gap = np.where(used, gap_sum / np.where(used, count, 1), 0.0)
        share, n = count / max(count.sum(), 1), self.n_problems
        if n == 0:
            return UNDEFINED
        scale = n / max(n - 1, 1)
        # Per bin, sum over problems of (their gap sum - gap * their size)**2.
        cross = self.product.sum(axis=0)
        gg, gs, ss = (
            np.diag(cross[i : i + n_bins, j : j + n_bins]) for i, j in ((0, 0), (0, n_bins), (n_bins, n_bins))
        )
        variance = np.maximum(gg - 2 * gap * gs + gap**2 * ss, 0)
        gap_se = np.sqrt(scale * variance) / np.where(used, count, 1)
        # Noise of standard error se lifts E|gap| to the mean of a folded normal; that lift is taken off.
        z = gap / np.where(gap_se > 0, gap_se, 1)
        folded = gap_se * np.sqrt(2 / np.pi) * np.exp(-(z**2) / 2) + gap * (2 * ndtr(z) - 1)
        value = float((share * np.where(gap_se > 0, 2 * np.abs(gap) - folded, np.abs(gap))).sum())
        # Each half is counted with the signs of the other, which correlates them: for a calibrated score the variance
        # is 1 + 2/pi times what the problems show.
        crossed = self._signed(np.sign(self.total[::-1, :n_bins]), inflation=1 + 2 / np.pi)
        plugin = self._signed(np.sign(np.stack([gap, gap])), inflation=1.0)
        bottom, top = max(0.0, crossed[0]), min(1.0, plugin[1])
        return Estimate(min(max(value, bottom), top), bottom, top, n)

    def _signed(self, sign: np.ndarray, *, inflation: float) -> tuple[float, float]:
        """Interval of the mean gap, each bin counted with its half's sign; ``sign`` is of shape (2, n_bins)."""
        n_bins = sign.shape[1]
        whole = float(self.total[:, n_bins:].sum())
        value = float((sign * self.total[:, :n_bins]).sum() / whole)
        weights = [np.concatenate([s, np.full(n_bins, -value)]) for s in sign]
        spread = sum(float(w @ m @ w) for w, m in zip(weights, self.product, strict=True))
        n = self.n_problems
        se = np.sqrt(max(spread, 0.0) * inflation * n / max(n - 1, 1)) / whole
        # Where no problem differs from the others there is only the scale to bound the mean gap.
        low, high = confidence_interval(value, se, n, scale="real" if se > NO_SPREAD else "signed")
        return float(low), float(high)
