"""Where to cut the score: every threshold at once, and the best one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from laser_core import metrics
from laser_core.analysis.estimates import interval
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.metrics import Judged
from laser_core.errors import InputError

POINTS = 50_000  # thresholds looked at
CANDIDATES = 128  # thresholds that the bootstrap of the best one chooses from
_BLOCK = 2**17  # bootstrap weights held at a time


@dataclass(frozen=True)
class Sweep:
    """What each threshold would do, "judged correct" meaning a score above it.

    Attributes
    ----------
    threshold : ndarray of shape (n_thresholds,)
        The distinct scores in rising order, after one value just below the smallest (which judges all correct).
    tpr, tnr, balanced_f1, precision, mcc : ndarrays of shape (n_thresholds,)
        NaN where undefined (the precision of judging nothing correct).
    balanced_f1_low, balanced_f1_high : ndarrays of shape (n_thresholds,)
        95% band of the balanced F1 with the problem as unit, pointwise.
    cost : ndarray of shape (n_thresholds,)
        Mean cost of a judgement: 1 for an incorrect solution accepted, ``1 / cost_ratio`` for a correct one rejected
        (1 where no cost ratio was given).
    best : float
        Threshold with the best balanced F1, or with the least cost where a cost ratio was given; halfway to the next
        distinct score so that rounding cannot move a solution across it; NaN where a class is missing. Judged on the
        data that chose it: see :func:`~laser_core.analysis.cross_fit`.
    best_index : int
        Its position in ``threshold``, -1 where undefined.
    best_low, best_high : float
        95% interval of ``best``: clustered bootstrap over problems.
    cost_ratio : float or None
        What ``best`` was chosen by; None: the balanced F1.
    n_problems, n_scored : int
    """

    threshold: np.ndarray
    tpr: np.ndarray
    tnr: np.ndarray
    balanced_f1: np.ndarray
    precision: np.ndarray
    mcc: np.ndarray
    cost: np.ndarray
    balanced_f1_low: np.ndarray
    balanced_f1_high: np.ndarray
    best: float
    best_index: int
    best_low: float
    best_high: float
    cost_ratio: float | None
    n_problems: int
    n_scored: int

    def thinned(self, points: int) -> Sweep:
        """At most ``points`` of the thresholds (and the best one): both ends and evenly spaced ones between them.

        What was chosen from all of them, ``best`` and its interval, stays.

        Examples
        --------
        >>> samples = Samples.from_arrays(correct=[[1, 0], [1, 0]], score=[[0.9, 0.2], [0.7, 0.4]])
        >>> few = threshold_sweep(samples).thinned(2)
        >>> few.threshold[1:].tolist(), round(few.best, 3), float(few.threshold[few.best_index])
        ([0.4, 0.9], 0.55, 0.4)
        """
        n = len(self.threshold)
        if n <= points:
            return self
        kept = np.linspace(0, n - 1, points).round().astype(int)
        if self.best_index >= 0:
            kept = np.append(kept, self.best_index)
        kept = np.unique(kept)
        arrays = {name: value[kept] for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        index = int(np.searchsorted(kept, self.best_index)) if self.best_index >= 0 else -1
        return replace(self, **arrays, best_index=index)


def threshold_sweep(
    samples: Samples,
    *,
    cost_ratio: float | None = None,
    points: int = POINTS,
    n_bootstrap: int = 400,
    seed: int = 0,
) -> Sweep:
    """Judge by every distinct score in one pass: one sort, then running sums, bands included.

    Parameters
    ----------
    samples : Samples
    cost_ratio : float, optional
        How many correct solutions one would reject to keep one incorrect solution out; the best threshold is then the
        one with the least cost. None asks for the best balanced F1.
    points : int
        Most thresholds to look at: with more distinct scores than this, evenly spaced ones.
    n_bootstrap, seed : int
        Of the interval of the best threshold.

    Raises
    ------
    InputError
        If the cost ratio is not a positive number.

    Examples
    --------
    >>> sweep = threshold_sweep(Samples.from_arrays(correct=[[1, 0], [1, 0]], score=[[0.9, 0.2], [0.7, 0.4]]))
    >>> sweep.threshold[1:].tolist(), sweep.balanced_f1[1:].round(3).tolist(), round(sweep.best, 3)
    ([0.2, 0.4, 0.7, 0.9], [0.667, 1.0, 0.667, 0.0], 0.55)
    >>> sweep.cost.tolist()  # from accepting all to rejecting all
    [0.5, 0.25, 0.0, 0.25, 0.5]
    """
    check_cost_ratio(cost_ratio)
    judged = Judged.of(samples)
    right, n = judged.correct, len(judged.score)
    n_right = int(right.sum())
    n_wrong = n - n_right
    threshold, stops = cuts(judged, points)

    def after(values: np.ndarray) -> np.ndarray:
        return judged.at_stops(values, stops).astype(float)

    hits, alarms = after(right), after(~right)
    with np.errstate(invalid="ignore", divide="ignore"):
        tpr, tnr = hits / n_right, 1 - alarms / n_wrong
        said = hits + alarms
        precision = hits / said
        spread = said * (n - said) * n_right * n_wrong
        mcc = np.where(spread > 0, (n * hits - said * n_right) / np.sqrt(spread), np.nan)
    f1 = balanced_f1(hits, alarms, n_right, n_wrong)
    n_problems = int(judged.contributes.sum())
    low, high = _band(judged, after, tpr, tnr, f1, n_problems)
    index, best, best_low, best_high = -1, np.nan, np.nan, np.nan
    if n_right and n_wrong:
        index = int(np.argmax(choice(hits, alarms, n_right, n_wrong, cost_ratio)))
        best = halfway(threshold, index)
        ends = _bootstrap_best(judged, threshold, cost_ratio, n_bootstrap=n_bootstrap, seed=seed)
        best_low, best_high = min(ends[0], best), max(ends[1], best)
    return Sweep(
        threshold=threshold,
        tpr=tpr,
        tnr=tnr,
        balanced_f1=f1,
        precision=precision,
        mcc=mcc,
        cost=(alarms + (n_right - hits) / (cost_ratio or 1.0)) / max(n, 1),
        balanced_f1_low=low,
        balanced_f1_high=high,
        best=best,
        best_index=index,
        best_low=best_low,
        best_high=best_high,
        cost_ratio=cost_ratio,
        n_problems=n_problems,
        n_scored=n,
    )


def cuts(judged: Judged, points: int = POINTS) -> tuple[np.ndarray, np.ndarray]:
    """Thresholds in rising order, and how many solutions score above each; one lies below all scores.

    Every distinct score is one, or evenly spaced ones where there are more than ``points``.
    """
    # Accepting the solutions from the top: after i of them the threshold is the next score below.
    floor = judged.score[-1] - max(1e-9, 1e-9 * abs(judged.score[-1])) if len(judged.score) else 0.0
    shown = np.unique(np.linspace(0, len(judged.stops) - 1, min(points, len(judged.stops))).astype(int))
    stops = judged.stops[::-1][shown]
    last = np.minimum(stops, max(len(judged.score) - 1, 0))
    return np.where(stops < len(judged.score), judged.score[last] if len(judged.score) else 0.0, floor), stops


def balanced_f1(hits: np.ndarray, alarms: np.ndarray, n_right: float, n_wrong: float) -> np.ndarray:
    """Balanced F1 from accepted correct and incorrect solutions; NaN where a class is missing."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return metrics.balanced_f1(hits / n_right, 1 - alarms / n_wrong)


def choice(
    hits: np.ndarray, alarms: np.ndarray, n_right: np.ndarray | float, n_wrong: np.ndarray | float, ratio: float | None
) -> np.ndarray:
    """What the best threshold makes largest: the balanced F1, or (but for a constant) minus the cost."""
    return balanced_f1(hits, alarms, n_right, n_wrong) if ratio is None else hits - ratio * alarms


def check_cost_ratio(ratio: float | None) -> None:
    """Raise InputError unless the ratio is positive or None."""
    if ratio is not None and not (np.isfinite(ratio) and ratio > 0):
        raise InputError(f"a cost ratio must be positive, not {ratio}", field="cost_ratio")


def halfway(threshold: np.ndarray, index: int) -> float:
    """The middle between a threshold and the next, so that rounding cannot move a solution across it."""
    return float(threshold[index : index + 2].mean())


def _band(
    judged: Judged, after: Callable[[np.ndarray], np.ndarray], tpr: np.ndarray, tnr: np.ndarray, f1: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """95% band of the balanced F1 at every threshold.

    The clustered variance of TPR is ``sum_p (h_p - TPR m_p)**2 / m**2``, h_p being the hits and m_p the correct
    solutions of problem p. Expanded, it needs the sums of h_p**2 and h_p m_p over problems, and accepting one more
    solution changes those by 2 h_p + 1 and m_p: running sums. TNR (with alarms f_p) and their covariance alike.
    """
    problem, right = judged.problem, judged.correct
    m, w = judged.per_problem(right), judged.per_problem(~right)
    if not (m.sum() and w.sum()) or n < 2:
        return np.full(len(f1), np.nan), np.full(len(f1), np.nan)
    h, f = _running_count(problem, right), _running_count(problem, ~right)
    hh, ff = after(right * (2 * h + 1)), after(~right * (2 * f + 1))
    hm, fw = after(right * m[problem]), after(~right * w[problem])
    hf = after(np.where(right, f, h))
    hw, fm = after(right * w[problem]), after(~right * m[problem])
    fpr = 1 - tnr
    var_tpr = (hh - 2 * tpr * hm + tpr**2 * (m**2).sum()) / m.sum() ** 2
    var_fpr = (ff - 2 * fpr * fw + fpr**2 * (w**2).sum()) / w.sum() ** 2
    cov = (hf - fpr * hw - tpr * fm + tpr * fpr * (m * w).sum()) / (m.sum() * w.sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        by_tpr, by_tnr = 2 * tnr**2 / (tpr + tnr) ** 2, 2 * tpr**2 / (tpr + tnr) ** 2
        variance = by_tpr**2 * var_tpr + by_tnr**2 * var_fpr - 2 * by_tpr * by_tnr * cov
    return interval(f1, np.sqrt(np.maximum(variance, 0) * n / (n - 1)), n)


def _running_count(problem: np.ndarray, flag: np.ndarray) -> np.ndarray:
    """How many earlier rows of the same problem have the flag, of shape (n_rows,)."""
    by_problem = np.argsort(problem, kind="stable")
    flags = flag[by_problem]
    total = np.cumsum(flags, dtype=np.int32) - flags
    first = np.append(True, np.diff(problem[by_problem]) != 0)[: len(problem)]
    out = np.empty(len(problem), np.int32)
    out[by_problem] = total - total[first][np.cumsum(first, dtype=np.int32) - 1]
    return out


def _bootstrap_best(
    judged: Judged, threshold: np.ndarray, cost_ratio: float | None, *, n_bootstrap: int, seed: int
) -> tuple[float, float]:
    """Percentile interval of the best threshold, problems being drawn again with replacement; on a grid of scores."""
    candidates = np.unique(threshold[np.linspace(0, len(threshold) - 1, CANDIDATES).astype(int)])
    cell = np.searchsorted(candidates, judged.score, side="left")  # a score is above candidates[:cell]
    hits, alarms = (above(judged, flag, cell, len(candidates)) for flag in (judged.correct, ~judged.correct))
    best = []
    for weight in problem_draws(judged.n_problems, n_bootstrap, seed=seed):
        h, a = weight @ hits, weight @ alarms  # (count, n_candidates + 1), the last column is the total
        value = choice(h[:, :-1], a[:, :-1], h[:, -1:], a[:, -1:], cost_ratio)
        both = (h[:, -1] > 0) & (a[:, -1] > 0)  # a draw that holds one kind only chooses nothing
        best.append(candidates[np.argmax(value[both], axis=1)])
    best = np.concatenate(best)
    return tuple(float(q) for q in np.quantile(best, [0.025, 0.975])) if len(best) else (np.nan, np.nan)


def problem_draws(n_problems: int, n_bootstrap: int, *, seed: int) -> Iterator[np.ndarray]:
    """How often each problem is drawn when problems are drawn again with replacement, in blocks (count, n_problems)."""
    rng = np.random.default_rng(seed)
    for low in range(0, n_bootstrap, step := max(1, _BLOCK // max(n_problems, 1))):
        count = min(step, n_bootstrap - low)
        drawn = rng.integers(0, n_problems, (count, n_problems)) + n_problems * np.arange(count)[:, None]
        weight = np.bincount(drawn.ravel(), minlength=count * n_problems).reshape(count, n_problems)
        yield weight.astype(np.float32)


def above(judged: Judged, flag: np.ndarray, cell: np.ndarray, n_candidates: int) -> np.ndarray:
    """Per problem, how many flagged solutions lie above each candidate; a last column counts all."""
    flat = judged.problem[flag] * np.int64(n_candidates + 1) + cell[flag]
    shape = (judged.n_problems, n_candidates + 1)
    table = np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape)[:, ::-1].cumsum(axis=1, dtype=np.float32)
    return np.roll(table[:, ::-1], -1, axis=1)  # column j: in cell j + 1 or higher, that is above candidates[j]
