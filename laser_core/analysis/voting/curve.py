"""Accuracy as the number of solutions per problem grows: pass@N, majority, weighted vote, best-of-N."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from laser_core.analysis.estimates import Estimate, mean_interval
from laser_core.analysis.samples import Samples
from laser_core.analysis.voting.ballots import Ballots
from laser_core.analysis.voting.closed_forms import best_of, pass_at
from laser_core.analysis.voting.majority import EXACT_LIMIT, majority_vote
from laser_core.analysis.voting.resample import resample_votes
from laser_core.analysis.voting.weights import Weight, vote_weights
from laser_core.errors import InputError

CurveName = Literal["pass_", "majority", "weighted", "best_of_n", "weighted_minus_majority"]
DENSE = 64  # up to here every N by default, beyond it about every 9%


@dataclass(frozen=True)
class VotingCurve:
    """Expected accuracy over random subsets of N of each problem's solutions, drawn without replacement.

    Attributes
    ----------
    n : ndarray of int of shape (n_sizes,)
        Subset sizes N.
    pass_, majority, weighted, best_of_n : ndarray of shape (n_sizes,)
        Mean over problems of the chance that a correct solution is among the N (``pass_``), that the most frequent
        answer is correct (``majority``), the answer with the largest sum of weights (``weighted``), the solution with
        the highest score (``best_of_n``). Ties share evenly. NaN where the table has no answers (votes) or no scores
        (weighted, best-of-N).
    pass_se, majority_se, weighted_se, best_of_n_se : ndarray of shape (n_sizes,)
        Monte-Carlo standard errors; 0 where the value is exact.
    pass_low, pass_high, majority_low, ... : ndarray of shape (n_sizes,)
        95% bands with the problem as unit: what other problems of this kind would show.
    weighted_minus_majority, weighted_minus_majority_low, weighted_minus_majority_high : ndarray of shape (n_sizes,)
        The gain of weighting, paired by problem.
    tied, weighted_tied : ndarray of shape (n_sizes,)
        Share of the majority votes, and of the weighted votes, that a tie decides.
    n_weightless : int
        Problems with several answers in which every vote weighs 0. Their weighted votes are coin tosses, and tied.
    n_problems, n_left_out : int
        Problems behind every point, and problems with too few solutions or unknown verdicts.
    n_orders : int
        Random orders per problem behind ``weighted`` and both ``tied``; 0 if there was nothing to estimate.
    n_conflicts : int
        Answers that the verifier found correct in one solution and incorrect in another.
    weight : str
    per_problem : dict of str to ndarray of shape (n_problems, n_sizes)
        The four curves before averaging.
    problems : ndarray of int of shape (n_problems,)
        Their positions in the samples.
    """

    n: np.ndarray
    pass_: np.ndarray
    majority: np.ndarray
    weighted: np.ndarray
    best_of_n: np.ndarray
    pass_se: np.ndarray
    majority_se: np.ndarray
    weighted_se: np.ndarray
    best_of_n_se: np.ndarray
    pass_low: np.ndarray
    pass_high: np.ndarray
    majority_low: np.ndarray
    majority_high: np.ndarray
    weighted_low: np.ndarray
    weighted_high: np.ndarray
    best_of_n_low: np.ndarray
    best_of_n_high: np.ndarray
    weighted_minus_majority: np.ndarray
    weighted_minus_majority_low: np.ndarray
    weighted_minus_majority_high: np.ndarray
    tied: np.ndarray
    weighted_tied: np.ndarray
    n_weightless: int
    n_problems: int
    n_left_out: int
    n_orders: int
    n_conflicts: int
    weight: str
    per_problem: dict[str, np.ndarray] = field(repr=False)
    problems: np.ndarray = field(repr=False)

    def band(self, name: CurveName) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One curve, and the lower and upper end of its 95% band; each of shape (n_sizes,)."""
        stem = name.rstrip("_")
        value, low, high = (getattr(self, part) for part in (name, f"{stem}_low", f"{stem}_high"))
        return np.asarray(value, float), np.asarray(low, float), np.asarray(high, float)

    def minus_majority(self, name: Literal["pass_", "weighted", "best_of_n"]) -> tuple[np.ndarray, ...]:
        """One curve minus the majority vote's, paired by problem, and its 95% band; three arrays of shape (n_sizes,).

        A single solution wins whatever its weight, so the weighted vote's difference at N = 1 is 0 without a band.
        """
        if name == "weighted":
            return self.band("weighted_minus_majority")
        per_problem = self.per_problem[name.rstrip("_")] - self.per_problem["majority"]
        value, low, high = mean_interval(per_problem, scale="signed")
        alone = self.n == 1
        return value, np.where(alone, value, low), np.where(alone, value, high)

    def at(self, name: CurveName, n: int) -> Estimate:
        """One curve's value at ``n`` solutions, with its 95% interval over problems; ``n`` must be one of the sizes."""
        place = int(np.flatnonzero(self.n == n)[0])
        value, low, high = (float(part[place]) for part in self.band(name))
        return Estimate(value, low, high, self.n_problems)

    def largest_n(self, most: int) -> int:
        """The largest size that is at most ``most``."""
        return int(self.n[self.n <= most].max())


def voting_curve(
    samples: Samples,
    *,
    n_max: int | None = None,
    n_values: np.ndarray | Sequence[int] | None = None,
    target_se: float = 0.002,
    seed: int = 0,
    weight: Weight | None = None,
    power: float = 1.0,
    temperature: float = 1.0,
) -> VotingCurve:
    """Every voting curve of one run.

    pass@N, best-of-N and majority voting are exact; the weighted vote is estimated on shared random subsets with the
    exact majority as control variate.

    Parameters
    ----------
    samples : Samples
    n_max : int, optional
        Largest N. Problems with fewer solutions are left out, so that every point describes the same problems. None
        chooses the largest N that nine problems in ten reach.
    n_values : array of int, optional
        The N to compute. None: every N up to 64, then about every ninth percent.
    target_se : float
        Monte-Carlo standard error to reach, in units of accuracy.
    seed : int
    weight : str or callable, optional
        See :func:`~laser_core.analysis.vote_weights`; also "borda", the solution's rank among the subset's scores (from
        1), to the power ``power``. None: "clip" for the score, "rank" for a signal that leaves [0, 1].
    power, temperature : float
        See :func:`~laser_core.analysis.vote_weights`.

    Raises
    ------
    InputError
        If no problem has enough solutions with known verdicts.

    Examples
    --------
    >>> samples = Samples.from_arrays(
    ...     correct=[[1, 0, 0]] * 4, score=[[0.9, 0.2, 0.3]] * 4, answer=[[0, 1, 1]] * 4
    ... )
    >>> curve = voting_curve(samples)
    >>> curve.n.tolist(), curve.majority.round(3).tolist(), curve.weighted.round(3).tolist()
    ([1, 2, 3], [0.333, 0.333, 0.0], [0.333, 0.667, 1.0])
    """
    weight = weight or samples.default_weight
    sizes, ballots = subset_sizes(samples, n_max, n_values)
    nothing = np.full((ballots.n_problems, len(sizes)), np.nan)
    zero = np.zeros(len(sizes))
    values = {"pass": pass_at(ballots, sizes), "majority": nothing, "weighted": nothing, "best_of_n": nothing}
    se = dict.fromkeys(values, zero)
    tied, weighted_tied, n_orders, n_weightless = nothing, nothing, 0, 0
    if samples.has_scores:
        values["best_of_n"] = best_of(ballots, sizes)
    if samples.has_answers:
        exact = None
        if ballots.size.max() <= EXACT_LIMIT:
            exact = majority_vote(ballots.votes, ballots.winning, ballots.size, sizes)
        weights = _weights(ballots.score, weight if samples.has_scores else "equal", power, temperature)
        drawn = resample_votes(ballots, weights, sizes, exact_majority=exact, target_se=target_se, seed=seed)
        tied, n_orders = drawn.tied, drawn.n_orders
        values["majority"] = drawn.majority if exact is None else exact
        se["majority"] = drawn.majority_se if exact is None else zero
        if samples.has_scores:
            values["weighted"], se["weighted"] = drawn.weighted, drawn.weighted_se
            weighted_tied, n_weightless = drawn.weighted_tied, _weightless(ballots, weights)
    bands: dict[str, np.ndarray] = {}
    for name, per_problem in values.items():
        mean, low, high = mean_interval(per_problem)
        field_name = "pass_" if name == "pass" else name
        bands |= {field_name: mean, f"{name}_low": low, f"{name}_high": high, f"{name}_se": se[name]}
    gain, gain_low, gain_high = mean_interval(values["weighted"] - values["majority"], scale="signed")
    alone = sizes == 1  # a single vote wins whatever its weight: no estimate, so no interval
    gain_low, gain_high = np.where(alone, gain, gain_low), np.where(alone, gain, gain_high)
    return VotingCurve(
        n=sizes,
        **bands,
        weighted_minus_majority=gain,
        weighted_minus_majority_low=gain_low,
        weighted_minus_majority_high=gain_high,
        tied=tied.mean(axis=0),
        weighted_tied=weighted_tied.mean(axis=0),
        n_weightless=n_weightless,
        n_problems=ballots.n_problems,
        n_left_out=ballots.n_left_out,
        n_orders=n_orders,
        n_conflicts=ballots.n_conflicts,
        weight=weight if isinstance(weight, str) else getattr(weight, "__name__", "custom"),
        per_problem=values,
        problems=ballots.problems,
    )


def _weights(score: np.ndarray, weight: Weight, power: float, temperature: float) -> np.ndarray | float:
    """Vote weights, or the power of a Borda vote."""
    return float(power) if weight == "borda" else vote_weights(score, weight, power=power, temperature=temperature)


def _weightless(ballots: Ballots, weights: np.ndarray | float) -> int:
    """Problems with two answers or more whose votes all weigh 0 (ranks within a subset never do)."""
    if not isinstance(weights, np.ndarray):
        return 0
    nothing = (np.where(ballots.answer >= 0, weights, 0.0) == 0).all(axis=1)
    return int((nothing & ((ballots.votes > 0).sum(axis=1) > 1)).sum())


def subset_sizes(
    samples: Samples, n_max: int | None, n_values: np.ndarray | Sequence[int] | None
) -> tuple[np.ndarray, Ballots]:
    """The N to compute, of shape (n_sizes,), and the problems that have enough solutions for all of them.

    Raises
    ------
    InputError
        If an N is below 1 or no problem has enough solutions.
    """
    if n_values is not None:
        sizes = np.unique(np.asarray(n_values, int))
        if not len(sizes) or sizes[0] < 1:
            raise InputError("subset sizes must be 1 or more", field="n_values")
        return sizes, Ballots.of(samples, n_max=int(sizes[-1]))
    if n_max is not None and n_max < 1:
        raise InputError("the largest subset size must be 1 or more", field="n_max")
    ballots = Ballots.of(samples, n_max=n_max)
    top = int(ballots.size.min()) if n_max is None else n_max
    dense = np.arange(1, min(top, DENSE) + 1)
    if top <= DENSE:
        return dense, ballots
    sparse = np.geomspace(DENSE, top, 1 + int(np.ceil(np.log(top / DENSE) / np.log(1.09))))
    return np.unique(np.concatenate([dense, np.round(sparse).astype(int)])), ballots
