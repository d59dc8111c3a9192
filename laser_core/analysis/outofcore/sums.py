"""What can be summed over problems, piece by piece: the numbers of a table that does not fit in memory."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from laser_core import metrics
from laser_core.analysis.estimates import UNDEFINED, Estimate, confidence_interval, skewed_interval
from laser_core.analysis.questions.judged import derived_from_verdict, why_not_judged
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.calibration import EceMoments
from laser_core.analysis.scores.separation import Ranked
from laser_core.analysis.scores.thresholds import choice
from laser_core.analysis.summary import Curve, Summary, VotingSummary, few_problems, weightless_votes
from laser_core.analysis.voting.curve import voting_curve
from laser_core.errors import InputError
from laser_core.rollouts.schema import SIGNAL_PREFIX

BINS = 4096  # of the score, equally full; the overall AUROC counts scores of one bin as equal
ECE_BINS = 15
ROW = np.dtype([("problem", "<i4"), ("bin", "<u2"), ("correct", "?")], align=False)


class Sums:
    """Running sums over problems: first and second moments, and histograms of the score by class.

    Parameters
    ----------
    sizes : ndarray of int of shape (n_sizes,)
        Numbers of solutions in the votes.
    scores : ndarray of shape (n_sampled,)
        A sample of the scores, from which all bins are made.
    threshold : float
        Of balanced F1, TPR and TNR.
    scratch : binary file
        Takes 7 bytes a scored row (problem, bin of the score, correct), for the interval of the overall AUROC.
    """

    def __init__(self, sizes: np.ndarray, scores: np.ndarray, threshold: float, scratch: BinaryIO) -> None:
        self.threshold, self.scratch = threshold, scratch
        self.edges = _edges(scores, BINS)
        self.ece_edges = _edges(np.clip(scores, 0, 1), ECE_BINS)
        self.n_problems = self.n_rollouts = self.truncated = self.unscored = self.outside = 0
        self.accuracy, self.within = np.zeros(3), np.zeros(3)  # count, sum, sum of squares
        self.cells, self.products = np.zeros(4), np.zeros((4, 4))  # tp, correct, tn, incorrect
        self.squared = np.zeros((4, 4))  # sums of the powers, up to the third, of squared error and of solutions
        self.histogram = np.zeros((2, len(self.edges) + 1))  # of the incorrect solutions, of the correct ones
        self.ece: EceMoments | None = None
        self.votes = VoteSums(sizes)

    def add(self, samples: Samples) -> None:
        """Add a piece that holds all solutions of its problems."""
        known = np.isfinite(samples.correct).sum(axis=1)
        ranked = Ranked.of(samples)
        self.n_rollouts += int(samples.present.sum())
        self.truncated += int(samples.truncated.sum())
        self.unscored += int(known.sum()) - len(ranked.score)
        self.accuracy += _moments((np.nansum(samples.correct, axis=1) / np.maximum(known, 1))[known > 0])
        within = ranked.within_problem_aurocs()
        self.within += _moments(within[np.isfinite(within)])
        predicted, y_true = ranked.score > self.threshold, ranked.correct
        flags = (predicted & y_true, y_true, ~predicted & ~y_true, ~y_true)
        cells = np.stack([ranked.per_problem(flag) for flag in flags])
        self.cells += cells.sum(axis=1)
        self.products += cells @ cells.T
        self._add_bins(ranked)
        self._add_calibration(ranked)
        self.n_problems += samples.n_problems
        self.votes.add(samples)

    def _add_bins(self, ranked: Ranked) -> None:
        bins = np.searchsorted(self.edges, ranked.score, side="right")
        n_bins = len(self.edges) + 1
        self.histogram += [np.bincount(bins[ranked.correct == kind], minlength=n_bins) for kind in (False, True)]
        rows = np.zeros(len(bins), ROW)
        rows["problem"], rows["bin"], rows["correct"] = ranked.problem, bins, ranked.correct
        np.save(self.scratch, rows)

    def _add_calibration(self, ranked: Ranked) -> None:
        clipped, correct = np.clip(ranked.score, 0, 1), ranked.correct.astype(float)
        self.outside += int((clipped != ranked.score).sum())
        error, size = ranked.per_problem((correct - clipped) ** 2), ranked.per_problem(np.ones(len(correct)))
        self.squared += np.vander(error, 4, increasing=True).T @ np.vander(size, 4, increasing=True)
        n_bins = len(self.ece_edges) + 1
        flat = ranked.problem * n_bins + np.searchsorted(self.ece_edges, clipped, side="right")
        shape = (ranked.n_problems, n_bins)
        gap, size = (np.bincount(flat, w, shape[0] * shape[1]).reshape(shape) for w in (correct - clipped, None))
        half = np.random.default_rng(self.n_problems).integers(0, 2, ranked.n_problems)
        moments = EceMoments.of(gap, size.astype(float), half)
        self.ece = moments if self.ece is None else self.ece.plus(moments)

    def finish(self, signal: str, run: str) -> Summary:
        """The summary of all that was added."""
        tpr, tnr, f1 = self._rates()
        n_incorrect, n_correct = (int(n) for n in self.histogram.sum(axis=1))
        return Summary(
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
            ece=UNDEFINED if self.ece is None else self.ece.estimate(),
            brier=self._brier(),
            threshold=self.threshold,
            best_threshold=self._best_threshold(),
            n_mixed_problems=int(self.within[0]),
            n_correct=n_correct,
            n_incorrect=n_incorrect,
            n_unscored=self.unscored,
            truncated_fraction=self.truncated / max(1, self.n_rollouts),
            voting=self.votes.summary(self.n_problems),
            warnings=tuple(self._derived(signal) + self._warnings(n_correct + n_incorrect)),
            out_of_core=True,
        )

    def _derived(self, signal: str) -> list[str]:
        """What to say of a signal that was derived from the verdict; the bins it fills stand for its values."""
        bins = [np.flatnonzero(counts) for counts in self.histogram]
        reason = why_not_judged(signal, np.concatenate(bins), np.repeat([0.0, 1.0], [len(found) for found in bins]))
        return [derived_from_verdict(signal.removeprefix(SIGNAL_PREFIX), reason)] if reason else []

    def _warnings(self, n_scored: int) -> list[str]:
        found = [
            "Summarised out of core: answers were compared as text, and scores that share one of 4,096 bins count as "
            "equal in the overall AUROC and the best threshold."
        ]
        found += few_problems(self.n_problems)
        found += weightless_votes(self.votes.n_weightless, self.votes.n_problems)
        if self.unscored:
            found.append(f"{self.unscored:,} solutions have a verdict but no score.")
        if n_scored and self.outside > n_scored / 2:
            found.append(f"{self.outside / n_scored:.0%} of the values lie outside [0, 1]: they are no probabilities.")
        return found

    def _brier(self) -> Estimate:
        sums = self.squared
        if not sums[0, 1]:
            return UNDEFINED
        value, n = sums[1, 0] / sums[0, 1], self.n_problems
        # Sums over problems of (error - value * size) to the second and third power, multiplied out.
        second = sums[2, 0] - 2 * value * sums[1, 1] + value**2 * sums[0, 2]
        third = sums[3, 0] - 3 * value * sums[2, 1] + 3 * value**2 * sums[1, 2] - value**3 * sums[0, 3]
        se = _root(second * n / max(n - 1, 1)) / sums[0, 1]
        return Estimate(float(value), *skewed_interval(value, se, third / sums[0, 1] ** 3, n), n)

    def _best_threshold(self) -> float:
        """The edge between bins above which accepting gives the best balanced F1."""
        above = self.histogram[:, ::-1].cumsum(axis=1)[:, -2::-1]  # accepted when the score is at or above each edge
        n_incorrect, n_correct = self.histogram.sum(axis=1)
        if not (n_incorrect and n_correct and above.shape[1]):
            return np.nan
        return float(self.edges[np.argmax(choice(above[1], above[0], n_correct, n_incorrect))])

    def _rates(self) -> tuple[Estimate, Estimate, Estimate]:
        """TPR, TNR and balanced F1 from the sums and products over problems (the delta method)."""
        tp, n_correct, tn, n_incorrect = self.cells
        if not (n_correct and n_incorrect):
            return UNDEFINED, UNDEFINED, UNDEFINED
        tpr, tnr = tp / n_correct, tn / n_incorrect
        by_tpr = np.array([1, -tpr, 0, 0]) / n_correct
        by_tnr = np.array([0, 0, 1, -tnr]) / n_incorrect
        slope = 2 * np.array([tnr, tpr]) ** 2 / (tpr + tnr) ** 2 if tpr + tnr else np.zeros(2)

        def estimate(value: float, gradient: np.ndarray) -> Estimate:
            return _estimate(value, _root(float(gradient @ self.products @ gradient)), self.n_problems)

        f1 = float(metrics.balanced_f1(tpr, tnr))
        return estimate(tpr, by_tpr), estimate(tnr, by_tnr), estimate(f1, slope[0] * by_tpr + slope[1] * by_tnr)

    def _auroc(self) -> Estimate:
        """Overall AUROC from the histograms, and its clustered standard error from the scratch file."""
        incorrect, correct = self.histogram
        n_incorrect, n_correct = incorrect.sum(), correct.sum()
        if not (n_incorrect and n_correct):
            return UNDEFINED
        above = [np.append(0, np.cumsum(counts[::-1])) for counts in (correct, incorrect)]
        of_correct, of_incorrect = (share[::-1] for share in metrics.pairs_won(above[0], above[1]))
        value = float(correct @ of_correct / n_correct)
        total, end = 0.0, self.scratch.tell()
        self.scratch.seek(0)
        while self.scratch.tell() < end:
            rows = np.load(self.scratch)
            bins = rows["bin"]
            if_correct, if_incorrect = (
                (of_correct[bins] - value) / n_correct,
                (of_incorrect[bins] - value) / n_incorrect,
            )
            moved = np.where(rows["correct"], if_correct, if_incorrect)
            total += float((np.bincount(rows["problem"], moved) ** 2).sum())
        return _estimate(value, np.sqrt(total), self.n_problems)


class VoteSums:
    """Running sums of the voting curves over problems, at fixed numbers of solutions."""

    def __init__(self, sizes: np.ndarray) -> None:
        self.sizes, self.n_problems, self.n_weightless = sizes, 0, 0
        self.pass_, self.majority, self.weighted, self.best_of_n, self.gain = (CurveSums(len(sizes)) for _ in range(5))

    def add(self, samples: Samples) -> None:
        """Add the votes of a piece; problems that cannot vote are left out."""
        try:
            curve = voting_curve(samples, n_values=self.sizes, target_se=1.0)
        except InputError:  # no problem of this piece can vote
            return
        votes = curve.per_problem
        self.n_problems += curve.n_problems
        self.n_weightless += curve.n_weightless
        self.pass_.add(votes["pass"], curve.pass_se)
        self.majority.add(votes["majority"], curve.majority_se)
        self.weighted.add(votes["weighted"], curve.weighted_se)
        self.best_of_n.add(votes["best_of_n"], curve.best_of_n_se)
        self.gain.add(votes["weighted"] - votes["majority"], curve.weighted_se)

    def summary(self, n_all: int) -> VotingSummary | None:
        """The curves over all that was added, of ``n_all`` problems in the table; None where none could vote."""
        n = self.n_problems
        if n == 0:
            return None
        gain = self.gain.curve(n, scale="signed")
        alone = self.sizes == 1  # a single vote wins whatever its weight: no estimate, so no interval
        low, high = (np.where(alone, gain.mean, end) for end in (gain.low, gain.high))
        return VotingSummary(
            n=self.sizes,
            pass_=self.pass_.curve(n),
            majority=self.majority.curve(n),
            weighted=self.weighted.curve(n),
            best_of_n=self.best_of_n.curve(n),
            weighted_minus_majority=Curve(gain.mean, low, high, gain.se),
            n_problems=n,
            n_left_out=n_all - n,
        )


class CurveSums:
    """Sums over problems of one curve, its squares and its Monte-Carlo variances; each of shape (n_sizes,)."""

    def __init__(self, n_sizes: int) -> None:
        self.total, self.squares, self.variance = np.zeros(n_sizes), np.zeros(n_sizes), np.zeros(n_sizes)

    def add(self, per_problem: np.ndarray, se: np.ndarray) -> None:
        """Add values of shape (n_problems, n_sizes), whose mean has the standard error ``se``."""
        self.total += per_problem.sum(axis=0)
        self.squares += (per_problem**2).sum(axis=0)
        self.variance += (se * len(per_problem)) ** 2

    def curve(self, n: int, *, scale: str = "unit") -> Curve:
        """Mean over the ``n`` problems and its 95% band."""
        mean = self.total / n
        se = np.sqrt(np.maximum(self.squares / n - mean**2, 0) / max(n - 1, 1))
        low, high = confidence_interval(mean, se, n, scale=scale)
        return Curve(mean, low, high, se=np.sqrt(self.variance) / n)


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
    return _estimate(mean, _root((square / n - mean**2) / max(n - 1, 1)), int(n))


def _root(variance: float) -> float:
    """Square root of a variance that rounding may have made negative."""
    return float(np.sqrt(max(variance, 0.0)))


def _estimate(value: float, se: float, n: int) -> Estimate:
    low, high = confidence_interval(value, se, n)
    return Estimate(float(value), float(low), float(high), n)
