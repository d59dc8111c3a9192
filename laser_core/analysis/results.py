"""From one run's rollouts to every result and its headline numbers, with what a reader should be warned of."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from laser_core.analysis.estimates import Estimate
from laser_core.analysis.questions.judged import derived_from_verdict, judged_signals, why_not_judged
from laser_core.analysis.questions.signals import full_signal_name, with_free_signals
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.calibration import Calibration, calibration
from laser_core.analysis.scores.crossfit import CrossFit, cross_fit
from laser_core.analysis.scores.separation import Separation, accuracy, separation
from laser_core.analysis.scores.thresholds import Sweep, threshold_sweep
from laser_core.analysis.summary import Curve, Summary, VotingSummary, few_problems, weightless_votes
from laser_core.analysis.voting.curve import VotingCurve, voting_curve
from laser_core.errors import InputError
from laser_core.rollouts.schema import SIGNAL_PREFIX, Rollouts


@dataclass(frozen=True)
class Results:
    """Every result behind the headline numbers of one run, as a report needs them.

    Attributes
    ----------
    n_problems, n_rollouts : int
    signal : str
    accuracy : Estimate
    separation : Separation
    sweep : Sweep
    cross_fit : CrossFit or None
        None where a class is missing or there is only one problem.
    calibration : Calibration
    voting : VotingCurve or None
        None where no problem can vote.
    truncated_fraction : float
        Share of the solutions.
    warnings : tuple of str
    """

    n_problems: int
    n_rollouts: int
    signal: str
    accuracy: Estimate
    separation: Separation
    sweep: Sweep
    cross_fit: CrossFit | None
    calibration: Calibration
    voting: VotingCurve | None
    truncated_fraction: float
    warnings: tuple[str, ...]

    def summary(self, run: str | None = None) -> Summary:
        """The headline numbers, under the run's name."""
        s, sweep = self.separation, self.sweep
        return Summary(
            run=run,
            signal=self.signal,
            n_problems=self.n_problems,
            n_rollouts=self.n_rollouts,
            accuracy=self.accuracy,
            auroc=s.auroc,
            within_problem_auroc=s.within_problem_auroc,
            balanced_f1=s.balanced_f1,
            tpr=s.tpr,
            tnr=s.tnr,
            ece=self.calibration.ece,
            brier=self.calibration.brier,
            threshold=s.threshold,
            best_threshold=sweep.best,
            n_mixed_problems=s.n_mixed_problems,
            n_correct=s.n_correct,
            n_incorrect=s.n_incorrect,
            n_unscored=s.n_unscored,
            truncated_fraction=self.truncated_fraction,
            voting=None if self.voting is None else _voting_summary(self.voting),
            warnings=self.warnings,
            average_precision=s.average_precision,
            mcc=s.mcc,
            balanced_f1_all=s.balanced_f1_all,
            tpr_all=s.tpr_all,
            tnr_all=s.tnr_all,
            balanced_f1_cross_fitted=None if self.cross_fit is None else self.cross_fit.balanced_f1,
            best_threshold_ci=(sweep.best_low, sweep.best_high),
        )


def _voting_summary(v: VotingCurve) -> VotingSummary:
    return VotingSummary(
        n=v.n,
        pass_=Curve(v.pass_, v.pass_low, v.pass_high, v.pass_se),
        majority=Curve(v.majority, v.majority_low, v.majority_high, v.majority_se),
        weighted=Curve(v.weighted, v.weighted_low, v.weighted_high, v.weighted_se),
        best_of_n=Curve(v.best_of_n, v.best_of_n_low, v.best_of_n_high, v.best_of_n_se),
        weighted_minus_majority=Curve(
            v.weighted_minus_majority, v.weighted_minus_majority_low, v.weighted_minus_majority_high, v.weighted_se
        ),
        n_problems=v.n_problems,
        n_left_out=v.n_left_out,
        tied=v.tied,
        weighted_tied=v.weighted_tied,
        weight=v.weight,
    )


def summarize(
    rollouts: Rollouts, *, signal: str | None = None, n_max: int | None = None, seed: int = 0, run: str | None = None
) -> Summary:
    """Every headline number of one run.

    Parameters
    ----------
    rollouts : Rollouts
    signal : str, optional
        The column to analyse: "score", one of ``rollouts.signals`` (with or without "signal." in front), or a free
        signal that :func:`~laser_core.analysis.confidence_signals` can make from the table's columns. None: the
        default of :func:`~laser_core.analysis.judged_signals`; where there is none, the rollouts are unscored.
    n_max : int, optional
        Largest N of the voting curves; see :func:`~laser_core.analysis.voting_curve`.
    seed : int
    run : str, optional
        Needed where the table holds several.

    Raises
    ------
    InputError
        As :meth:`Samples.from_rollouts` does.

    Examples
    --------
    >>> rows = [
    ...     {"run": "r", "problem_id": f"p{i // 2}", "sample": i % 2, "response": "", "answer": str(i % 2),
    ...      "correct": i % 2 == 0, "score": 1.0 - i % 2}
    ...     for i in range(80)
    ... ]
    >>> found = summarize(Rollouts.from_rows(rows)).to_json()
    >>> found["n_problems"], found["accuracy"], found["score"]["auroc"], found["voting"]["weighted"]
    (40, 0.5, 1.0, [0.5, 1.0])
    """
    notes: tuple[str, ...] = ()
    if signal is None:
        signals = judged_signals(rollouts)
        signal = signals.default or "score"
        notes = () if signals.default else signals.notes()
    signal = full_signal_name(signal)
    if signal != "score" and signal not in rollouts.signals:
        rollouts = with_free_signals(rollouts)
    samples = Samples.from_rollouts(rollouts, signal=signal, run=run)
    samples = replace(samples, warnings=(*notes, *samples.warnings))
    return analyze_samples(samples, n_max=n_max, seed=seed).summary(run or rollouts.runs()[0])


def summarize_samples(samples: Samples, *, n_max: int | None = None, seed: int = 0) -> Summary:
    """:func:`summarize` for samples already laid out."""
    return analyze_samples(samples, n_max=n_max, seed=seed).summary()


def analyze_samples(samples: Samples, *, n_max: int | None = None, seed: int = 0) -> Results:
    """Every result behind :func:`summarize_samples`, which keeps the headline numbers of them.

    Parameters
    ----------
    samples : Samples
    n_max : int, optional
        Largest N of the voting curves.
    seed : int
        Of the random subsets, folds and bootstrap draws.

    Raises
    ------
    InputError
        If ``n_max`` is given and no problem has that many solutions.
    """
    separated = separation(samples)
    voting, notes = None, list(samples.warnings)
    try:
        voting = voting_curve(samples, n_max=n_max, seed=seed)
    except InputError as error:
        if n_max is not None and np.isfinite(samples.correct).any():
            raise
        notes.append(f"No voting curves: {error}")
    fit = (
        cross_fit(samples, seed=seed)
        if separated.n_correct and separated.n_incorrect and samples.n_problems > 1
        else None
    )
    calibrated = calibration(samples)
    n_rollouts = int(samples.present.sum())
    return Results(
        n_problems=samples.n_problems,
        n_rollouts=n_rollouts,
        signal=samples.signal,
        accuracy=accuracy(samples),
        separation=separated,
        sweep=threshold_sweep(samples, seed=seed),
        cross_fit=fit,
        calibration=calibrated,
        voting=voting,
        truncated_fraction=float(samples.truncated.sum() / max(1, n_rollouts)),
        warnings=tuple(notes + _warnings(samples, separated, calibrated, voting)),
    )


def _warnings(samples: Samples, s: Separation, c: Calibration, voting: VotingCurve | None) -> list[str]:
    found = []
    known = int(np.isfinite(samples.correct).sum())
    total = int(samples.present.sum())
    if known < total:
        found.append(f"{total - known} of {total} solutions have no verdict and are left out where one is needed.")
    found += few_problems(samples.n_problems)
    reason = why_not_judged(samples.signal, samples.score, samples.correct)
    if reason:
        found.insert(0, derived_from_verdict(samples.signal.removeprefix(SIGNAL_PREFIX), reason))
    if not samples.has_scores:
        found.append(f"No solution has a value in '{samples.signal}'.")
    elif s.n_unscored:
        found.append(
            f"{s.n_unscored} {'solution has' if s.n_unscored == 1 else 'solutions have'} a verdict but no score; "
            "metrics ending in _all count them as predicted incorrect."
        )
    if not reason and s.auroc.value > 0.6 and s.within_problem_auroc.ci_low <= 0.5:
        found.append(
            f"The score separates problems rather than solutions: AUROC {s.auroc.value:.2f} over all, but "
            f"{s.within_problem_auroc.value:.2f} within a problem. Weighted voting cannot gain from it."
        )
    if samples.has_scores and c.clipped_share > 0.5:
        found.append(
            f"{c.clipped_share:.0%} of the values of '{samples.signal}' lie outside [0, 1]: ECE, Brier score and "
            "metrics at a fixed threshold say little about them."
        )
    if voting is not None and voting.n_conflicts:
        found.append(f"The verifier called the same answer both correct and incorrect {voting.n_conflicts} times.")
    if voting is not None:
        found += weightless_votes(voting.n_weightless, voting.n_problems)
    if voting is not None and voting.n_left_out:
        found.append(
            f"{voting.n_left_out} of {samples.n_problems} problems are left out of the voting curves: too few "
            "solutions, or answers without a verdict."
        )
    return found
