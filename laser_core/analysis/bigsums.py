"""Everything about a table that can be summed over problems, piece by piece: what a file larger than memory leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from laser_core import metrics
from laser_core.analysis.estimates import UNDEFINED, Estimate, interval
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.calibration import EceMoments
from laser_core.analysis.scores.metrics import Judged, within_problem_aurocs
from laser_core.analysis.scores.thresholds import balanced_f1
from laser_core.analysis.summary import few_problems, number, numbers, with_interval
from laser_core.analysis.voting.curve import voting_curve
from laser_core.errors import InputError

BINS = 4096  # of the score, equally full; the overall AUROC counts scores of one bin as equal
ECE_BINS = 15
ROW = np.dtype([("problem", "<i4"), ("bin", "<u2"), ("right", "?")], align=False)
CURVES = ("pass", "majority", "weighted", "best_of_n")
GAIN = "weighted_minus_majority"


@dataclass(frozen=True)
class BigSummary:
    """As :class:`~laser_core.analysis.Summary`, for what can be summed over problems.

    Attributes
    ----------
    run, signal : str
    n_problems, n_rollouts : int
    accuracy, auroc, within_problem_auroc, balanced_f1, tpr, tnr, ece, brier : Estimate
    threshold : float
        Of balanced F1, TPR and TNR.
    best_threshold : float
        With the best balanced F1, judged on the data that chose it; NaN where a class is missing.
    n_mixed_problems, n_correct, n_incorrect, n_unscored : int
        As in :class:`~laser_core.analysis.Separation`.
    truncated_fraction : float
    n : ndarray of int of shape (n_sizes,)
    curves : dict of str to (mean, low, high), ndarrays of shape (n_sizes,)
        "pass", "majority", "weighted", "best_of_n", and "weighted_minus_majority", paired by problem.
    weighted_se, majority_se : ndarrays of shape (n_sizes,)
        Monte-Carlo standard errors; the other curves are exact.
    n_voting : int
        Problems behind the curves: those with enough solutions and known verdicts.
    warnings : tuple of str
    """

    run: str
    signal: str
    n_problems: int
    n_rollouts: int
    accuracy: Estimate
    auroc: Estimate
    within_problem_auroc: Estimate
    balanced_f1: Estimate
    tpr: Estimate
    tnr: Estimate
    ece: Estimate
    brier: Estimate
    threshold: float
    best_threshold: float
    n_mixed_problems: int
    n_correct: int
    n_incorrect: int
    n_unscored: int
    truncated_fraction: float
    n: np.ndarray
    curves: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = field(repr=False)
    weighted_se: np.ndarray = field(repr=False)
    majority_se: np.ndarray = field(repr=False)
    n_voting: int
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict:
        """The object ``laser analyze --json`` prints, as :meth:`Summary.to_json` does, with ``out_of_core`` true.

        What needs all solutions at once (average precision, MCC, cross-fitting) is not in it; the best threshold has no
        interval.
        """
        score: dict[str, object] = {"signal": self.signal, "n_mixed_problems": self.n_mixed_problems}
        for name in ("auroc", "within_problem_auroc", "balanced_f1", "tpr", "tnr", "ece", "brier"):
            estimate = getattr(self, name)
            score |= with_interval(name, estimate)
        score |= {
            "threshold": self.threshold,
            "best_threshold": number(self.best_threshold),
            "best_threshold_ci": None,
            "n_scored": self.n_correct + self.n_incorrect,
            **{name: getattr(self, name) for name in ("n_correct", "n_incorrect", "n_unscored")},
        }
        voting: dict[str, object] = {"n": self.n.tolist()}
        for name, parts in self.curves.items():
            voting |= {key: numbers(v) for key, v in zip((name, f"{name}_low", f"{name}_high"), parts, strict=True)}
        exact = np.zeros(len(self.n))
        errors = {"weighted": self.weighted_se, "majority": self.majority_se}
        voting |= {f"{name}_se": numbers(errors.get(name, exact)) for name in CURVES}
        voting |= {"n_problems": self.n_voting, "n_left_out": self.n_problems - self.n_voting}
        return {
            "run": self.run,
            "n_problems": self.n_problems,
            "n_rollouts": self.n_rollouts,
            **with_interval("accuracy", self.accuracy),
            "score": score,
            "voting": voting,
            "truncated_fraction": number(self.truncated_fraction),
            "out_of_core": True,
            "warnings": list(self.warnings),
        }


class Sums:
    """Running sums over problems: first and second moments, and histograms of the score by verdict.

    Parameters
    ----------
    sizes : ndarray of int of shape (n_sizes,)
        Of the votes.
    scores : ndarray
        A sample of the scores, from which all bins are made.
    threshold : float
    scratch : binary file
        Takes 8 bytes a row: scores (as bins) and verdicts, for the interval of the overall AUROC.
    """

    def __init__(self, sizes: np.ndarray, scores: np.ndarray, threshold: float, scratch: BinaryIO) -> None:
        self.sizes, self.threshold, self.scratch = sizes, threshold, scratch
        self.edges = _edges(scores, BINS)
        self.ece_edges = _edges(np.clip(scores, 0, 1), ECE_BINS)
        self.n_problems = self.n_rollouts = self.truncated = self.n_voting = self.unscored = self.outside = 0
        self.accuracy, self.within = np.zeros(3), np.zeros(3)  # count, sum, sum of squares
        self.cells, self.products = np.zeros(4), np.zeros((4, 4))  # hits, correct, true rejections, incorrect
        self.squared = np.zeros((2, 2)), np.zeros(2)  # products and sums of (squared error, solutions)
        self.curves = {name: np.zeros((2, len(sizes))) for name in (*CURVES, GAIN)}
        self.noise = {name: np.zeros(len(sizes)) for name in ("weighted", "majority")}
        self.histogram = np.zeros((2, len(self.edges) + 1))
        self.moments: EceMoments | None = None

    def add(self, samples: Samples) -> None:
        """Add a piece that holds all solutions of its problems."""
        known = np.isfinite(samples.correct).sum(axis=1)
        judged = Judged.of(samples)
        self.n_rollouts += int(samples.present.sum())
        self.truncated += int(samples.truncated.sum())
        self.unscored += int(known.sum()) - len(judged.score)
        self.accuracy += _moments((np.nansum(samples.correct, axis=1) / np.maximum(known, 1))[known > 0])
        within = within_problem_aurocs(judged)
        self.within += _moments(within[np.isfinite(within)])
        said, right = judged.score > self.threshold, judged.correct
        cells = np.stack([judged.per_problem(flag) for flag in (said & right, right, ~said & ~right, ~right)])
        self.cells += cells.sum(axis=1)
        self.products += cells @ cells.T
        bins = np.searchsorted(self.edges, judged.score, side="right")
        n_bins = len(self.edges) + 1
        self.histogram += [np.bincount(bins[right == verdict], minlength=n_bins) for verdict in (0, 1)]
        self._calibration(judged)
        rows = np.zeros(len(bins), ROW)
        rows["problem"], rows["bin"], rows["right"] = judged.problem, bins, right
        np.save(self.scratch, rows)
        self.n_problems += samples.n_problems
        self._votes(samples)

    def _calibration(self, judged: Judged) -> None:
        clipped, right = np.clip(judged.score, 0, 1), judged.correct.astype(float)
        self.outside += int((clipped != judged.score).sum())
        squared = np.stack([judged.per_problem((right - clipped) ** 2), judged.per_problem(np.ones(len(right)))])
        self.squared[0][:] += squared @ squared.T
        self.squared[1][:] += squared.sum(axis=1)
        n_bins = len(self.ece_edges) + 1
        flat = judged.problem * n_bins + np.searchsorted(self.ece_edges, clipped, side="right")
        shape = (judged.n_problems, n_bins)
        gap, size = (np.bincount(flat, w, shape[0] * shape[1]).reshape(shape) for w in (right - clipped, None))
        half = np.random.default_rng(self.n_problems).integers(0, 2, judged.n_problems)
        moments = EceMoments.of(gap, size.astype(float), half)
        self.moments = moments if self.moments is None else self.moments.plus(moments)

    def _votes(self, samples: Samples) -> None:
        try:
            curve = voting_curve(samples, n_values=self.sizes, target_se=1.0)
        except InputError:  # no problem of this piece can vote
            return
        self.n_voting += curve.n_problems
        for name, values in _with_gain(curve.per_problem).items():
            self.curves[name] += np.stack([values.sum(axis=0), (values**2).sum(axis=0)])
        for name in self.noise:
            self.noise[name] += (getattr(curve, f"{name}_se") * curve.n_problems) ** 2

    def finish(self, signal: str, run: str) -> BigSummary:
        """The summary of all that was added."""
        n = self.n_voting
        tpr, tnr, f1 = self._rates()
        curves = {}
        for name, (total, square) in self.curves.items():
            mean = total / max(n, 1)
            se = np.sqrt(np.maximum(square / max(n, 1) - mean**2, 0) / max(n - 1, 1))
            curves[name] = (mean, *interval(mean, se, n, scale="signed" if name == GAIN else "unit"))
        noise = {name: np.sqrt(values) / max(n, 1) for name, values in self.noise.items()}
        wrong, right = self.histogram.sum(axis=1).astype(int)
        return BigSummary(
            run=run,
            signal=signal,
            n_problems=self.n_problems,
            n_rollouts=self.n_rollouts,
            accuracy=_mean(self.accuracy),
            auroc=self._auroc(),
            within_problem_auroc=_mean(self.within),
            balanced_f1=f1,
            tpr=tpr,
            tnr=tnr,
            ece=UNDEFINED if self.moments is None else self.moments.estimate(),
            brier=self._brier(),
            threshold=self.threshold,
            best_threshold=self._best(),
            n_mixed_problems=int(self.within[0]),
            n_correct=int(right),
            n_incorrect=int(wrong),
            n_unscored=self.unscored,
            truncated_fraction=self.truncated / max(1, self.n_rollouts),
            n=self.sizes,
            curves=curves,
            weighted_se=noise["weighted"],
            majority_se=noise["majority"],
            n_voting=n,
            warnings=tuple(self._warnings(int(right + wrong))),
        )

    def _warnings(self, n_scored: int) -> list[str]:
        found = [
            "Summarised out of core: answers were compared as text, and scores that share one of 4,096 bins count as "
            "equal in the overall AUROC and the best threshold."
        ]
        found += few_problems(self.n_problems)
        if self.unscored:
            found.append(f"{self.unscored:,} solutions have a verdict but no score.")
        if n_scored and self.outside > n_scored / 2:
            found.append(f"{self.outside / n_scored:.0%} of the values lie outside [0, 1]: they are no probabilities.")
        return found

    def _brier(self) -> Estimate:
        products, (error, n) = self.squared
        if not n:
            return UNDEFINED
        value = error / n
        gradient = np.array([1.0, -value]) / n
        return _estimate(value, float(np.sqrt(max(gradient @ products @ gradient, 0.0))), self.n_problems)

    def _best(self) -> float:
        """The edge of a bin above which accepting gives the best balanced F1."""
        above = self.histogram[:, ::-1].cumsum(axis=1)[:, -2::-1]  # accepted when the score is at or above each edge
        wrong, right = self.histogram.sum(axis=1)
        if not (wrong and right and above.shape[1]):
            return np.nan
        return float(self.edges[np.argmax(balanced_f1(above[1], above[0], right, wrong))])

    def _rates(self) -> tuple[Estimate, Estimate, Estimate]:
        """TPR, TNR and balanced F1 from the sums and products over problems (the delta method)."""
        hits, rights, rejections, wrongs = self.cells
        if not (rights and wrongs):
            return UNDEFINED, UNDEFINED, UNDEFINED
        tpr, tnr = hits / rights, rejections / wrongs
        by_tpr = np.array([1, -tpr, 0, 0]) / rights
        by_tnr = np.array([0, 0, 1, -tnr]) / wrongs
        f1 = float(metrics.balanced_f1(tpr, tnr))
        slope = 2 * np.array([tnr, tpr]) ** 2 / (tpr + tnr) ** 2 if tpr + tnr else np.zeros(2)
        gradients = (by_tpr, by_tnr, slope[0] * by_tpr + slope[1] * by_tnr)
        return tuple(
            _estimate(value, np.sqrt(max(g @ self.products @ g, 0.0)), self.n_problems)
            for value, g in zip((tpr, tnr, f1), gradients, strict=True)
        )

    def _auroc(self) -> Estimate:
        """Overall AUROC from the histograms, and its clustered standard error from the scratch file."""
        wrong, right = self.histogram
        n_wrong, n_right = wrong.sum(), right.sum()
        if not (n_wrong and n_right):
            return UNDEFINED
        beats, beaten = (
            share[::-1] for share in metrics.pairs_won(*(np.append(0, np.cumsum(h[::-1])) for h in (right, wrong)))
        )
        value = float(right @ beats / n_right)
        total, end = 0.0, self.scratch.tell()
        self.scratch.seek(0)
        while self.scratch.tell() < end:
            rows = np.load(self.scratch)
            bins = rows["bin"]
            moved = np.where(rows["right"], (beats[bins] - value) / n_right, (beaten[bins] - value) / n_wrong)
            total += float((np.bincount(rows["problem"], moved) ** 2).sum())
        return _estimate(value, np.sqrt(total), self.n_problems)


def _with_gain(per_problem: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return per_problem | {GAIN: per_problem["weighted"] - per_problem["majority"]}


def _edges(scores: np.ndarray, bins: int) -> np.ndarray:
    """Inner edges of bins that hold about equally many scores."""
    return np.unique(np.quantile(scores, np.linspace(0, 1, bins + 1)[1:-1])) if len(scores) else np.zeros(0)


def _moments(values: np.ndarray) -> np.ndarray:
    return np.array([len(values), values.sum(), (values**2).sum()])


def _mean(moments: np.ndarray) -> Estimate:
    n, total, square = moments
    if n == 0:
        return UNDEFINED
    mean = total / n
    return _estimate(mean, np.sqrt(max(square / n - mean**2, 0.0) / max(n - 1, 1)), int(n))


def _estimate(value: float, se: float, n: int) -> Estimate:
    low, high = interval(value, se, n)
    return Estimate(float(value), float(low), float(high), n)
