"""How well a score separates correct from incorrect solutions: AUROC, AUROC within a problem, balanced F1.

Point values alone, in plain NumPy. The training loop logs them for each batch, and ``laser_core.analysis`` puts an
interval around them; both take the definitions from here. A solution without a score or without a verdict is left out
by the caller.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def true_rates(y_true: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
    """True positive rate and true negative rate; NaN for a class that is missing.

    Parameters
    ----------
    y_true : ndarray of bool of shape (n,)
        Whether the solution is correct.
    predicted : ndarray of bool of shape (n,)
        Whether it is predicted correct: its score is above the threshold.

    Examples
    --------
    >>> true_rates(np.array([True, True, False]), np.array([True, False, False]))
    (0.5, 1.0)
    """
    tp, fp = int((y_true & predicted).sum()), int((~y_true & predicted).sum())
    n_correct, n_incorrect = int(y_true.sum()), int((~y_true).sum())
    return tp / n_correct if n_correct else np.nan, 1 - fp / n_incorrect if n_incorrect else np.nan


def balanced_f1(tpr: ArrayLike, tnr: ArrayLike) -> np.ndarray:
    """Harmonic mean of TPR and TNR, which the paper calls F1; 0 where both are 0, NaN where one is undefined.

    Parameters
    ----------
    tpr, tnr : array_like
        True positive rates and true negative rates, of one shape.

    Examples
    --------
    >>> balanced_f1([0.5, 0.0], [1.0, 0.0]).round(3).tolist()
    [0.667, 0.0]
    """
    tpr, tnr = np.asarray(tpr, float), np.asarray(tnr, float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(tpr + tnr == 0, 0.0, 2 * tpr * tnr / (tpr + tnr))


def auroc(y_true: np.ndarray, score: np.ndarray) -> float:
    """Probability that a correct solution scores above an incorrect one, over all pairs; a tie counts one half.

    Parameters
    ----------
    y_true : ndarray of bool of shape (n,)
    score : ndarray of float of shape (n,)

    Returns
    -------
    float
        NaN where a class is missing.

    Examples
    --------
    Of the four pairs three are in order and one is a tie: (3 + 0.5) / 4.

    >>> auroc(np.array([True, True, False, False]), np.array([0.9, 0.4, 0.4, 0.1]))
    0.875
    """
    distinct, place = np.unique(score, return_inverse=True)
    place = len(distinct) - 1 - place  # from the largest score down
    counts = [np.bincount(place[y_true == kind], minlength=len(distinct)) for kind in (True, False)]
    if not (counts[0].any() and counts[1].any()):
        return float("nan")
    beats, _ = pairs_won(*(np.append(0, np.cumsum(count)) for count in counts))
    return float(counts[0] @ beats / counts[0].sum())


def pairs_won(correct_above: np.ndarray, incorrect_above: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At each distinct score, the share of pairs that are in order; ties count one half.

    Parameters
    ----------
    correct_above, incorrect_above : ndarrays of int of shape (n_distinct + 1,)
        Correct (incorrect) solutions above each distinct score, from the largest down; the last entry counts all.

    Returns
    -------
    of_correct, of_incorrect : ndarrays of shape (n_distinct,)
        The share of the incorrect solutions below a correct one with this score, and the share of the correct solutions
        above an incorrect one with this score.

    Examples
    --------
    One correct solution at 0.9, one of each kind at 0.4, one incorrect at 0.1:

    >>> [share.tolist() for share in pairs_won(np.array([0, 1, 2, 2]), np.array([0, 0, 1, 2]))]
    [[1.0, 0.75, 0.25], [0.25, 0.75, 1.0]]
    """
    of_correct = (incorrect_above[:-1] + incorrect_above[1:]) * (-0.5 / incorrect_above[-1])
    of_correct += 1  # in place: the arrays can be as long as the table
    of_incorrect = (correct_above[:-1] + correct_above[1:]) * (0.5 / correct_above[-1])
    return of_correct, of_incorrect


def within_problem_aurocs(
    y_true: np.ndarray, score: np.ndarray, problem: np.ndarray, *, n_problems: int | None = None
) -> np.ndarray:
    """AUROC of each problem's own solutions, from their ranks (the Mann-Whitney statistic).

    Parameters
    ----------
    y_true : ndarray of bool of shape (n,)
    score : ndarray of float of shape (n,)
    problem : ndarray of int of shape (n,)
        Number of the problem each solution belongs to, from 0.
    n_problems : int, optional
        None: the largest number in ``problem``, plus one.

    Returns
    -------
    ndarray of shape (n_problems,)
        NaN for a problem whose solutions are all correct, or all incorrect.

    Examples
    --------
    In problem 0 the correct solution beats one of two and ties with the other; problem 1 has no incorrect one.

    >>> y_true, score = np.array([True, False, False, True]), np.array([0.4, 0.4, 0.1, 0.9])
    >>> within_problem_aurocs(y_true, score, np.array([0, 0, 0, 1])).tolist()
    [0.75, nan]
    """
    order = np.lexsort((score, problem))
    problem, score, y_true = problem[order], score[order], y_true[order]
    # Twice the mid-ranks over the whole sequence; the rows of earlier problems come off again below.
    new = np.append(True, (problem[1:] != problem[:-1]) | (score[1:] != score[:-1]))[: len(order)]
    start = np.flatnonzero(new)
    size = np.append(start[1:], len(order)) - start
    rank = np.repeat(2 * start + size + 1, size)
    count = np.bincount(problem, minlength=n_problems or 0)
    n_correct = np.bincount(problem[y_true], minlength=len(count))
    before = np.cumsum(count) - count
    rank_sum = np.bincount(problem[y_true], weights=rank[y_true], minlength=len(count)) / 2 - before * n_correct
    pairs = n_correct * (count - n_correct)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(pairs > 0, (rank_sum - n_correct * (n_correct + 1) / 2) / pairs, np.nan)


def within_problem_auroc(y_true: np.ndarray, score: np.ndarray, problem: np.ndarray) -> float:
    """Mean of :func:`within_problem_aurocs` over the problems that have both kinds of solution; NaN where none has."""
    aurocs = within_problem_aurocs(y_true, score, problem)
    mixed = np.isfinite(aurocs)
    return float(aurocs[mixed].mean()) if mixed.any() else float("nan")
