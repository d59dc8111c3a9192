"""What happens along a solution: values at every token, where they change most, and their mean over solutions.

The score is read at the end, but the log-prob of z_c can be read after every token: it shows when the model could tell.
Positions count response tokens from 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from laser_core.analysis.estimates import confidence_interval, ratio_statistic
from laser_core.analysis.samples import Samples
from laser_core.analysis.tokens.confidence import ragged
from laser_core.errors import InputError
from laser_core.rollouts.schema import Rollouts
from laser_core.score import last_token_score

MAX_POSITIONS = 120  # along a mean trace: about what a screen shows apart
MIN_SUPPORT = 10  # solutions that a mean must rest on

#: Per quantity the columns it is made of. "score" also needs beta_v and c_ref in the metadata.
SOURCES = {
    "score": ("z_trace",),
    "z_logprob": ("z_trace",),
    "logprob": ("token_logprobs",),
    "log_ratio": ("token_logprobs", "ref_token_logprobs"),
    "entropy": ("entropy",),
}


@dataclass(frozen=True)
class Change:
    """The sharpest change of a trace.

    Attributes
    ----------
    token : int
        The response token, counted from 1, at which it happens; 0 where the trace has fewer than two values.
    before, after : float
        The value after the previous token and after this one, in units of the trace.
    """

    token: int
    before: float
    after: float

    @property
    def size(self) -> float:
        """After minus before; NaN where there is no change."""
        return self.after - self.before


@dataclass(frozen=True)
class MeanTraces:
    """Mean values along correct and along incorrect solutions.

    Attributes
    ----------
    position : ndarray of shape (n_positions,)
        Token numbers from 1, or fractions of the solution from 0 to 1.
    by : {"token", "fraction"}
    correct, incorrect : ndarray of shape (3, n_positions)
        Mean and the ends of its 95% interval, in units of the quantity; NaN where fewer than ``MIN_SUPPORT`` solutions
        are left.
    n_correct, n_incorrect : ndarray of int of shape (n_positions,)
        Solutions behind each mean.
    n_problems : int
        Problems behind them; 1 where the interval is over solutions.
    quantity : str
    """

    position: np.ndarray
    by: str
    correct: np.ndarray
    incorrect: np.ndarray
    n_correct: np.ndarray
    n_incorrect: np.ndarray
    n_problems: int
    quantity: str


def per_token(rollouts: Rollouts, quantity: str) -> tuple[np.ndarray, np.ndarray]:
    """A quantity at every token: all values, of shape (n_values,), and each row's length, of shape (n_rows,).

    Parameters
    ----------
    rollouts : Rollouts
    quantity : str
        "score" (z_c's log-prob in score units, paper eq. ``beta_v (log pi(z_c) - c_ref)``), "z_logprob", "logprob",
        "log_ratio" (log-prob minus the reference model's) or "entropy", in nats except for the first.

    Raises
    ------
    InputError
        If the table lacks a column, or its two columns differ in length.

    Examples
    --------
    >>> from laser_core.rollouts import RunMeta
    >>> row = {"run": "r", "problem_id": "p", "sample": 0, "response": "", "z_trace": [-23.0, -13.0]}
    >>> values, length = per_token(Rollouts.from_rows([row], RunMeta(beta_v=0.1, c_ref=-23.0)), "score")
    >>> values.tolist(), length.tolist()
    ([0.0, 1.0], [2])
    """
    for name in SOURCES[quantity]:
        if not rollouts.has(name):
            raise InputError(
                "the table has no such per-token column",
                field=name,
                remedy="score the rollouts with traces: `laser score MODEL FILE --traces --out r.parquet`",
            )
    values, length = ragged(rollouts, SOURCES[quantity][0])
    if quantity == "log_ratio":
        reference, other = ragged(rollouts, "ref_token_logprobs")
        if not np.array_equal(length, other):
            raise InputError("not as many values as token_logprobs", field="ref_token_logprobs")
        values = values - reference
    if quantity == "score":
        beta_v, c_ref = rollouts.meta.beta_v, rollouts.meta.c_ref
        if beta_v is None or c_ref is None:
            raise InputError(
                "the file does not say its beta_v and c_ref", field="beta_v", remedy="convert it with both"
            )
        values = last_token_score(values, beta_v=beta_v, c_ref=c_ref)
    return values, length


def sharpest_change(values: np.ndarray) -> Change:
    """The largest step between neighbouring values, up or down; the first of several.

    Examples
    --------
    >>> sharpest_change(np.array([0.1, 0.2, 0.9, 0.8]))
    Change(token=3, before=0.2, after=0.9)
    """
    values = np.asarray(values, float)
    steps = np.abs(np.diff(values))
    if not np.isfinite(steps).any():
        return Change(0, float("nan"), float("nan"))
    at = int(np.nanargmax(steps))
    return Change(at + 2, float(values[at]), float(values[at + 1]))


def sharpest_changes(rollouts: Rollouts, quantity: str = "z_logprob") -> np.ndarray:
    """The absolute size of every row's sharpest change, of shape (n_rows,); NaN for fewer than two values.

    Parameters
    ----------
    rollouts : Rollouts
    quantity : str
        As in :func:`per_token`.

    Examples
    --------
    >>> row = {"run": "r", "problem_id": "p", "sample": 0, "response": "", "z_trace": [-23.0, -13.0, -20.0]}
    >>> sharpest_changes(Rollouts.from_rows([row, row | {"sample": 1, "z_trace": [-1.0]}])).tolist()
    [10.0, nan]
    """
    values, length = per_token(rollouts, quantity)
    row = np.repeat(np.arange(len(length)), length)
    step = np.abs(np.diff(values))
    inside = np.diff(row) == 0
    out = np.full(len(length), -np.inf)
    np.fmax.at(out, row[1:][inside], step[inside])
    return np.where(np.isfinite(out), out, np.nan)


def solution_measures(rollouts: Rollouts) -> dict[str, np.ndarray]:
    """One number per solution to sort by, each of shape (n_rows,); what the table does not allow is left out.

    Returns
    -------
    dict
        "length" (tokens), "min_logprob" (nats), "log_ratio" (log-prob of the whole solution minus that of the reference
        model, nats).

    Examples
    --------
    >>> row = {"run": "r", "problem_id": "p", "sample": 0, "response": "", "n_tokens": 2}
    >>> row |= {"token_logprobs": [-1.0, -3.0], "ref_token_logprobs": [-2.0, -3.5]}
    >>> {name: values.tolist() for name, values in solution_measures(Rollouts.from_rows([row])).items()}
    {'length': [2.0], 'min_logprob': [-3.0], 'log_ratio': [1.5]}
    """
    found = {}
    if np.isfinite(rollouts.column("n_tokens")).any():
        found["length"] = rollouts.column("n_tokens")
    for name, quantity, gather in (("min_logprob", "logprob", np.minimum), ("log_ratio", "log_ratio", np.add)):
        if all(rollouts.has(column) for column in SOURCES[quantity]):
            values, length = per_token(rollouts, quantity)
            full = length > 0
            out = np.full(len(length), np.nan)
            out[full] = gather.reduceat(values, (np.cumsum(length) - length)[full])
            found[name] = out
    return found


def mean_traces(
    rollouts: Rollouts, samples: Samples, *, quantity: str = "score", by: str = "token", problem: int | None = None
) -> MeanTraces:
    """Mean values along the correct and along the incorrect solutions.

    Parameters
    ----------
    rollouts : Rollouts
        The table the samples were made from.
    samples : Samples
    quantity : str
        As in :func:`per_token`.
    by : {"token", "fraction"}
        Align by token number, or by fraction of each solution's length. By token, only long solutions reach the right
        end.
    problem : int, optional
        Position of one problem, whose solutions are then the unit of the interval. None: all problems, and the problem
        is the unit.

    Examples
    --------
    >>> rows = [
    ...     {"run": "r", "problem_id": f"p{i // 2}", "sample": i % 2, "response": "", "correct": i % 2 == 0,
    ...      "entropy": [float(i % 2), 3.0]} for i in range(40)
    ... ]
    >>> table = Rollouts.from_rows(rows)
    >>> traces = mean_traces(table, Samples.from_rollouts(table), quantity="entropy")
    >>> traces.position.tolist(), traces.correct[0].tolist(), traces.incorrect[0].tolist()
    ([1.0, 2.0], [0.0, 3.0], [1.0, 3.0])
    """
    values, length = per_token(rollouts, quantity)
    start = np.cumsum(length) - length
    present = (
        samples.present if problem is None else samples.present & (np.arange(samples.n_problems) == problem)[:, None]
    )
    row, verdict = samples.row[present], samples.correct[present]
    unit = np.nonzero(present)[0] if problem is None else np.arange(len(row))
    longest = int(length[row].max(initial=0))
    if by == "token":
        position = np.unique(np.linspace(1, max(longest, 1), min(max(longest, 1), MAX_POSITIONS)).astype(int)).astype(
            float
        )
    else:
        position = np.linspace(0, 1, min(max(longest, 2), MAX_POSITIONS // 2 + 1))
    out = {1: np.full((3, len(position)), np.nan), 0: np.full((3, len(position)), np.nan)}
    n = {1: np.zeros(len(position), int), 0: np.zeros(len(position), int)}
    size = samples.n_problems if problem is None else max(len(row), 1)
    for i, at in enumerate(position):
        index = np.full(len(row), int(at) - 1) if by == "token" else np.rint(at * (length[row] - 1)).astype(int)
        alive = (index < length[row]) & (length[row] > 0)
        here = np.where(
            alive, values[np.minimum(start[row] + index, max(len(values) - 1, 0))] if len(values) else 0, np.nan
        )
        for kind in (1, 0):
            used = alive & (verdict == kind) & np.isfinite(here)
            n[kind][i] = used.sum()
            if used.sum() >= (MIN_SUPPORT if problem is None else 1):
                total = np.bincount(unit[used], here[used], size)
                mean = ratio_statistic(total, np.bincount(unit[used], minlength=size), scale="real")
                low, high = confidence_interval(mean.value, mean.se, int(mean.contributes.sum()), scale="real")
                out[kind][:, i] = mean.value, low, high
    n_problems = len(np.unique(unit)) if problem is None else 1
    return MeanTraces(position, by, out[1], out[0], n[1], n[0], n_problems, quantity)


def condense(values: np.ndarray, limit: int) -> np.ndarray:
    """Indices of at most ``limit`` values that keep the curve's look: both ends, and each block's lowest and highest.

    Examples
    --------
    >>> values = np.zeros(1000)
    >>> values[500] = 9.0
    >>> kept = condense(values, 50)
    >>> len(kept) <= 50, [int(i) for i in kept if i in (0, 500, 999)]
    (True, [0, 500, 999])
    """
    values = np.asarray(values, float)
    if len(values) <= limit:
        return np.arange(len(values))
    edges = np.linspace(0, len(values), max(limit // 2 - 1, 1) + 1).astype(int)
    filled = np.nan_to_num(values, nan=0.0)
    kept = [0, len(values) - 1]
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        kept += [low + int(np.argmin(filled[low:high])), low + int(np.argmax(filled[low:high]))]
    return np.unique(kept)


def block_means(grid: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns averaged in at most ``limit`` equal blocks, NaN left out, so that a wide grid fits a screen.

    Parameters
    ----------
    grid : ndarray of shape (n_rows, n_columns)
    limit : int

    Returns
    -------
    first : ndarray of int of shape (n_blocks,)
        First column of each block, counted from 0.
    means : ndarray of shape (n_rows, n_blocks)

    Examples
    --------
    >>> first, means = block_means(np.array([[1.0, 3.0, 5.0, np.nan]]), 2)
    >>> first.tolist(), means.tolist()
    ([0, 2], [[2.0, 5.0]])
    """
    width = grid.shape[1]
    first = np.unique(np.linspace(0, width, min(limit, width), endpoint=False).astype(int))
    known = np.isfinite(grid)
    count = np.add.reduceat(known, first, axis=1, dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return first, np.add.reduceat(np.where(known, grid, 0.0), first, axis=1) / np.where(count > 0, count, np.nan)
