"""Where to cut the score: every threshold at once, the best one, and its worth on problems that did not choose it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from laser_core.analysis.estimates import Estimate, interval, ratio_statistic
from laser_core.analysis.metrics import Judged, cell_statistics
from laser_core.analysis.samples import Samples

CANDIDATES = 128  # thresholds that the bootstrap of the best one chooses from


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
    best : float
        Threshold with the best balanced F1, halfway to the next distinct score so that rounding cannot move a solution
        across it; NaN where a class is missing. Judged on the data that chose it: see :func:`cross_fit`.
    best_index : int
        Its position in ``threshold``, -1 where undefined.
    best_low, best_high : float
        95% interval of ``best``: clustered bootstrap over problems.
    n_problems, n_scored : int
    """

    threshold: np.ndarray
    tpr: np.ndarray
    tnr: np.ndarray
    balanced_f1: np.ndarray
    precision: np.ndarray
    mcc: np.ndarray
    balanced_f1_low: np.ndarray
    balanced_f1_high: np.ndarray
    best: float
    best_index: int
    best_low: float
    best_high: float
    n_problems: int
    n_scored: int


def threshold_sweep(samples: Samples, *, points: int = 50_000, n_bootstrap: int = 400, seed: int = 0) -> Sweep:
    """Judge by every distinct score in one pass: one sort, then running sums, bands included.

    Parameters
    ----------
    samples : Samples
    points : int
        Most thresholds to return: with more distinct scores than this, evenly spaced ones (and the best, which is
        always looked for among all).
    n_bootstrap, seed : int
        Of the interval of the best threshold.

    Examples
    --------
    >>> sweep = threshold_sweep(Samples.from_arrays(correct=[[1, 0], [1, 0]], score=[[0.9, 0.2], [0.7, 0.4]]))
    >>> sweep.threshold[1:].tolist(), sweep.balanced_f1[1:].round(3).tolist(), round(sweep.best, 3)
    ([0.2, 0.4, 0.7, 0.9], [0.667, 1.0, 0.667, 0.0], 0.55)
    """
    judged = Judged.of(samples)
    right, n = judged.correct, len(judged.score)
    n_right = int(right.sum())
    n_wrong = n - n_right
    # Accepting the solutions from the top: after stops[i] of them the threshold is the next score below.
    floor = judged.score[-1] - max(1e-9, 1e-9 * abs(judged.score[-1])) if n else 0.0
    edges = np.append(judged.score, floor)[judged.stops][::-1]
    every = _f1(judged.at_stops(right)[::-1], judged.at_stops(~right)[::-1], n_right, n_wrong)
    best = int(np.nanargmax(every)) if n_right and n_wrong else -1
    shown = np.arange(len(edges))
    if len(edges) > points:
        shown = np.unique(np.append(np.linspace(0, len(edges) - 1, points).astype(int), best))

    def after(values: np.ndarray) -> np.ndarray:
        return judged.at_stops(values)[::-1][shown]

    hits, alarms = after(right), after(~right)
    with np.errstate(invalid="ignore", divide="ignore"):
        tpr, tnr = hits / n_right, 1 - alarms / n_wrong
        said = hits + alarms
        precision = hits / said
        spread = said * (n - said) * n_right * n_wrong
        mcc = np.where(spread > 0, (n * hits - said * n_right) / np.sqrt(spread), np.nan)
    f1 = every[shown]
    n_problems = int(judged.contributes.sum())
    low, high = _band(judged, after, tpr, tnr, f1, n_problems)
    at, at_low, at_high = np.nan, np.nan, np.nan
    if best >= 0:
        at = _halfway(edges, best)
        ends = _bootstrap_best(judged, edges, n_bootstrap=n_bootstrap, seed=seed)
        at_low, at_high = min(ends[0], at), max(ends[1], at)
    return Sweep(
        threshold=edges[shown],
        tpr=tpr,
        tnr=tnr,
        balanced_f1=f1,
        precision=precision,
        mcc=mcc,
        balanced_f1_low=low,
        balanced_f1_high=high,
        best=at,
        best_index=int(np.searchsorted(shown, best)) if best >= 0 else -1,
        best_low=at_low,
        best_high=at_high,
        n_problems=n_problems,
        n_scored=n,
    )


def _f1(hits: np.ndarray, alarms: np.ndarray, n_right: float, n_wrong: float) -> np.ndarray:
    """Balanced F1 from accepted correct and incorrect solutions; NaN where a class is missing."""
    with np.errstate(invalid="ignore", divide="ignore"):
        tpr, tnr = hits / n_right, 1 - alarms / n_wrong
        return np.where(tpr + tnr == 0, 0.0, 2 * tpr * tnr / (tpr + tnr))


def _halfway(threshold: np.ndarray, index: int) -> float:
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
    flags = flag[by_problem].astype(float)
    total = np.cumsum(flags) - flags
    new = np.append(True, problem[by_problem][1:] != problem[by_problem][:-1]) if len(problem) else np.zeros(0, bool)
    out = np.empty(len(problem))
    out[by_problem] = total - total[new][np.cumsum(new) - 1]
    return out


def _bootstrap_best(judged: Judged, threshold: np.ndarray, *, n_bootstrap: int, seed: int) -> tuple[float, float]:
    """Percentile interval of the best threshold, problems being drawn again with replacement; on a grid of scores."""
    candidates = np.unique(threshold[np.linspace(0, len(threshold) - 1, CANDIDATES).astype(int)])
    cell = np.searchsorted(candidates, judged.score, side="left")  # a score is above candidates[:cell]
    hits, alarms = (_above(judged, flag, cell, len(candidates)) for flag in (judged.correct, ~judged.correct))
    rng = np.random.default_rng(seed)
    best = []
    for _ in range(n_bootstrap):
        drawn = np.bincount(rng.integers(0, judged.n_problems, judged.n_problems), minlength=judged.n_problems)
        h, a = drawn.astype(np.float32) @ hits, drawn.astype(np.float32) @ alarms  # the last entries are the totals
        if h[-1] and a[-1]:
            best.append(candidates[np.argmax(_f1(h[:-1], a[:-1], h[-1], a[-1]))])
    return tuple(float(q) for q in np.quantile(best, [0.025, 0.975])) if best else (np.nan, np.nan)


def _above(judged: Judged, flag: np.ndarray, cell: np.ndarray, n_candidates: int) -> np.ndarray:
    """Per problem, how many flagged solutions lie above each candidate; a last column counts all."""
    flat = judged.problem[flag] * np.int64(n_candidates + 1) + cell[flag]
    shape = (judged.n_problems, n_candidates + 1)
    table = np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape)[:, ::-1].cumsum(axis=1, dtype=np.float32)
    return np.roll(table[:, ::-1], -1, axis=1)  # column j: in cell j + 1 or higher, that is above candidates[j]


@dataclass(frozen=True)
class CrossFit:
    """A chosen threshold judged only on problems that did not choose it.

    Attributes
    ----------
    thresholds : tuple of float
        The choice of each fold's complement.
    balanced_f1, tpr, tnr, mcc : Estimate
        Over all solutions, each judged by the threshold that the other folds chose.
    cost : Estimate
        Mean cost of a judgement: 1 for an incorrect solution accepted, ``1 / cost_ratio`` for a correct one rejected.
        Where no cost ratio was given both cost 1.
    """

    thresholds: tuple[float, ...]
    balanced_f1: Estimate
    tpr: Estimate
    tnr: Estimate
    mcc: Estimate
    cost: Estimate


def best_threshold(samples: Samples, *, cost_ratio: float | None = None) -> float:
    """The threshold with the best balanced F1, or with the least cost.

    Parameters
    ----------
    samples : Samples
    cost_ratio : float, optional
        How many correct solutions one would reject to keep one incorrect solution out: the cost of a false acceptance
        in units of a false rejection. None asks for the best balanced F1 instead.

    Examples
    --------
    >>> s = Samples.from_arrays(correct=[[1, 1, 0, 1, 0]], score=[[0.9, 0.8, 0.7, 0.2, 0.1]])
    >>> round(best_threshold(s, cost_ratio=3), 3), round(best_threshold(s, cost_ratio=0.5), 3)
    (0.75, 0.15)
    """
    return _choose(Judged.of(samples), cost_ratio)


def _choose(judged: Judged, cost_ratio: float | None) -> float:
    n_right = judged.correct.sum()
    n_wrong = len(judged.correct) - n_right
    if not (n_right and n_wrong):
        return np.nan
    hits, alarms = judged.at_stops(judged.correct), judged.at_stops(~judged.correct)
    value = _f1(hits, alarms, n_right, n_wrong) if cost_ratio is None else hits - cost_ratio * alarms
    floor = judged.score[-1] - max(1e-9, 1e-9 * abs(judged.score[-1]))
    edges = np.append(judged.score, floor)[judged.stops]
    return _halfway(edges[::-1], int(np.argmax(value[::-1])))


def cross_fit(samples: Samples, *, n_folds: int = 5, cost_ratio: float | None = None, seed: int = 0) -> CrossFit:
    """Choose the threshold on some problems and judge it on the others, for each fold in turn.

    Parameters
    ----------
    samples : Samples
    n_folds : int
        Folds of problems, drawn at random with ``seed``.
    cost_ratio : float, optional
        As in :func:`best_threshold`.

    Returns
    -------
    CrossFit
        The intervals describe new problems judged by thresholds like these; they do not include the variation of the
        thresholds themselves (``Sweep.best_low`` and ``best_high`` show it).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> right = rng.random((50, 8)) < 0.5
    >>> fit = cross_fit(Samples.from_arrays(correct=right, score=right + rng.normal(0, 0.5, right.shape)))
    >>> len(fit.thresholds), 0.7 < fit.balanced_f1.value < 0.95
    (5, True)
    """
    judged = Judged.of(samples)
    fold = folds(samples.n_problems, n_folds=n_folds, seed=seed)
    chosen = [_choose(judged.take(fold[judged.problem] != k), cost_ratio) for k in range(fold.max() + 1)]
    threshold = np.array(chosen)[fold[judged.problem]]
    usable = judged.take(np.isfinite(threshold))
    cells = cell_statistics(usable, threshold[np.isfinite(threshold)])
    said = usable.score > threshold[np.isfinite(threshold)]
    per_row = np.where(usable.correct, ~said / (cost_ratio or 1.0), said)
    cost = ratio_statistic(usable.per_problem(per_row), usable.per_problem(np.ones(len(said))), scale="real")
    named = {name: cells[name].estimate() for name in ("balanced_f1", "tpr", "tnr", "mcc")}
    return CrossFit(thresholds=tuple(chosen), **named, cost=cost.estimate())


def folds(n_problems: int, *, n_folds: int, seed: int) -> np.ndarray:
    """A fold number for each problem, of shape (n_problems,); sizes differ by at most one."""
    return np.random.default_rng(seed).permutation(np.arange(n_problems) % min(n_folds, n_problems))
