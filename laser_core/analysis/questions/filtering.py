"""Which rollouts? Filter, sort and count the rows of a table, at the speed of Arrow's own search.

A text search reads the column in blocks and only where the cheaper filters leave rows, so a table that is mapped from
the disk is never in memory as a whole.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laser_core.analysis.estimates import Estimate, mean_statistic
from laser_core.rollouts import Rollouts
from laser_core.rollouts.groups import group_of_rows

_BLOCK_ROWS = 8192  # searched at a time: some 30 MB of solutions of 1,000 tokens


class VerifierSays(StrEnum):
    """The verifier's verdict on a solution."""

    CORRECT = "correct"
    INCORRECT = "incorrect"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class RolloutFilter:
    """What a rollout must be like; the default lets every rollout pass.

    A bound excludes the rollouts without a value. Texts are searched as plain text, whatever their case.

    Attributes
    ----------
    verdicts : tuple of VerifierSays
        The verdicts to keep; empty for all.
    signal : str
        The column that ``signal_low`` and ``signal_high`` bound: "score" or "signal.<name>".
    signal_low, signal_high : float or None
        Inclusive bounds, in the signal's own unit.
    tokens_low, tokens_high : int or None
        Inclusive bounds of the response's length, in tokens.
    truncated : bool or None
        Only solutions that the length limit cut off (True), or only others (False). Unknown counts as not cut off.
    step : int or None
        The training step at which the solution was sampled.
    problem : str
        Text within the problem or its id.
    answer : str
        Text within the extracted answer.
    response : str
        Text within the response.
    tag : str
        The column that ``tag_values`` and ``tag_text`` are about: "tag.<name>".
    tag_values : tuple of str
        The tag's values to keep; empty for all, those without the tag among them.
    tag_text : str
        Text within the tag.
    """

    verdicts: tuple[VerifierSays, ...] = ()
    signal: str = "score"
    signal_low: float | None = None
    signal_high: float | None = None
    tokens_low: int | None = None
    tokens_high: int | None = None
    truncated: bool | None = None
    step: int | None = None
    problem: str = ""
    answer: str = ""
    response: str = ""
    tag: str = ""
    tag_values: tuple[str, ...] = ()
    tag_text: str = ""


def matching_rows(rollouts: Rollouts, wanted: RolloutFilter, *, among: np.ndarray | None = None) -> np.ndarray:
    """The rows that pass a filter, in the table's order.

    Parameters
    ----------
    rollouts : Rollouts
        The table.
    wanted : RolloutFilter
        What a row must be like.
    among : ndarray of int, optional
        The only rows that may pass, where an earlier search has found them; by default all.

    Returns
    -------
    ndarray of int of shape (n_matching,)

    Examples
    --------
    >>> rows = [
    ...     {"run": "r", "problem_id": "p", "sample": 0, "response": "So X=2", "correct": True, "score": 0.9},
    ...     {"run": "r", "problem_id": "p", "sample": 1, "response": "So x=3", "correct": False, "score": 0.8},
    ...     {"run": "r", "problem_id": "p", "sample": 2, "response": "So", "correct": None, "score": None},
    ... ]
    >>> rollouts = Rollouts.from_rows(rows)
    >>> matching_rows(rollouts, RolloutFilter(response="x=", signal_low=0.8)).tolist()
    [0, 1]
    >>> matching_rows(rollouts, RolloutFilter(verdicts=(VerifierSays.UNKNOWN,))).tolist()
    [2]
    """
    keep = _has_verdict(rollouts.column("correct"), wanted.verdicts)
    if among is not None:
        found_before = np.zeros(len(rollouts), bool)
        found_before[among] = True
        keep &= found_before
    keep &= _within(rollouts, wanted.signal, wanted.signal_low, wanted.signal_high)
    keep &= _within(rollouts, "n_tokens", wanted.tokens_low, wanted.tokens_high)
    keep &= _within(rollouts, "step", wanted.step, wanted.step)
    if wanted.truncated is not None:
        keep &= (rollouts.column("truncated") == 1) == wanted.truncated
    if wanted.problem:
        keep &= _contains(rollouts, "problem", wanted.problem, keep) | _contains(
            rollouts, "problem_id", wanted.problem, keep
        )
    if wanted.tag_values:
        keep &= _is_one_of(rollouts, wanted.tag, wanted.tag_values)
    for name, text in ((wanted.tag, wanted.tag_text), ("answer", wanted.answer), ("response", wanted.response)):
        if text:
            keep = _contains(rollouts, name, text, keep)
    return np.flatnonzero(keep)


def _has_verdict(correct: np.ndarray, verdicts: tuple[VerifierSays, ...]) -> np.ndarray:
    """Whether each of ``correct`` (1, 0 or NaN) is one of the verdicts."""
    masks = {
        VerifierSays.CORRECT: correct == 1,
        VerifierSays.INCORRECT: correct == 0,
        VerifierSays.UNKNOWN: np.isnan(correct),
    }
    return np.asarray(np.any([masks[verdict] for verdict in verdicts or VerifierSays], axis=0))


def _within(rollouts: Rollouts, name: str, low: float | None, high: float | None) -> np.ndarray:
    """Whether each value of a column lies in [low, high]; a missing value lies in no interval that has a bound."""
    if low is None and high is None:
        return np.ones(len(rollouts), bool)
    values = rollouts.column(name)
    above = values >= (-np.inf if low is None else low)
    return np.asarray(above & (values <= (np.inf if high is None else high)))


def _is_one_of(rollouts: Rollouts, name: str, values: tuple[str, ...]) -> np.ndarray:
    """Whether each row has one of the values in a text column."""
    if name not in rollouts.table.column_names:
        return np.zeros(len(rollouts), bool)
    return np.asarray(pc.is_in(rollouts.table[name], pa.array(values, pa.string())).to_numpy(zero_copy_only=False))


def tag_values(rollouts: Rollouts, tag: str, *, most: int = 50) -> list[str] | None:
    """A tag's different values, the most frequent first; None where there are more than ``most`` of them.

    Parameters
    ----------
    rollouts : Rollouts
        The table.
    tag : str
        "tag.<name>".
    most : int
        How many a chooser can offer.

    Examples
    --------
    >>> levels = ("1", "2", "2", None)
    >>> rollouts = Rollouts.from_rows(
    ...     [{"run": "r", "problem_id": "p", "sample": i, "response": "", "tag.level": x} for i, x in enumerate(levels)]
    ... )
    >>> tag_values(rollouts, "tag.level"), tag_values(rollouts, "tag.level", most=1)
    (['2', '1'], None)
    """
    counted = pc.value_counts(pc.drop_null(rollouts.table[tag]))
    if len(counted) > most:
        return None
    values, counts = counted.field("values").to_pylist(), counted.field("counts").to_numpy()
    return [values[i] for i in np.argsort(-counts, kind="stable")]


def _contains(rollouts: Rollouts, name: str, text: str, among: np.ndarray) -> np.ndarray:
    """Whether each row of ``among`` has the text in a column; False for all other rows."""
    found = np.zeros(len(rollouts), bool)
    if name not in rollouts.table.column_names:
        return found
    batches = rollouts.table.select([name]).to_batches(max_chunksize=_BLOCK_ROWS)
    starts = np.cumsum([0, *(len(batch) for batch in batches)])

    def search(start: int, batch: pa.RecordBatch) -> None:
        rows = np.flatnonzero(among[start : start + len(batch)])
        if len(rows):
            texts = batch.column(0) if len(rows) == len(batch) else batch.column(0).take(pa.array(rows))
            hits = pc.fill_null(pc.match_substring(texts, text, ignore_case=True), False)
            found[start + rows] = hits.to_numpy(zero_copy_only=False)

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # Arrow's kernels run beside each other
        list(pool.map(search, starts[:-1], batches))
    return found


def sorted_rows(rollouts: Rollouts, rows: np.ndarray, *, by: str, descending: bool = False) -> np.ndarray:
    """Rows ordered by a column; equal values keep their order, and missing values come last either way.

    Parameters
    ----------
    rollouts : Rollouts
        The table.
    rows : ndarray of int of shape (n_rows,)
        The rows to order.
    by : str
        A numeric, boolean or text column. Where the table has no such column the order stays.
    descending : bool
        Whether the largest value comes first.

    Examples
    --------
    >>> scores = (0.5, None, 0.9)
    >>> rollouts = Rollouts.from_rows(
    ...     [{"run": "r", "problem_id": "p", "sample": i, "response": "", "score": s} for i, s in enumerate(scores)]
    ... )
    >>> sorted_rows(rollouts, np.array([0, 1, 2]), by="score", descending=True).tolist()
    [2, 0, 1]
    """
    if by not in rollouts.table.column_names or not len(rows):
        return rows
    values = replace(rollouts, table=rollouts.table.select([by])).take(rows).table
    order = pc.sort_indices(values, sort_keys=[(by, "descending" if descending else "ascending")])
    return np.asarray(rows[order.to_numpy()])


def accuracy_of_rows(rollouts: Rollouts, rows: np.ndarray) -> Estimate:
    """Mean over problems of the share of correct solutions among some rows, with its 95% CI over problems.

    Of all rows this is :func:`~laser_core.analysis.accuracy`. Rows without a verdict, and problems without rows, are
    left out.

    Parameters
    ----------
    rollouts : Rollouts
        The table.
    rows : ndarray of int of shape (n_rows,)
        The rows to count.

    Returns
    -------
    Estimate
        ``n`` is the number of problems with a verified row; NaN where there is none.
    """
    correct = rollouts.column("correct")[rows]
    verified = np.isfinite(correct)
    problems = group_of_rows(rollouts)
    owner = problems.indices.to_numpy()[rows][verified]
    n_verified = np.bincount(owner, minlength=len(problems.dictionary))
    with np.errstate(invalid="ignore"):
        return mean_statistic(np.bincount(owner, correct[verified], len(n_verified)) / n_verified).estimate()
