"""All headline numbers of one table, and what a reader should be warned of."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from laser_core.analysis.estimates import Estimate
from laser_core.analysis.questions.signals import full_signal_name, with_free_signals
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.calibration import Calibration, calibration
from laser_core.analysis.scores.crossfit import CrossFit, cross_fit
from laser_core.analysis.scores.metrics import Separation, accuracy, separation
from laser_core.analysis.scores.thresholds import Sweep, threshold_sweep
from laser_core.analysis.voting.curve import VotingCurve, voting_curve
from laser_core.errors import InputError
from laser_core.rollouts.schema import Rollouts

FEW_PROBLEMS = 30
CURVES = ("pass", "majority", "weighted", "best_of_n")


@dataclass(frozen=True)
class Summary:
    """The results behind ``laser analyze``; None where the data do not allow them.

    Attributes
    ----------
    n_problems, n_rollouts : int
    signal : str
    accuracy : Estimate
    separation : Separation
    sweep : Sweep
    cross_fit : CrossFit or None
    calibration : Calibration
    voting : VotingCurve or None
    truncated_fraction : float
        Share of the solutions.
    warnings : tuple of str
    run : str or None
        The run's name; None where the samples did not come from a table.
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
    run: str | None = None

    def to_json(self) -> dict:
        """Plain numbers and lists, None for what is undefined: the object ``laser analyze --json`` prints."""
        s = self.separation
        score: dict[str, object] = {"signal": self.signal, "n_mixed_problems": s.n_mixed_problems}
        named = {
            name: getattr(s, name)
            for name in ("auroc", "within_problem_auroc", "average_precision", "balanced_f1", "tpr", "tnr", "mcc")
        }
        named |= {f"{name}_all": getattr(s, f"{name}_all") for name in ("balanced_f1", "tpr", "tnr")}
        named |= {"ece": self.calibration.ece, "brier": self.calibration.brier}
        if self.cross_fit is not None:
            named["balanced_f1_cross_fitted"] = self.cross_fit.balanced_f1
        for name, estimate in named.items():
            score |= with_interval(name, estimate)
        score |= {
            "threshold": s.threshold,
            "best_threshold": number(self.sweep.best),
            "best_threshold_ci": [number(self.sweep.best_low), number(self.sweep.best_high)],
            **{name: getattr(s, name) for name in ("n_scored", "n_correct", "n_incorrect", "n_unscored")},
        }
        voting: dict[str, object] = {"n": [], **{name: [] for name in CURVES}, **{f"{name}_se": [] for name in CURVES}}
        if self.voting is not None:
            v = self.voting
            voting["n"] = v.n.tolist()
            for name in CURVES:
                voting[name] = numbers(getattr(v, "pass_" if name == "pass" else name))
                for end in ("se", "low", "high"):
                    voting[f"{name}_{end}"] = numbers(getattr(v, f"{name}_{end}"))
            gain = "weighted_minus_majority"
            for name in (gain, f"{gain}_low", f"{gain}_high", "tied"):
                voting[name] = numbers(getattr(v, name))
            voting |= {"n_problems": v.n_problems, "n_left_out": v.n_left_out, "weight": v.weight}
        return {
            "run": self.run,
            "n_problems": self.n_problems,
            "n_rollouts": self.n_rollouts,
            **with_interval("accuracy", self.accuracy),
            "score": score,
            "voting": voting,
            "truncated_fraction": number(self.truncated_fraction),
            "warnings": list(self.warnings),
        }


def with_interval(name: str, estimate: Estimate) -> dict[str, object]:
    """Two entries of a JSON object: the value, and under ``name_ci`` the ends of its interval."""
    return {name: number(estimate.value), f"{name}_ci": [number(end) for end in estimate.ci]}


def number(value: float) -> float | None:
    """A number as JSON knows it: None where it is undefined."""
    return float(value) if math.isfinite(value) else None


def numbers(values: np.ndarray) -> list[float | None]:
    """Numbers as JSON knows them."""
    return [number(value) for value in values]


def summarize(
    rollouts: Rollouts, *, signal: str = "score", n_max: int | None = None, seed: int = 0, run: str | None = None
) -> Summary:
    """Every headline number of one run.

    Parameters
    ----------
    rollouts : Rollouts
    signal : str
        The column to judge: "score", one of ``rollouts.signals`` (with or without "signal." in front), or a free signal
        that :func:`~laser_core.analysis.confidence_signals` can make from the table's columns.
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
    signal = full_signal_name(signal)
    if signal != "score" and signal not in rollouts.signals:
        rollouts = with_free_signals(rollouts)
    samples = Samples.from_rollouts(rollouts, signal=signal, run=run)
    return replace(summarize_samples(samples, n_max=n_max, seed=seed), run=run or rollouts.runs()[0])


def summarize_samples(samples: Samples, *, n_max: int | None = None, seed: int = 0) -> Summary:
    """:func:`summarize` for samples already laid out."""
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
    return Summary(
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


def few_problems(n_problems: int) -> list[str]:
    """The warning that too few problems deserve."""
    if n_problems >= FEW_PROBLEMS:
        return []
    return [f"Only {n_problems} problems: the intervals are wide, and less reliable than usual."]


def _warnings(samples: Samples, s: Separation, c: Calibration, voting: VotingCurve | None) -> list[str]:
    found = []
    known = int(np.isfinite(samples.correct).sum())
    total = int(samples.present.sum())
    if known < total:
        found.append(f"{total - known} of {total} solutions have no verdict and are left out of all that needs one.")
    found += few_problems(samples.n_problems)
    if not samples.has_scores:
        found.append(f"No solution has a value in '{samples.signal}'.")
    elif s.n_unscored:
        found.append(
            f"{s.n_unscored} {'solution has' if s.n_unscored == 1 else 'solutions have'} a verdict but no score; "
            "metrics ending in _all count them as judged "
            "incorrect."
        )
    if s.auroc.value > 0.6 and s.within_problem_auroc.ci_low <= 0.5:
        found.append(
            f"The score separates problems rather than solutions: AUROC {s.auroc.value:.2f} over all, but "
            f"{s.within_problem_auroc.value:.2f} within a problem. Weighted voting cannot gain from it."
        )
    if samples.has_scores and c.clipped_share > 0.5:
        found.append(
            f"{c.clipped_share:.0%} of the values of '{samples.signal}' lie outside [0, 1]: ECE, Brier and whatever is "
            "judged at a fixed threshold say little about them."
        )
    if voting is not None and voting.n_conflicts:
        found.append(f"The verifier judged the same answer both correct and incorrect {voting.n_conflicts} times.")
    if voting is not None and voting.n_left_out:
        found.append(
            f"{voting.n_left_out} of {samples.n_problems} problems are left out of the voting curves: too few "
            "solutions, or answers without a verdict."
        )
    return found
