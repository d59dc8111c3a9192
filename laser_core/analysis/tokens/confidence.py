"""Free confidence signals, made from the tokens' log-probs, entropies and length.

LaSeR's score costs one more token per solution. To be worth it, it must beat the signals that sampling yields anyway.
Larger always means more confident, so each of them can take the score's place everywhere.

References
----------
.. [1] Y. Fu et al. Deep think with confidence. arXiv 2508.15260, 2025 (tail, lowest-group and bottom-group confidence;
       there from the top-k log-probs, here from the log-prob of the token that was drawn).
"""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from laser_core.errors import InputError
from laser_core.rollouts.schema import Rollouts

SIGNALS = {
    "signal.mean_logprob": "mean log-prob of the tokens, nats",
    "signal.min_logprob": "log-prob of the least likely token, nats",
    "signal.tail_logprob": "mean log-prob of the last tokens, nats",
    "signal.lowest_group_logprob": "lowest mean log-prob of any group of consecutive tokens, nats",
    "signal.bottom_group_logprob": "mean log-prob of the lowest tenth of the groups, nats",
    "signal.neg_entropy": "minus the mean entropy of the next-token distributions, nats",
    "signal.shortness": "minus the number of tokens",
}
BOTTOM = 0.1


def confidence_signals(rollouts: Rollouts, *, window: int | None = None) -> Rollouts:
    """Add the ``signal.*`` columns that the table's per-token columns allow.

    Parameters
    ----------
    rollouts : Rollouts
        Self-certainty is not among the signals made here, because it needs the whole distribution of every token; a
        table that brings it as a ``signal.`` column keeps it.
    window : int, optional
        Tokens in a group and in the tail. None: a tenth of the median length, at least 4.

    Returns
    -------
    Rollouts
        With the columns of ``SIGNALS`` for which there is data; NaN where a solution has no tokens.

    Raises
    ------
    InputError
        If the table has neither token log-probs, entropies nor lengths.

    Examples
    --------
    >>> rows = [{"run": "r", "problem_id": "p", "sample": 0, "response": "", "token_logprobs": [-1.0, -3.0, 0.0, 0.0]}]
    >>> table = confidence_signals(Rollouts.from_rows(rows), window=2)
    >>> [table.column(f"signal.{name}_logprob").tolist() for name in ("mean", "min", "tail", "lowest_group")]
    [[-1.0], [-3.0], [0.0], [-2.0]]
    """
    found: dict[str, np.ndarray] = {}
    if rollouts.has("token_logprobs"):
        values, length = ragged(rollouts, "token_logprobs")
        found |= _from_logprobs(values, length, window or _default_window(length))
    if rollouts.has("entropy"):
        found["signal.neg_entropy"] = -_segment_means(*ragged(rollouts, "entropy"))
    tokens = rollouts.column("n_tokens")
    if np.isfinite(tokens).any():
        found["signal.shortness"] = -tokens
    if not found:
        raise InputError(
            "the table has no per-token columns to make signals from",
            field="token_logprobs",
            remedy="score the rollouts with traces: `laser score MODEL FILE --traces --out r.parquet`",
        )
    for name, values in found.items():
        rollouts = rollouts.with_column(name, values)
    return rollouts


def ragged(rollouts: Rollouts, name: str) -> tuple[np.ndarray, np.ndarray]:
    """A list column as its values one after another, of shape (n_values,), and each row's length, of shape (n_rows,).

    Examples
    --------
    >>> row = {"run": "r", "problem_id": "p", "sample": 0, "response": "", "entropy": [1.0, 2.0]}
    >>> table = Rollouts.from_rows([row, row | {"sample": 1, "entropy": None}])
    >>> [part.tolist() for part in ragged(table, "entropy")]
    [[1.0, 2.0], [2, 0]]
    """
    column = rollouts.table[name]
    length = pc.fill_null(pc.list_value_length(column), 0).to_numpy().astype(np.int64)
    return pc.list_flatten(column).to_numpy().astype(np.float64), length


def _default_window(length: np.ndarray) -> int:
    return max(4, int(np.median(length[length > 0])) // 10) if (length > 0).any() else 4


def _segment_means(values: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Mean of each row's values, NaN where it has none."""
    total = np.zeros(len(length))
    full = length > 0
    total[full] = np.add.reduceat(values, (np.cumsum(length) - length)[full]) if full.any() else 0
    with np.errstate(invalid="ignore"):
        return np.where(full, total / length, np.nan)


def _segment_min(values: np.ndarray, length: np.ndarray) -> np.ndarray:
    out = np.full(len(length), np.nan)
    full = length > 0
    if full.any():
        out[full] = np.minimum.reduceat(values, (np.cumsum(length) - length)[full])
    return out


def _from_logprobs(values: np.ndarray, length: np.ndarray, window: int) -> dict[str, np.ndarray]:
    start = np.cumsum(length) - length
    end = start + length
    running = np.append(0.0, np.cumsum(values))
    tail = np.minimum(window, length)
    with np.errstate(invalid="ignore"):
        tail_mean = np.where(length > 0, (running[end] - running[end - tail]) / tail, np.nan)
    # A solution shorter than the window is one group.
    n_groups = np.where(length > 0, np.maximum(length - window + 1, 1), 0)
    offset = np.arange(n_groups.sum()) - np.repeat(np.cumsum(n_groups) - n_groups, n_groups)
    first = np.repeat(start, n_groups) + offset
    size = np.repeat(np.minimum(window, length), n_groups)
    groups = (running[first + size] - running[first]) / size
    row = np.repeat(np.arange(len(length)), n_groups)
    ordered = groups[np.lexsort((groups, row))]  # within each row, rising
    n_bottom = np.where(n_groups > 0, np.maximum(1, np.round(BOTTOM * n_groups)), 0).astype(int)
    rank = np.arange(len(ordered)) - np.repeat(np.cumsum(n_groups) - n_groups, n_groups)
    bottom = rank < np.repeat(n_bottom, n_groups)
    return {
        "signal.mean_logprob": _segment_means(values, length),
        "signal.min_logprob": _segment_min(values, length),
        "signal.tail_logprob": tail_mean,
        "signal.lowest_group_logprob": _segment_min(groups, n_groups),
        "signal.bottom_group_logprob": _segment_means(ordered[bottom], n_bottom),
    }
