"""Two runs on the same problems, compared problem by problem.

What makes a problem hard is hard for both runs; taking the difference within each problem removes it, so the interval
of a difference is much narrower than the two intervals side by side suggest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from laser_core.analysis.estimates import Estimate, Statistic, mean_interval
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.separation import (
    Ranked,
    accuracy_statistic,
    auroc_statistic,
    cell_statistics,
    within_problem_statistic,
)
from laser_core.analysis.voting.curve import subset_sizes, voting_curve
from laser_core.analysis.voting.weights import Weight
from laser_core.errors import InputError

CURVES = ("pass", "majority", "weighted", "best_of_n")


@dataclass(frozen=True)
class Difference:
    """A metric of two runs, and the paired difference second minus first."""

    first: Estimate
    second: Estimate
    difference: Estimate


@dataclass(frozen=True)
class Comparison:
    """Second run minus first, on the problems both have.

    Attributes
    ----------
    accuracy, auroc, within_problem_auroc, balanced_f1 : Difference
    n : ndarray of int of shape (n_sizes,)
    curves : dict of str to (difference, low, high), each an ndarray of shape (n_sizes,)
        Keys "pass", "majority", "weighted", "best_of_n".
    n_problems : int
        Common problems.
    n_only_first, n_only_second : int
        Problems left out.
    """

    accuracy: Difference
    auroc: Difference
    within_problem_auroc: Difference
    balanced_f1: Difference
    n: np.ndarray
    curves: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
    n_problems: int
    n_only_first: int
    n_only_second: int


def compare(
    first: Samples,
    second: Samples,
    *,
    threshold: float = 0.5,
    n_max: int | None = None,
    weight: Weight | None = None,
    target_se: float = 0.002,
    seed: int = 0,
) -> Comparison:
    """Compare two runs on their common problems (matched by ``problem_id``).

    Parameters
    ----------
    first, second : Samples
    threshold : float
        Of the balanced F1.
    n_max : int, optional
    weight : str or callable, optional
    target_se : float
    seed : int
        As in :func:`~laser_core.analysis.voting_curve`.

    Raises
    ------
    InputError
        If the runs have no problem in common.

    Examples
    --------
    >>> a = Samples.from_arrays(correct=[[1, 0], [0, 0], [1, 1]])
    >>> b = Samples.from_arrays(correct=[[1, 1], [1, 0], [1, 1]])
    >>> compare(a, b).accuracy.difference.value.__round__(3)
    0.333
    """
    position = {name: p for p, name in enumerate(second.problem_ids)}
    pairs = [(p, position[name]) for p, name in enumerate(first.problem_ids) if name in position]
    if not pairs:
        raise InputError(
            "the two runs have no problem in common", field="problem_id", remedy="sample both from the same problems"
        )
    rows = np.array(pairs).T
    a, b = first.take(rows[0]), second.take(rows[1])
    ranked = Ranked.of(a), Ranked.of(b)
    sizes, curves = _curve_differences(a, b, n_max=n_max, weight=weight, target_se=target_se, seed=seed)
    return Comparison(
        accuracy=_difference(accuracy_statistic(a), accuracy_statistic(b)),
        auroc=_difference(*map(auroc_statistic, ranked)),
        within_problem_auroc=_difference(*map(within_problem_statistic, ranked)),
        balanced_f1=_difference(*(cell_statistics(r, threshold).balanced_f1 for r in ranked)),
        n=sizes,
        curves=curves,
        n_problems=len(pairs),
        n_only_first=first.n_problems - len(pairs),
        n_only_second=second.n_problems - len(pairs),
    )


def _difference(first: Statistic, second: Statistic) -> Difference:
    return Difference(first.estimate(), second.estimate(), second.minus(first).estimate())


def _curve_differences(
    a: Samples, b: Samples, *, n_max: int | None, weight: Weight | None, target_se: float, seed: int
) -> tuple[np.ndarray, dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]]:
    """Paired differences at every N both runs reach, on the problems that can vote in both."""
    try:
        n_max = n_max or min(int(subset_sizes(samples, None, None)[0][-1]) for samples in (a, b))
        curves = [
            voting_curve(samples, n_max=n_max, weight=weight, target_se=target_se, seed=seed) for samples in (a, b)
        ]
    except InputError:  # one of the runs has no verdicts to vote with; the other differences stand
        return np.zeros(0, int), {}
    common, in_a, in_b = np.intersect1d(curves[0].problems, curves[1].problems, return_indices=True)
    if not len(common):
        return np.zeros(0, int), {}

    def paired(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        values = curves[1].per_problem[name][in_b] - curves[0].per_problem[name][in_a]
        return mean_interval(values, scale="signed")

    return curves[0].n, {name: paired(name) for name in CURVES}
