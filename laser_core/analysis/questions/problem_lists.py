"""Which problems to look at: lists by what happened in them, and how hard they were."""

from __future__ import annotations

import numpy as np

from laser_core.analysis.questions.drilldown import drill_down
from laser_core.analysis.samples import Samples
from laser_core.analysis.tokens.traces import SOURCES, sharpest_changes
from laser_core.analysis.voting.one_vote import full_votes
from laser_core.analysis.voting.weights import Weight
from laser_core.rollouts.schema import Rollouts

KINDS = (
    "mixed",
    "fixed_by_weights",
    "broken_by_weights",
    "tie_broken",
    "tied",
    "confident_incorrect",
    "turns",
    "unsolved",
    "all",
)


def problem_lists(
    samples: Samples, *, rollouts: Rollouts | None = None, threshold: float = 0.5, weight: Weight | None = None
) -> dict[str, np.ndarray]:
    """Positions of problems by what happened in them, the most informative first.

    Parameters
    ----------
    samples : Samples
    rollouts : Rollouts, optional
        The table the samples were made from; with a ``z_trace`` it adds "turns".
    threshold : float
        A solution is predicted correct when its score is above it.
    weight : str or callable, optional
        As in :func:`~laser_core.analysis.voting_curve`.

    Returns
    -------
    dict
        - "mixed": correct and incorrect solutions, the most evenly split first;
        - "fixed_by_weights": the weighted vote is correct and the majority is not, the most evenly split problem first
          (there a vote of a few solutions shows it too); "broken_by_weights": the reverse;
        - "tie_broken": the majority ties, and the weighted vote has one winner, a correct one;
        - "tied": the majority ties;
        - "confident_incorrect": an incorrect solution is predicted correct, the highest score first;
        - "turns": by the size of the sharpest change in any solution's trace of z_c, the largest first;
        - "unsolved": no correct solution;
        - "all": in table order.

    Examples
    --------
    >>> samples = Samples.from_arrays(
    ...     correct=[[1, 0, 0], [1, 0, 0]], score=[[0.9, 0.2, 0.6], [0.9, 0.1, 0.1]], answer=[[0, 1, 2], [0, 1, 1]]
    ... )
    >>> lists = problem_lists(samples)
    >>> [lists[kind].tolist() for kind in ("tie_broken", "fixed_by_weights", "confident_incorrect")]
    [[0], [1], [0]]
    """
    drill = drill_down(samples, threshold=threshold, weight=weight)
    votes = full_votes(samples, weight=weight)
    n_correct, known = np.nansum(samples.correct, axis=1), np.isfinite(samples.correct).sum(axis=1)
    even = np.argsort(np.abs(2 * n_correct - known), kind="stable")
    problem = np.empty(int(samples.row.max(initial=-1)) + 1, np.int64)
    problem[samples.row[samples.present]] = np.nonzero(samples.present)[0]
    broken = (votes.majority_leaders > 1) & (votes.weighted_leaders == 1) & (votes.weighted == 1)
    lists = {
        "mixed": even[((n_correct > 0) & (n_correct < known))[even]],
        "fixed_by_weights": even[np.isin(even, drill.fixed_by_weights)],
        "broken_by_weights": drill.broken_by_weights,
        "tie_broken": drill.ties[broken[drill.ties]],
        "tied": drill.ties,
        "confident_incorrect": _first_of_each(problem[drill.confident_incorrect]),
        "turns": np.zeros(0, int),
        "unsolved": drill.unsolved,
        "all": np.arange(samples.n_problems),
    }
    if rollouts is not None and all(rollouts.has(name) for name in SOURCES["z_logprob"]):
        size = sharpest_changes(rollouts)
        rows = np.argsort(-np.nan_to_num(size, nan=-np.inf), kind="stable")
        used = np.isfinite(size[rows]) & np.isin(rows, samples.row[samples.present])
        lists["turns"] = _first_of_each(problem[rows[used]])
    return lists


def difficulty(samples: Samples) -> np.ndarray:
    """Share of incorrect solutions in each problem, of shape (n_problems,); NaN where no verdict is known.

    Examples
    --------
    >>> difficulty(Samples.from_arrays(correct=[[1, 0], [1, 1]])).tolist()
    [0.5, 0.0]
    """
    known = np.isfinite(samples.correct).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(1 - np.nansum(samples.correct, axis=1) / known)


def _first_of_each(problems: np.ndarray) -> np.ndarray:
    """The distinct entries in order of first appearance."""
    found, first = np.unique(problems, return_index=True)
    return np.asarray(found[np.argsort(first)])


def order_solutions(samples: Samples, problem: int, values: np.ndarray | None = None) -> np.ndarray:
    """A problem's solutions as positions in its row of the grid, those to look at first in front.

    Parameters
    ----------
    samples : Samples
    problem : int
        Position of the problem.
    values : ndarray of shape (n_rows,), optional
        One value per row of the table, such as :func:`~laser_core.analysis.solution_measures` gives; the largest comes
        first, unknown ones last. None: correct solutions first, each kind by falling score.

    Examples
    --------
    >>> samples = Samples.from_arrays(correct=[[0, 1, 1]], score=[[0.9, 0.2, 0.8]])
    >>> order_solutions(samples, 0).tolist(), order_solutions(samples, 0, np.array([5.0, 7.0, np.nan])).tolist()
    ([2, 1, 0], [1, 0, 2])
    """
    cells = np.flatnonzero(samples.present[problem])
    if values is not None:
        order = np.argsort(-np.nan_to_num(values[samples.row[problem, cells]], nan=-np.inf), kind="stable")
        return np.asarray(cells[order])
    verdict = np.nan_to_num(samples.correct[problem, cells], nan=-1.0)
    return cells[np.lexsort((-np.nan_to_num(samples.score[problem, cells], nan=-np.inf), -verdict))]
