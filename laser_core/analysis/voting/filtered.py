"""Majority voting among the solutions whose score passes a threshold: exact, like the plain majority."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from laser_core.analysis.estimates import mean_interval
from laser_core.analysis.samples import Samples
from laser_core.analysis.voting.ballots import Ballots
from laser_core.analysis.voting.closed_forms import subset_ratio
from laser_core.analysis.voting.curve import subset_sizes
from laser_core.analysis.voting.majority import majority_vote


@dataclass(frozen=True)
class FilteredMajority:
    """Expected accuracy of the filtered vote over random subsets of N.

    Attributes
    ----------
    n : ndarray of int of shape (n_sizes,)
    accuracy, low, high : ndarray of shape (n_sizes,)
        Mean over problems and its 95% band.
    abstained : ndarray of shape (n_sizes,)
        Share of the votes in which no solution passed.
    kept : float
        Share of the solutions that pass.
    threshold : ndarray of shape (n_problems,)
    n_problems : int
    per_problem : ndarray of shape (n_problems, n_sizes)
    """

    n: np.ndarray
    accuracy: np.ndarray
    low: np.ndarray
    high: np.ndarray
    abstained: np.ndarray
    kept: float
    threshold: np.ndarray
    n_problems: int
    per_problem: np.ndarray = field(repr=False)


def filtered_majority(
    samples: Samples,
    *,
    threshold: float | np.ndarray = 0.5,
    otherwise: str = "majority",
    n_max: int | None = None,
    n_values: np.ndarray | Sequence[int] | None = None,
) -> FilteredMajority:
    """Let only the solutions above a threshold vote.

    Parameters
    ----------
    samples : Samples
    threshold : float or ndarray of shape (n_problems,)
        An array where each problem's threshold was chosen on other problems: see
        :func:`~laser_core.analysis.cross_fit`.
    otherwise : {"majority", "wrong"}
        What happens when no solution of the subset passes: all of them vote, or the vote counts as incorrect.
    n_max : int, optional
    n_values : array of int, optional
        As in :func:`~laser_core.analysis.voting_curve`.

    Examples
    --------
    >>> samples = Samples.from_arrays(correct=[[1, 0, 0]], score=[[0.9, 0.2, 0.3]], answer=[[0, 1, 1]])
    >>> filtered_majority(samples).accuracy.round(3).tolist()
    [0.333, 0.667, 1.0]
    """
    sizes, ballots = subset_sizes(samples, n_max, n_values)
    limit = np.broadcast_to(np.asarray(threshold, float), (samples.n_problems,))[ballots.problems]
    real = np.arange(ballots.score.shape[1]) < ballots.size[:, None]
    passes = np.where(np.isfinite(ballots.score), ballots.score, -np.inf) > limit[:, None]
    failing = ballots.size - passes.sum(axis=1)

    # Votes that are filtered out become abstentions; the subsets are still drawn from all solutions.
    out = majority_vote(_votes(ballots, passes), ballots.winning, ballots.size, sizes)
    missing = np.zeros_like(out)  # the probability that a subset holds only failing solutions
    for n in np.unique(ballots.size):
        rows = ballots.size == n
        missing[rows] = subset_ratio(n, sizes)[failing[rows]]
    if otherwise == "majority":
        out += missing * majority_vote(_votes(ballots, real & ~passes), ballots.winning, failing, sizes)
    mean, low, high = mean_interval(out)
    return FilteredMajority(
        n=sizes,
        accuracy=mean,
        low=low,
        high=high,
        abstained=missing.mean(axis=0),
        kept=float(passes.sum() / max(1, real.sum())),
        threshold=limit,
        n_problems=ballots.n_problems,
        per_problem=out,
    )


def _votes(ballots: Ballots, keep: np.ndarray) -> np.ndarray:
    """Votes of the kept solutions, of shape (n_problems, n_answers)."""
    n_answers = ballots.votes.shape[1]
    keep = keep & (ballots.answer >= 0)
    flat = (np.arange(ballots.n_problems)[:, None] * n_answers + ballots.answer)[keep]
    return np.bincount(flat, minlength=ballots.n_problems * n_answers).reshape(ballots.n_problems, n_answers)
