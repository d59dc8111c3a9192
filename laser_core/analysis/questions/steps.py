"""How the score changes while a policy trains: its quantiles, histograms and separation at each training step."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from laser_core.analysis.estimates import Estimate
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.histogram import QUANTILES
from laser_core.analysis.scores.separation import accuracy, separation
from laser_core.errors import InputError
from laser_core.rollouts.schema import Rollouts

MAX_STEPS = 200
BINS = 40
EDGE = 0.002  # share of the scores that may lie beyond either end of the histograms' axis


@dataclass(frozen=True)
class StepScores:
    """The score at each training step.

    Attributes
    ----------
    step : ndarray of int of shape (n_steps,)
        Rising.
    quantile_levels : tuple of float
    correct_quantiles, incorrect_quantiles : ndarray of shape (n_steps, n_levels)
        NaN where a step has no such solutions.
    edges : ndarray of shape (n_bins + 1,)
        Of the bins, the same at every step; the outermost bins also hold what lies beyond.
    correct, incorrect : ndarray of int of shape (n_steps, n_bins)
        Counts of solutions.
    n_correct, n_incorrect, n_unscored : ndarray of int of shape (n_steps,)
        Solutions with a score and a verdict, by verdict, and those with a verdict but no score.
    accuracy, auroc, within_problem_auroc : tuple of Estimate
        One for each step.
    n_left_out : int
        Steps left out because the table has more than ``max_steps``.
    """

    step: np.ndarray
    quantile_levels: tuple[float, ...]
    correct_quantiles: np.ndarray = field(repr=False)
    incorrect_quantiles: np.ndarray = field(repr=False)
    edges: np.ndarray = field(repr=False)
    correct: np.ndarray = field(repr=False)
    incorrect: np.ndarray = field(repr=False)
    n_correct: np.ndarray = field(repr=False)
    n_incorrect: np.ndarray = field(repr=False)
    n_unscored: np.ndarray = field(repr=False)
    accuracy: tuple[Estimate, ...] = field(repr=False)
    auroc: tuple[Estimate, ...] = field(repr=False)
    within_problem_auroc: tuple[Estimate, ...] = field(repr=False)
    n_left_out: int


def score_by_step(
    rollouts: Rollouts, *, signal: str = "score", run: str | None = None, max_steps: int = MAX_STEPS, bins: int = BINS
) -> StepScores:
    """The score's distribution at each training step of one run.

    Parameters
    ----------
    rollouts : Rollouts
        With a ``step`` column: rollouts written while training, or evaluations of several checkpoints.
    signal : str
    run : str, optional
        As in :meth:`Samples.from_rollouts`.
    max_steps : int
        Where there are more, evenly spaced ones are kept, the first and the last among them.
    bins : int
        Of the histograms.

    Raises
    ------
    InputError
        If no solution has a step, or as :meth:`Samples.from_rollouts` does.

    Examples
    --------
    >>> rows = [
    ...     {"run": "r", "step": step, "problem_id": "p", "sample": i, "response": "", "correct": i == 0,
    ...      "score": 0.1 * step * (1 - i)}
    ...     for step in (0, 5) for i in range(2)
    ... ]
    >>> found = score_by_step(Rollouts.from_rows(rows))
    >>> found.step.tolist(), found.correct_quantiles[:, 2].tolist(), [a.value for a in found.auroc]
    ([0, 5], [0.0, 0.5], [0.5, 1.0])
    """
    if not rollouts.has("step"):
        raise InputError("no solution has a training step", field="step", remedy="use rollouts written while training")
    if run is not None:
        rollouts = rollouts.take(np.array(rollouts.text("run")) == run)
    # There are no votes here, so answers need not be compared.
    kept = [name for name in rollouts.table.column_names if name != "answer"]
    rollouts = Rollouts(rollouts.table.select(kept), rollouts.meta)
    of_row = rollouts.column("step")
    steps = np.unique(of_row[np.isfinite(of_row)])
    shown = steps
    if len(steps) > max_steps:
        shown = steps[np.unique(np.linspace(0, len(steps) - 1, max_steps).round().astype(int))]
    score = rollouts.column(signal)
    edges = _edges(score[np.isfinite(score) & np.isfinite(of_row)], bins)
    grids = [Samples.from_rollouts(rollouts.take(of_row == step), signal=signal) for step in shown]
    parts = [separation(samples) for samples in grids]
    sides = [[_side(samples, verdict, edges) for samples in grids] for verdict in (1, 0)]
    return StepScores(
        step=shown.astype(np.int64),
        quantile_levels=QUANTILES,
        correct_quantiles=np.array([quantiles for quantiles, _ in sides[0]]),
        incorrect_quantiles=np.array([quantiles for quantiles, _ in sides[1]]),
        edges=edges,
        correct=np.array([counts for _, counts in sides[0]]),
        incorrect=np.array([counts for _, counts in sides[1]]),
        n_correct=np.array([part.n_correct for part in parts]),
        n_incorrect=np.array([part.n_incorrect for part in parts]),
        n_unscored=np.array([part.n_unscored for part in parts]),
        accuracy=tuple(accuracy(samples) for samples in grids),
        auroc=tuple(part.auroc for part in parts),
        within_problem_auroc=tuple(part.within_problem_auroc for part in parts),
        n_left_out=len(steps) - len(shown),
    )


def _edges(score: np.ndarray, bins: int) -> np.ndarray:
    """Edges of the histograms' bins: a few stray scores must not squeeze all others into one bin."""
    low, high = np.quantile(score, [EDGE, 1 - EDGE]) if len(score) else (0.0, 1.0)
    return np.linspace(low, high, bins + 1) if high > low else np.linspace(low - 0.5, low + 0.5, bins + 1)


def _side(samples: Samples, verdict: int, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    score = samples.score[(samples.correct == verdict) & np.isfinite(samples.score)]
    counts, _ = np.histogram(np.clip(score, edges[0], edges[-1]), edges)
    return (np.quantile(score, QUANTILES) if len(score) else np.full(len(QUANTILES), np.nan)), counts
