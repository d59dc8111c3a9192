"""Which problems to look at: lists by what happened to them, and how hard they were."""

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
    "flipped_to_right",
    "flipped_to_wrong",
    "tie_broken",
    "tied",
    "confident_wrong",
    "turns",
    "unsolved",
    "all",
)


def problem_lists(
    samples: Samples, *, rollouts: Rollouts | None = None, threshold: float = 0.5, weight: Weight | None = None
) -> dict[str, np.ndarray]:
    """Positions of problems by what happened to them, the most telling first.

    Parameters
    ----------
    samples : Samples
    rollouts : Rollouts, optional
        The table the samples were made from; with a ``z_trace`` it adds "turns".
    threshold : float
        A solution is judged correct above it.
    weight : str or callable, optional
        As in :func:`~laser_core.analysis.voting_curve`.

    Returns
    -------
    dict
        - "mixed": correct and incorrect solutions, the most evenly split first;
        - "flipped_to_right": the weights make a correct answer the winner, the most evenly split problem first (there
          a vote of a few solutions shows it, too); "flipped_to_wrong": they make a wrong one win;
        - "tie_broken": the majority ties, and the weighted vote has one winner, a correct one;
        - "tied": the majority ties;
        - "confident_wrong": an incorrect solution is judged correct, the highest score first;
        - "turns": by the size of the sharpest change in any solution's trace of z_c, the largest first;
        - "unsolved": no correct solution;
        - "all": in table order.

    Examples
    --------
    >>> samples = Samples.from_arrays(
    ...     correct=[[1, 0, 0], [1, 0, 0]], score=[[0.9, 0.2, 0.6], [0.9, 0.1, 0.1]], answer=[[0, 1, 2], [0, 1, 1]]
    ... )
    >>> lists = problem_lists(samples)
    >>> [lists[kind].tolist() for kind in ("tie_broken", "flipped_to_right", "confident_wrong")]
    [[0], [1], [0]]
    """
    drill = drill_down(samples, threshold=threshold, weight=weight)
    votes = full_votes(samples, weight=weight)
    right, known = np.nansum(samples.correct, axis=1), np.isfinite(samples.correct).sum(axis=1)
    even = np.argsort(np.abs(2 * right - known), kind="stable")
    problem = np.empty(int(samples.row.max(initial=-1)) + 1, np.int64)
    problem[samples.row[samples.present]] = np.nonzero(samples.present)[0]
    broken = (votes.majority_leaders > 1) & (votes.weighted_leaders == 1) & (votes.weighted == 1)
    lists = {
        "mixed": even[((right > 0) & (right < known))[even]],
        "flipped_to_right": even[np.isin(even, drill.flipped_to_right)],
        "flipped_to_wrong": drill.flipped_to_wrong,
        "tie_broken": drill.ties[broken[drill.ties]],
        "tied": drill.ties,
        "confident_wrong": _first_of_each(problem[drill.confident_wrong]),
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
    """Share of incorrect solutions of each problem, shape (n_problems,); NaN where no verdict is known.

    Examples
    --------
    >>> difficulty(Samples.from_arrays(correct=[[1, 0], [1, 1]])).tolist()
    [0.5, 0.0]
    """
    known = np.isfinite(samples.correct).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return 1 - np.nansum(samples.correct, axis=1) / known


def _first_of_each(problems: np.ndarray) -> np.ndarray:
    """The distinct entries in order of first appearance."""
    found, first = np.unique(problems, return_index=True)
    return found[np.argsort(first)]


def order_solutions(samples: Samples, problem: int, values: np.ndarray | None = None) -> np.ndarray:
    """A problem's solutions as positions in its row of the grid, the first to look at in front.

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
        return cells[np.argsort(-np.nan_to_num(values[samples.row[problem, cells]], nan=-np.inf), kind="stable")]
    verdict = np.nan_to_num(samples.correct[problem, cells], nan=-1.0)
    return cells[np.lexsort((-np.nan_to_num(samples.score[problem, cells], nan=-np.inf), -verdict))]
