"""Where to put the threshold: every one of them at once, and the best."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from laser_core import metrics
from laser_core.analysis.estimates import confidence_interval
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.separation import Ranked
from laser_core.errors import InputError

POINTS = 50_000  # thresholds looked at, at most
CANDIDATES = 128  # thresholds that the bootstrap of the best one chooses from
_BLOCK = 2**17  # bootstrap weights held at a time


@dataclass(frozen=True)
class Sweep:
    """What each threshold would do; a solution is predicted correct when its score is above it.

    Attributes
    ----------
    threshold : ndarray of shape (n_thresholds,)
        The distinct scores in rising order, after one value just below the smallest, at which all are predicted
        correct.
    tpr, tnr, balanced_f1, precision, mcc : ndarray of shape (n_thresholds,)
        NaN where undefined: the precision, where nothing is predicted correct.
    balanced_f1_low, balanced_f1_high : ndarray of shape (n_thresholds,)
        Pointwise 95% band of the balanced F1, with the problem as the unit.
    cost : ndarray of shape (n_thresholds,)
        Mean cost of a prediction: 1 for a false positive, ``1 / cost_ratio`` for a false negative (1 without a cost
        ratio).
    best : float
        Threshold with the best balanced F1, or with the least cost where a cost ratio was given; halfway to the next
        distinct score so that rounding cannot move a solution across it; NaN where a class is missing. It looks better
        on these data than it will on new ones: see :func:`~laser_core.analysis.cross_fit`.
    best_index : int
        Its position in ``threshold``, -1 where undefined.
    best_low, best_high : float
        Ends of the 95% interval of ``best``, by a clustered bootstrap over problems.
    cost_ratio : float or None
        What ``best`` was chosen by; None for the balanced F1.
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

        ``best`` and its interval stay: they were chosen from all of them.

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
    """Every distinct score as a threshold, in one pass: one sort, then running sums, bands included.

    Parameters
    ----------
    samples : Samples
    cost_ratio : float, optional
        Cost of a false positive in units of a false negative; the best threshold is then the one with the least cost.
        None asks for the best balanced F1.
    points : int
        Most thresholds to look at; evenly spaced ones where there are more distinct scores.
    n_bootstrap, seed : int
        Draws and seed of the bootstrap behind the interval of the best threshold.

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
    ranked = Ranked.of(samples)
    y_true, n = ranked.correct, len(ranked.score)
    n_correct = int(y_true.sum())
    n_incorrect = n - n_correct
    threshold, stops = cuts(ranked, points)

    def after(values: np.ndarray) -> np.ndarray:
        return ranked.at_stops(values, stops).astype(float)

    tp, fp = after(y_true), after(~y_true)
    with np.errstate(invalid="ignore", divide="ignore"):
        tpr, tnr = tp / n_correct, 1 - fp / n_incorrect
        accepted = tp + fp
        precision = tp / accepted
        spread = accepted * (n - accepted) * n_correct * n_incorrect
        mcc = np.where(spread > 0, (n * tp - accepted * n_correct) / np.sqrt(spread), np.nan)
    f1 = metrics.balanced_f1(tpr, tnr)
    n_problems = int(ranked.contributes.sum())
    low, high = _band(ranked, after, tpr, tnr, f1, n_problems)
    index, best, best_low, best_high = -1, np.nan, np.nan, np.nan
    if n_correct and n_incorrect:
        index = int(np.argmax(choice(tp, fp, n_correct, n_incorrect, cost_ratio)))
        best = halfway(threshold, index)
        ends = _bootstrap_best(ranked, threshold, cost_ratio, n_bootstrap=n_bootstrap, seed=seed)
        best_low, best_high = min(ends[0], best), max(ends[1], best)
    return Sweep(
        threshold=threshold,
        tpr=tpr,
        tnr=tnr,
        balanced_f1=f1,
        precision=precision,
        mcc=mcc,
        cost=(fp + (n_correct - tp) / (cost_ratio or 1.0)) / max(n, 1),
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


def cuts(ranked: Ranked, points: int = POINTS) -> tuple[np.ndarray, np.ndarray]:
    """Thresholds in rising order, and how many solutions score above each; the first lies below all scores.

    Every distinct score is a threshold, or evenly spaced ones are where there are more than ``points``.
    """
    # Accepting the solutions from the top: after i of them the threshold is the next score below.
    floor = ranked.score[-1] - max(1e-9, 1e-9 * abs(ranked.score[-1])) if len(ranked.score) else 0.0
    shown = np.unique(np.linspace(0, len(ranked.stops) - 1, min(points, len(ranked.stops))).astype(int))
    stops = ranked.stops[::-1][shown]
    last = np.minimum(stops, max(len(ranked.score) - 1, 0))
    return np.where(stops < len(ranked.score), ranked.score[last] if len(ranked.score) else 0.0, floor), stops


def choice(
    tp: np.ndarray,
    fp: np.ndarray,
    n_correct: np.ndarray | float,
    n_incorrect: np.ndarray | float,
    cost_ratio: float | None = None,
) -> np.ndarray:
    """What the best threshold maximises: the balanced F1, or (up to a constant) minus the cost.

    Parameters
    ----------
    tp, fp : ndarray of shape (n_thresholds,), or with draws of problems in front
        True and false positives at each threshold.
    n_correct, n_incorrect : float, or ndarray that broadcasts against them
        Totals; a missing class gives NaN.
    cost_ratio : float, optional
    """
    if cost_ratio is not None:
        return tp - cost_ratio * fp
    with np.errstate(invalid="ignore", divide="ignore"):
        return metrics.balanced_f1(tp / n_correct, 1 - fp / n_incorrect)


def check_cost_ratio(ratio: float | None) -> None:
    """Raise InputError unless the ratio is positive or None."""
    if ratio is not None and not (np.isfinite(ratio) and ratio > 0):
        raise InputError(f"a cost ratio must be positive, not {ratio}", field="cost_ratio")


def halfway(threshold: np.ndarray, index: int) -> float:
    """The middle between a threshold and the next one, so that rounding cannot move a solution across it."""
    return float(threshold[index : index + 2].mean())


def _band(
    ranked: Ranked, after: Callable[[np.ndarray], np.ndarray], tpr: np.ndarray, tnr: np.ndarray, f1: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """95% band of the balanced F1 at every threshold.

    The clustered variance of TPR is ``sum_p (t_p - TPR c_p)**2 / c**2``, with t_p the true positives and c_p the
    correct solutions of problem p. Expanded, it needs the sums of t_p**2 and t_p c_p over problems, and accepting one
    more solution changes those by 2 t_p + 1 and c_p: running sums. The same goes for FPR (false positives f_p,
    incorrect solutions i_p) and for the covariance of the two.
    """
    problem, y_true = ranked.problem, ranked.correct
    c, i = ranked.per_problem(y_true), ranked.per_problem(~y_true)
    if not (c.sum() and i.sum()) or n < 2:
        return np.full(len(f1), np.nan), np.full(len(f1), np.nan)
    t, f = _running_count(problem, y_true), _running_count(problem, ~y_true)
    tt, ff = after(y_true * (2 * t + 1)), after(~y_true * (2 * f + 1))
    tc, fi = after(y_true * c[problem]), after(~y_true * i[problem])
    tf = after(np.where(y_true, f, t))
    ti, fc = after(y_true * i[problem]), after(~y_true * c[problem])
    fpr = 1 - tnr
    var_tpr = (tt - 2 * tpr * tc + tpr**2 * (c**2).sum()) / c.sum() ** 2
    var_fpr = (ff - 2 * fpr * fi + fpr**2 * (i**2).sum()) / i.sum() ** 2
    cov = (tf - fpr * ti - tpr * fc + tpr * fpr * (c * i).sum()) / (c.sum() * i.sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        by_tpr, by_tnr = 2 * tnr**2 / (tpr + tnr) ** 2, 2 * tpr**2 / (tpr + tnr) ** 2
        variance = by_tpr**2 * var_tpr + by_tnr**2 * var_fpr - 2 * by_tpr * by_tnr * cov
    return confidence_interval(f1, np.sqrt(np.maximum(variance, 0) * n / (n - 1)), n)


def _running_count(problem: np.ndarray, flag: np.ndarray) -> np.ndarray:
    """How many earlier rows of the same problem are flagged, of shape (n_rows,)."""
    by_problem = np.argsort(problem, kind="stable")
    flags = flag[by_problem]
    total = np.cumsum(flags, dtype=np.int32) - flags
    first = np.append(True, np.diff(problem[by_problem]) != 0)[: len(problem)]
    out = np.empty(len(problem), np.int32)
    out[by_problem] = total - total[first][np.cumsum(first, dtype=np.int32) - 1]
    return out


def _bootstrap_best(
    ranked: Ranked, threshold: np.ndarray, cost_ratio: float | None, *, n_bootstrap: int, seed: int
) -> tuple[float, float]:
    """Percentile interval of the best threshold, from problems drawn with replacement; on a grid of scores."""
    candidates, tp_of, fp_of = counts_above(ranked, threshold)
    found = []
    for weight in problem_draws(ranked.n_problems, n_bootstrap, seed=seed):
        tp, fp = weight @ tp_of, weight @ fp_of  # (n_draws, n_candidates + 1), the last column is the total
        value = choice(tp[:, :-1], fp[:, :-1], tp[:, -1:], fp[:, -1:], cost_ratio)
        both = (tp[:, -1] > 0) & (fp[:, -1] > 0)  # a draw that holds one kind only chooses nothing
        found.append(candidates[np.argmax(value[both], axis=1)])
    best = np.concatenate(found)
    if not len(best):
        return np.nan, np.nan
    low, high = np.quantile(best, [0.025, 0.975])
    return float(low), float(high)


def problem_draws(n_problems: int, n_bootstrap: int, *, seed: int) -> Iterator[np.ndarray]:
    """How often each problem is drawn when problems are drawn with replacement, in blocks (n_draws, n_problems)."""
    rng = np.random.default_rng(seed)
    for low in range(0, n_bootstrap, step := max(1, _BLOCK // max(n_problems, 1))):
        count = min(step, n_bootstrap - low)
        drawn = rng.integers(0, n_problems, (count, n_problems)) + n_problems * np.arange(count)[:, None]
        weight = np.bincount(drawn.ravel(), minlength=count * n_problems).reshape(count, n_problems)
        yield weight.astype(np.float32)


def counts_above(ranked: Ranked, threshold: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Candidate thresholds, and per problem how many correct and how many incorrect solutions lie above each.

    Returns
    -------
    candidates : ndarray of shape (n_candidates,)
        At most ``CANDIDATES`` of the thresholds, evenly spaced.
    correct, incorrect : ndarray of float32 of shape (n_problems, n_candidates + 1)
        Counts above each candidate; the last column counts all.
    """
    candidates = np.unique(threshold[np.linspace(0, len(threshold) - 1, CANDIDATES).astype(int)])
    cell = np.searchsorted(candidates, ranked.score, side="left")  # a score is above candidates[:cell]
    shape = (ranked.n_problems, len(candidates) + 1)

    def table(flag: np.ndarray) -> np.ndarray:
        flat = ranked.problem[flag] * np.int64(shape[1]) + cell[flag]
        counts = np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape)
        at_least = counts[:, ::-1].cumsum(axis=1, dtype=np.float32)[:, ::-1]
        return np.roll(at_least, -1, axis=1)  # column j: in cell j + 1 or higher, that is above candidates[j]

    return candidates, table(ranked.correct), table(~ranked.correct)
