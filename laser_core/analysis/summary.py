"""The headline numbers of one run, and the JSON object that ``laser analyze --json`` prints."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from laser_core.analysis.estimates import Estimate

FEW_PROBLEMS = 30


@dataclass(frozen=True)
class Curve:
    """Accuracy at each number of solutions N.

    Attributes
    ----------
    mean, low, high : ndarray of shape (n_sizes,)
        Mean over problems and its 95% band.
    se : ndarray of shape (n_sizes,)
        Monte-Carlo standard error; 0 where the value is exact.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    se: np.ndarray


@dataclass(frozen=True)
class VotingSummary:
    """Accuracy of each way to vote among N solutions.

    Attributes
    ----------
    n : ndarray of int of shape (n_sizes,)
    pass_, majority, weighted, best_of_n : Curve
    weighted_minus_majority : Curve
        The gain from weighted voting, paired by problem.
    n_problems : int
        Problems behind the curves: those with enough solutions and known verdicts.
    n_left_out : int
        All other problems.
    tied, weighted_tied : ndarray of shape (n_sizes,) or None
        Share of the majority votes, and of the weighted votes, that a tie decides; None where it was not computed.
    weight : str or None
        Which vote weight was used; None for the default.
    """

    n: np.ndarray
    pass_: Curve = field(repr=False)
    majority: Curve = field(repr=False)
    weighted: Curve = field(repr=False)
    best_of_n: Curve = field(repr=False)
    weighted_minus_majority: Curve = field(repr=False)
    n_problems: int
    n_left_out: int
    tied: np.ndarray | None = field(default=None, repr=False)
    weighted_tied: np.ndarray | None = field(default=None, repr=False)
    weight: str | None = None

    def to_json(self) -> dict[str, object]:
        """Lists over N; None for what is undefined."""
        curves = {
            "pass": self.pass_,
            "majority": self.majority,
            "weighted": self.weighted,
            "best_of_n": self.best_of_n,
        }
        found: dict[str, object] = {"n": self.n.tolist()}
        found |= {name: numbers(curve.mean) for name, curve in curves.items()}
        found |= {f"{name}_se": numbers(curve.se) for name, curve in curves.items()}
        for name, curve in (curves | {"weighted_minus_majority": self.weighted_minus_majority}).items():
            found |= {name: numbers(curve.mean), f"{name}_low": numbers(curve.low), f"{name}_high": numbers(curve.high)}
        for name, share in (("tied", self.tied), ("weighted_tied", self.weighted_tied)):
            if share is not None:
                found[name] = numbers(share)
        found |= {"n_problems": self.n_problems, "n_left_out": self.n_left_out}
        return found if self.weight is None else found | {"weight": self.weight}


@dataclass(frozen=True)
class Summary:
    """The headline numbers of one run, from memory or out of core.

    Attributes
    ----------
    run : str or None
        None where the samples did not come from a table.
    signal : str
        The column that stands for the score: "score" or "signal.<name>".
    n_problems, n_rollouts : int
    accuracy : Estimate
    auroc, within_problem_auroc, balanced_f1, tpr, tnr : Estimate
        As in :class:`~laser_core.analysis.Separation`.
    ece, brier : Estimate
        As in :class:`~laser_core.analysis.Calibration`.
    threshold : float
        Of balanced F1, TPR and TNR.
    best_threshold : float
        The one with the best balanced F1 on these data; NaN where a class is missing.
    n_mixed_problems, n_correct, n_incorrect, n_unscored : int
        As in :class:`~laser_core.analysis.Separation`.
    truncated_fraction : float
        Share of the solutions.
    voting : VotingSummary or None
        None where no problem can vote.
    warnings : tuple of str
        What a reader of the numbers should know.
    average_precision, mcc, balanced_f1_all, tpr_all, tnr_all : Estimate or None
        Need all solutions at once: None out of core.
    balanced_f1_cross_fitted : Estimate or None
        At thresholds chosen on other problems; None out of core and where a class is missing.
    best_threshold_ci : tuple of two floats, or None
        None out of core.
    out_of_core : bool
    """

    run: str | None
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
    voting: VotingSummary | None
    warnings: tuple[str, ...]
    average_precision: Estimate | None = None
    mcc: Estimate | None = None
    balanced_f1_all: Estimate | None = None
    tpr_all: Estimate | None = None
    tnr_all: Estimate | None = None
    balanced_f1_cross_fitted: Estimate | None = None
    best_threshold_ci: tuple[float, float] | None = None
    out_of_core: bool = False

    def to_json(self) -> dict[str, object]:
        """Plain numbers and lists; None for what is undefined, and no entry for what was not computed."""
        return {
            "run": self.run,
            "n_problems": self.n_problems,
            "n_rollouts": self.n_rollouts,
            **_with_interval("accuracy", self.accuracy),
            "score": self._score_json(),
            "voting": _no_votes() if self.voting is None else self.voting.to_json(),
            "truncated_fraction": number(self.truncated_fraction),
            **({"out_of_core": True} if self.out_of_core else {}),
            "warnings": list(self.warnings),
        }

    def _score_json(self) -> dict[str, object]:
        named = {
            "auroc": self.auroc,
            "within_problem_auroc": self.within_problem_auroc,
            "average_precision": self.average_precision,
            "balanced_f1": self.balanced_f1,
            "tpr": self.tpr,
            "tnr": self.tnr,
            "mcc": self.mcc,
            "balanced_f1_all": self.balanced_f1_all,
            "tpr_all": self.tpr_all,
            "tnr_all": self.tnr_all,
            "ece": self.ece,
            "brier": self.brier,
            "balanced_f1_cross_fitted": self.balanced_f1_cross_fitted,
        }
        found: dict[str, object] = {"signal": self.signal, "n_mixed_problems": self.n_mixed_problems}
        for name, estimate in named.items():
            if estimate is not None:
                found |= _with_interval(name, estimate)
        ends = self.best_threshold_ci
        return found | {
            "threshold": self.threshold,
            "best_threshold": number(self.best_threshold),
            "best_threshold_ci": None if ends is None else [number(end) for end in ends],
            "n_scored": self.n_correct + self.n_incorrect,
            "n_correct": self.n_correct,
            "n_incorrect": self.n_incorrect,
            "n_unscored": self.n_unscored,
        }


def _no_votes() -> dict[str, object]:
    names = ("pass", "majority", "weighted", "best_of_n")
    found: dict[str, object] = {"n": []}
    return found | {f"{name}{end}": [] for end in ("", "_se") for name in names}


def few_problems(n_problems: int) -> list[str]:
    """The warning about too few problems, if there are too few.

    >>> few_problems(30), len(few_problems(29))
    ([], 1)
    """
    if n_problems >= FEW_PROBLEMS:
        return []
    return [f"Only {n_problems} problems: the intervals are wide, and less reliable than usual."]


def weightless_votes(n_weightless: int, n_problems: int) -> list[str]:
    """The warning about weighted votes that have no weights, if there are any.

    >>> weightless_votes(0, 500), weightless_votes(2, 500)[0][:20]
    ([], 'In 2 of 500 problems')
    """
    if not n_weightless:
        return []
    return [
        f"In {n_weightless} of {n_problems} problems every solution has vote weight 0: their weighted vote is a coin "
        "toss between the answers given, and counts as a tie."
    ]


def number(value: float) -> float | None:
    """A number for JSON: None where it is undefined."""
    return float(value) if math.isfinite(value) else None


def numbers(values: np.ndarray) -> list[float | None]:
    """Numbers for JSON: None where one is undefined."""
    return [number(value) for value in values]


def _with_interval(name: str, estimate: Estimate) -> dict[str, object]:
    """The value, and under ``name_ci`` the ends of its interval."""
    return {name: number(estimate.value), f"{name}_ci": [number(end) for end in estimate.ci]}
