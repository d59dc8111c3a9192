"""Vote weights from scores. A weight is never negative; a solution without a score votes with weight 0.

Where every answer's weights sum to 0 (with "clip": no score above 0), the vote has nothing to go by. All answers given
then tie, each wins with equal chance, and the vote is a coin toss that counts as a tie.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from laser_core.errors import InputError

Weight = str | Callable[[np.ndarray], np.ndarray]


def vote_weights(
    score: np.ndarray, weight: Weight = "clip", *, power: float = 1.0, temperature: float = 1.0
) -> np.ndarray:
    """Weights of solutions in a vote.

    Parameters
    ----------
    score : ndarray of shape (n_problems, n_samples)
        NaN where there is none.
    weight : str or callable
        - "clip": the score clipped to [0, 1], as in the paper;
        - "power": the clipped score to the power ``power`` (large powers come close to best-of-N);
        - "relu": the score clipped at 0 only;
        - "raw": the score itself, which must not be negative;
        - "softmax": ``exp(score / temperature)`` (its normalisation does not change who wins);
        - "rank": the score's mid-rank among all scores of the run, from 0 to 1, for a signal of any scale;
        - "equal": 1 for every solution, scored or not: the plain majority;
        - a function of the score array, returning weights of its shape.

        ("borda" weighs by rank within each subset and is understood by :func:`~laser_core.analysis.voting_curve`.)
    power, temperature : float

    Raises
    ------
    InputError
        If the weight is unknown or yields negative numbers.

    Examples
    --------
    >>> vote_weights(np.array([[-0.2, 0.5, 1.3, np.nan]])).tolist()
    [[0.0, 0.5, 1.0, 0.0]]
    >>> vote_weights(np.array([[-3.0, -1.0, -2.0]]), "rank").round(3).tolist()
    [[0.167, 0.833, 0.5]]
    """
    if callable(weight):
        values = np.asarray(weight(score), float)
        if values.shape != score.shape:
            raise InputError(f"the weight function returned shape {values.shape}, not {score.shape}", field="weight")
    elif weight in _NAMED:
        values = _NAMED[weight](score, power, temperature)
    else:
        raise InputError(
            f"unknown vote weight '{weight}'", field="weight", remedy=f"choose from: {', '.join(_NAMED)}, borda"
        )
    values = np.where(np.isfinite(score) | (weight == "equal"), values, 0.0)
    if np.nanmin(values, initial=0.0) < 0:
        raise InputError(
            "some vote weights are negative",
            field="weight",
            remedy="use 'rank' or 'softmax' for a signal that can be negative",
        )
    return np.asarray(np.nan_to_num(values, nan=0.0, posinf=0.0))


def _rank(score: np.ndarray) -> np.ndarray:
    """Mid-ranks among all scores as shares of their number; tied scores share one rank."""
    out = np.zeros(score.shape)
    known = np.isfinite(score)
    _, place, count = np.unique(score[known], return_inverse=True, return_counts=True)
    middle = (np.cumsum(count) - count / 2) / max(int(known.sum()), 1)
    out[known] = middle[place]
    return out


def _softmax(score: np.ndarray, temperature: float) -> np.ndarray:
    top = np.max(score, axis=1, keepdims=True, where=np.isfinite(score), initial=-np.inf)
    return np.exp((score - np.where(np.isfinite(top), top, 0.0)) / temperature)


_NAMED: dict[str, Callable[[np.ndarray, float, float], np.ndarray]] = {
    "clip": lambda score, power, temperature: np.clip(score, 0, 1),
    "power": lambda score, power, temperature: np.clip(score, 0, 1) ** power,
    "relu": lambda score, power, temperature: np.maximum(score, 0),
    "raw": lambda score, power, temperature: score,
    "softmax": lambda score, power, temperature: _softmax(score, temperature),
    "rank": lambda score, power, temperature: _rank(score),
    "equal": lambda score, power, temperature: np.ones(score.shape),
}


SCALE = 2.0**31


def quantise(weights: np.ndarray) -> np.ndarray:
    """Weights as whole numbers, each problem's largest becoming ``SCALE``.

    Sums of whole numbers are exact in double precision, whatever the order of addition. What rounding the weights does
    to a total is covered by :func:`tie_margin`.
    """
    top = weights.max(axis=1, keepdims=True, initial=0.0)
    return np.rint(weights / np.where(top > 0, top, 1.0) * SCALE)


def tie_margin(n_votes: int) -> float:
    """How far apart two totals of quantised weights may be and still tie.

    Rounding moves each vote by half a unit at most, so two equal totals of ``n_votes`` votes between them come out at
    most this far apart. That is a hundred-millionth of the largest weight for 43 votes.

    Examples
    --------
    One vote of weight 1 against three of 1/3:

    >>> whole = quantise(np.array([[1, 1 / 3, 1 / 3, 1 / 3]]))[0]
    >>> float(whole[0] - whole[1:].sum()), tie_margin(4)
    (-1.0, 2.0)
    """
    return n_votes / 2
