"""What the score is worth in compute: accuracy against tokens sampled, replayed from the table.

Stopping policies: sample a fixed number of solutions; stop when the vote can no longer change; stop when it is decided
at a stated confidence; drop solutions early (:mod:`laser_core.analysis.tokens.early_drop`). Each is replayed on random
orders of each problem's solutions, as if they were being sampled one after another.

References
----------
.. [1] P. Aggarwal et al. Let's sample step by step: adaptive-consistency for efficient reasoning and coding with LLMs.
       EMNLP 2023 (the Beta stopping rule).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betainc

from laser_core.analysis.estimates import confidence_interval, mean_interval, ratio_statistic
from laser_core.analysis.samples import Samples
from laser_core.analysis.tokens.early_drop import EarlyDrop
from laser_core.analysis.voting.ballots import Ballots
from laser_core.analysis.voting.curve import voting_curve
from laser_core.analysis.voting.resample import blocks, random_orders
from laser_core.analysis.voting.walks import ROUND, Leads, Walks
from laser_core.analysis.voting.weights import SCALE, Weight, quantise, tie_margin, vote_weights
from laser_core.errors import InputError

RULES = ("fixed", "certain", "confident")


@dataclass(frozen=True)
class StoppingPolicy:
    """One way to spend tokens, at several budgets.

    Attributes
    ----------
    vote : {"majority", "weighted"}
    stop : {"fixed", "certain", "confident"}
        Sample the whole budget; stop when no further votes can change the winner; stop when the leader is ahead of the
        runner-up with the stated confidence [1]_.
    drop : bool
        Whether solutions are dropped early.
    budget : ndarray of int of shape (n_budgets,)
        Most solutions sampled per problem.
    accuracy, accuracy_low, accuracy_high : ndarray of shape (n_budgets,)
        Mean over problems and its 95% band.
    tokens : ndarray of shape (n_budgets,)
        Mean tokens sampled per problem.
    saved, saved_low, saved_high : ndarray of shape (n_budgets,)
        Share of the tokens saved against the fixed policy with the same budget, and its 95% band.
    change, change_low, change_high : ndarray of shape (n_budgets,)
        Accuracy minus that of the fixed policy with the same vote and budget and no drops, paired by problem, and its
        95% band.
    """

    vote: str
    stop: str
    drop: bool
    budget: np.ndarray
    accuracy: np.ndarray
    accuracy_low: np.ndarray
    accuracy_high: np.ndarray
    tokens: np.ndarray
    saved: np.ndarray
    saved_low: np.ndarray
    saved_high: np.ndarray
    change: np.ndarray
    change_low: np.ndarray
    change_high: np.ndarray


@dataclass(frozen=True)
class ComputeWorth:
    """Every stopping policy, replayed on the same orders.

    Attributes
    ----------
    policies : tuple of StoppingPolicy
    confidence : float
        At which the "confident" policies stop.
    drop : EarlyDrop or None
    n_problems : int
    n_orders : int
        Random orders per problem.
    """

    policies: tuple[StoppingPolicy, ...]
    confidence: float
    drop: EarlyDrop | None
    n_problems: int
    n_orders: int

    def policy(self, vote: str, stop: str, *, drop: bool = False) -> StoppingPolicy:
        """The policy with these parts.

        Parameters
        ----------
        vote : {"majority", "weighted"}
        stop : {"fixed", "certain", "confident"}
        drop : bool
            Whether solutions are dropped early.
        """
        return next(p for p in self.policies if (p.vote, p.stop, p.drop) == (vote, stop, drop))


def compute_worth(
    samples: Samples,
    *,
    drop: EarlyDrop | None = None,
    budgets: np.ndarray | Sequence[int] | None = None,
    confidence: float = 0.95,
    weight: Weight | None = None,
    n_orders: int = 32,
    seed: int = 0,
) -> ComputeWorth:
    """Replay every policy at every budget.

    Parameters
    ----------
    samples : Samples
        With answers and token counts; without scores only the majority policies are replayed.
    drop : EarlyDrop, optional
        From :func:`~laser_core.analysis.early_drop`; adds the policies with drops.
    budgets : array of int, optional
        None: powers of two up to what nine problems in ten reach.
    confidence : float
        At which the "confident" policies stop.
    weight : str or callable, optional
        As in :func:`~laser_core.analysis.voting_curve`.
    n_orders : int
        Random orders per problem, rounded up to a multiple of 16.
    seed : int

    Raises
    ------
    InputError
        If answers or token counts are missing.

    Examples
    --------
    >>> answer = np.array([[0, 0, 0, 0, 1, 2]] * 3)
    >>> samples = Samples.from_arrays(correct=answer == 0, answer=answer, n_tokens=np.full(answer.shape, 10))
    >>> worth = compute_worth(samples, budgets=[5])
    >>> fixed, certain = worth.policy("majority", "fixed"), worth.policy("majority", "certain")
    >>> fixed.tokens.tolist(), bool(certain.tokens[0] < 45), certain.change.tolist()
    ([50.0], True, [0.0])
    """
    if not samples.has_answers:
        raise InputError("votes need answers", field="answer", remedy="extract answers first: `laser convert`")
    if not np.isfinite(samples.n_tokens[samples.present]).all():
        raise InputError("some solutions have no token count", field="n_tokens", remedy="score the file again")
    top = int(np.quantile(samples.counts, 0.1, method="lower"))
    sizes = 2 ** np.arange(int(np.log2(max(top, 1))) + 1) if budgets is None else np.unique(np.asarray(budgets, int))
    ballots = Ballots.of(samples, n_max=int(sizes[-1]))
    weight = weight or samples.default_weight
    curve = voting_curve(samples, n_values=sizes, weight=weight, seed=seed)
    score = ballots.score
    weights = vote_weights(score, weight if samples.has_scores else "equal")
    votes = ("majority", "weighted") if samples.has_scores else ("majority",)
    tokens = _packed(samples.n_tokens, samples, ballots)
    variants = [(False, ballots.answer, tokens)]
    if drop is not None:
        gone = _packed(drop.dropped, samples, ballots)
        variants.append((True, np.where(gone, -1, ballots.answer), _packed(drop.tokens, samples, ballots)))
    rounds = range(-(-n_orders // ROUND))
    results: dict[tuple[str, str, bool], np.ndarray] = {}
    for dropping, answer, spent in variants:
        for vote in votes:
            w = weights if vote == "weighted" else np.ones(weights.shape)
            found = _replay_all(ballots, answer, w, spent, sizes, rounds, confidence, seed)
            results |= {(vote, rule, dropping): value for rule, value in found.items()}
    policies = [
        _policy(key, sizes, value, results[key[0], "fixed", False], curve.per_problem[key[0]])
        for key, value in results.items()
    ]
    return ComputeWorth(tuple(policies), confidence, drop, ballots.n_problems, len(rounds) * ROUND)


def _packed(values: np.ndarray, samples: Samples, ballots: Ballots) -> np.ndarray:
    """A grid of the samples in the order of the ballots: (n_voting_problems, n_samples)."""
    left = np.argsort(~samples.present[ballots.problems], axis=1, kind="stable")
    return np.take_along_axis(values[ballots.problems], left, axis=1)[:, : ballots.answer.shape[1]]


def _replay_all(
    ballots: Ballots,
    answer: np.ndarray,
    weights: np.ndarray,
    tokens: np.ndarray,
    sizes: np.ndarray,
    rounds: range,
    confidence: float,
    seed: int,
) -> dict[str, np.ndarray]:
    """Mean accuracy and tokens per problem and budget, under each rule: (2, n_problems, n_sizes)."""
    out = {rule: np.empty((2, ballots.n_problems, len(sizes))) for rule in RULES}
    bound = max(1.0, float(weights.max(initial=0.0)))  # what one more vote can weigh at most
    per_problem = len(rounds) * ROUND * (ballots.winning.shape[1] + 6 * len(sizes))
    for rows in blocks(ballots.size, per_problem):
        n = int(ballots.size[rows[0]])
        walks = Walks(answer[rows, :n], ballots.winning[rows], random_orders(n, rows, rounds, seed))
        found = _replay(walks, weights[rows, :n], tokens[rows, :n], sizes, confidence, bound)
        for rule, value in found.items():
            out[rule][:, rows] = value
    return out


def _replay(
    walks: Walks, weights: np.ndarray, tokens: np.ndarray, sizes: np.ndarray, confidence: float, bound: float
) -> dict[str, np.ndarray]:
    margin = tie_margin(walks.width)
    vote, tokens = Leads(walks, quantise(weights), margin), walks.arrange(tokens)
    unit = walks.per_walk(weights.max(axis=1) / SCALE)
    slack = 3 * margin / SCALE  # a lead that the remaining votes would turn into a tie is not certain
    shape = (walks.n_walks, len(sizes))
    credit = {rule: np.zeros(shape) for rule in RULES}
    spent = {rule: np.zeros(shape) for rule in RULES}
    settled = np.zeros(shape, bool)  # when "certain" stops depends on the budget, when "confident" stops does not
    sure, sure_credit, sure_spent = np.zeros(walks.n_walks, bool), np.zeros(walks.n_walks), np.zeros(walks.n_walks)
    used = np.zeros(walks.n_walks)
    for position in range(int(sizes.max())):
        vote.add(walks.vote(position))
        used += walks.at(tokens, position)
        now = vote.credit()
        first, second = np.maximum(vote.top, 0) * unit, np.maximum(vote.second, 0) * unit
        stops = ~settled & (
            ((position + 1 + (first - second) / bound)[:, None] > sizes + slack) | (sizes == position + 1)
        )
        credit["certain"] = np.where(stops, now[:, None], credit["certain"])
        spent["certain"] = np.where(stops, used[:, None], spent["certain"])
        settled |= stops
        newly = ~sure & (betainc(second + 1, first + 1, 0.5) > confidence) & (vote.leaders == 1)
        sure_credit, sure_spent = np.where(newly, now, sure_credit), np.where(newly, used, sure_spent)
        sure |= newly
        for i in np.flatnonzero(sizes == position + 1):
            credit["fixed"][:, i], spent["fixed"][:, i] = now, used
            credit["confident"][:, i] = np.where(sure, sure_credit, now)
            spent["confident"][:, i] = np.where(sure, sure_spent, used)
    return {rule: np.stack([walks.by_round(v).mean(axis=0) for v in (credit[rule], spent[rule])]) for rule in RULES}


def _policy(
    key: tuple[str, str, bool], sizes: np.ndarray, value: np.ndarray, fixed: np.ndarray, expected: np.ndarray
) -> StoppingPolicy:
    """Averages over problems. Only differences are taken from the replay; the fixed vote is known better than that."""
    change, change_low, change_high = mean_interval(value[0] - fixed[0], scale="signed")
    accuracy = expected + value[0] - fixed[0]
    mean, low, high = mean_interval(accuracy)
    saved = [ratio_statistic(f - v, f) for v, f in zip(value[1].T, fixed[1].T, strict=True)]
    ends = [confidence_interval(s.value, s.se, len(value[1]), scale="signed") for s in saved]
    _, stop, drop = key
    # Without drops a certain stop changes no vote, and the fixed budget is its own baseline: nothing is estimated.
    if stop in ("fixed", "certain") and not drop:
        change_low = change_high = change
    if stop == "fixed" and not drop:
        ends = [(np.asarray(s.value), np.asarray(s.value)) for s in saved]
    return StoppingPolicy(
        *key,
        budget=sizes,
        accuracy=mean,
        accuracy_low=low,
        accuracy_high=high,
        tokens=value[1].mean(axis=0),
        saved=np.array([s.value for s in saved]),
        saved_low=np.array([float(e[0]) for e in ends]),
        saved_high=np.array([float(e[1]) for e in ends]),
        change=change,
        change_low=change_low,
        change_high=change_high,
    )
