"""Dropping a solution before it is finished, because its trace has fallen below the level of correct solutions.

The trace is log pi(z_c) after each token (one more look at logits that were computed anyway), or a running mean of
token log-probs, the signal of DeepConf [1]_. The level for a problem is learned on other problems.

References
----------
.. [1] Y. Fu et al. Deep think with confidence. arXiv 2508.15260, 2025 (online early stopping of traces).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from laser_core.analysis.estimates import Estimate, ratio_statistic
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.crossfit import folds
from laser_core.analysis.tokens.confidence import ragged
from laser_core.errors import InputError
from laser_core.rollouts.schema import Rollouts

MAX_CHECKPOINTS = 32
MIN_SUPPORT = 20  # correct solutions a level must rest on


@dataclass(frozen=True)
class EarlyDrop:
    """Which solutions would have been dropped, and when.

    Attributes
    ----------
    dropped : ndarray of bool of shape (n_problems, n_samples)
    tokens : ndarray of shape (n_problems, n_samples)
        Tokens spent: up to the drop, or all.
    checkpoints : ndarray of int of shape (n_checkpoints,)
        Numbers of tokens after which the trace is looked at.
    levels : ndarray of shape (n_folds, n_checkpoints)
        Below these a solution is dropped, in units of the trace (nats); -inf where too few correct solutions are that
        long. Learned for each fold on the others.
    dropped_correct, dropped_incorrect : Estimate
        Share of the correct and of the incorrect solutions that are dropped, at levels learned on other problems.
    trace : str
        The per-token column.
    """

    dropped: np.ndarray = field(repr=False)
    tokens: np.ndarray = field(repr=False)
    checkpoints: np.ndarray
    levels: np.ndarray
    dropped_correct: Estimate
    dropped_incorrect: Estimate
    trace: str


def early_drop(
    rollouts: Rollouts,
    samples: Samples,
    *,
    trace: str = "z_trace",
    window: int = 1,
    loss: float = 0.05,
    n_folds: int = 5,
    seed: int = 0,
) -> EarlyDrop:
    """Replay early drops from the table.

    Parameters
    ----------
    rollouts : Rollouts
        The table the samples were made from.
    samples : Samples
    trace : str
        A per-token column: "z_trace", or "token_logprobs" with a ``window``.
    window : int
        The trace is averaged over this many tokens.
    loss : float
        Share of the correct solutions that may be dropped; the level meets it on the problems it is learned on.
    n_folds, seed : int
        Folds of whole problems for the cross-fitting, and their seed.

    Raises
    ------
    InputError
        If the table has no such trace.
    """
    if not rollouts.has(trace):
        raise InputError("early drops need this per-token column", field=trace, remedy="score the file with --traces")
    values, length = ragged(rollouts, trace)
    row = samples.row[samples.present]  # (n_rollouts,)
    problem = np.nonzero(samples.present)[0]
    correct, incorrect = (samples.correct[samples.present] == kind for kind in (1, 0))
    checkpoints, seen = _at_checkpoints(values, length, row, window)
    fold = folds(samples.n_problems, n_folds=n_folds, seed=seed)
    at = np.full(len(row), -1)
    levels = []
    for k in range(fold.max() + 1):
        levels.append(_levels(seen[(fold[problem] != k) & correct], loss))
        held_out = fold[problem] == k
        with np.errstate(invalid="ignore"):
            below = seen[held_out] < levels[-1]
        at[held_out] = np.where(below.any(axis=1), below.argmax(axis=1), -1)
    dropped = np.zeros(samples.present.shape, bool)
    dropped[samples.present] = at >= 0
    tokens = np.where(np.isfinite(samples.n_tokens), samples.n_tokens, np.nan)
    spent = tokens[samples.present]
    spent = np.where(at >= 0, np.minimum(checkpoints[at] if len(checkpoints) else 0, spent), spent)
    tokens[samples.present] = spent

    def share(flag: np.ndarray) -> Estimate:
        n = samples.n_problems
        return ratio_statistic(np.bincount(problem, flag & (at >= 0), n), np.bincount(problem, flag, n)).estimate()

    return EarlyDrop(dropped, tokens, checkpoints, np.array(levels), share(correct), share(incorrect), trace)


def _at_checkpoints(
    values: np.ndarray, length: np.ndarray, row: np.ndarray, window: int
) -> tuple[np.ndarray, np.ndarray]:
    """Token counts to look at, and the trace there: (n_rollouts, n_checkpoints), NaN once a solution has ended."""
    longest = int(length[row].max(initial=0))
    checkpoints = np.unique(np.linspace(0, longest, MAX_CHECKPOINTS + 2).astype(int)[1:-1])
    checkpoints = checkpoints[checkpoints >= max(1, window)]
    start = (np.cumsum(length) - length)[row]
    running = np.append(0.0, np.cumsum(np.nan_to_num(values)))
    running_for = length[row][:, None] > checkpoints  # a finished solution cannot be dropped any more
    end = np.where(running_for, start[:, None] + checkpoints, window)
    return checkpoints, np.where(running_for, (running[end] - running[end - window]) / window, np.nan)


def _levels(seen: np.ndarray, loss: float) -> np.ndarray:
    """Levels such that a share ``loss`` of these (correct) solutions falls below one of them.

    The trace is standardised among the solutions still running at each checkpoint. A solution's lowest standardised
    value counts, and the ``loss`` quantile of those is one cut for all checkpoints. (A quantile for each checkpoint
    would be the extreme of few solutions, and would not hold on other problems.)
    """
    running = np.isfinite(seen)
    support = running.sum(axis=0)
    usable = support >= MIN_SUPPORT
    if not usable.any():
        return np.full(seen.shape[1], -np.inf)
    mean = np.sum(seen, axis=0, where=running) / np.maximum(support, 1)
    spread = np.sqrt(np.sum((seen - mean) ** 2, axis=0, where=running) / np.maximum(support - 1, 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        lowest = np.min((seen - mean) / spread, axis=1, initial=np.inf, where=running & usable & (spread > 0))
    cut = np.quantile(lowest[np.isfinite(lowest)], loss) if np.isfinite(lowest).any() else 0.0
    return np.where(usable, mean + cut * spread, -np.inf)
