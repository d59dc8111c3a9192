"""One actual vote: which solutions were drawn, what they answered, which answer won."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from laser_core.analysis.samples import Samples
from laser_core.analysis.voting.ballots import answer_table
from laser_core.analysis.voting.majority import full_vote
from laser_core.analysis.voting.weights import Weight, quantise, tie_margin, vote_weights
from laser_core.errors import InputError


@dataclass(frozen=True)
class Vote:
    """A vote among some solutions of one problem. The answers are listed by falling count, then by falling weight.

    Attributes
    ----------
    problem : int
        Position in the samples.
    rows : ndarray of int of shape (n,)
        Table rows of the solutions drawn, in the order of drawing.
    answer : ndarray of int of shape (n_answers,)
        Numbers of the answers given (as in ``Samples.answer``).
    count : ndarray of int of shape (n_answers,)
    weight : ndarray of float of shape (n_answers,)
        Sum of the weights of the solutions that give the answer.
    representative : ndarray of int of shape (n_answers,)
        Table row of the highest-scoring solution that gives the answer.
    correct : ndarray of float of shape (n_answers,)
        1, 0, or NaN where no solution with this answer has a verdict.
    majority_winners, weighted_winners : ndarray of bool of shape (n_answers,)
        More than one where answers tie; all of them where every weight is 0.
    n_unanswered : int
        Solutions drawn that cast no vote.
    """

    problem: int
    rows: np.ndarray
    answer: np.ndarray
    count: np.ndarray
    weight: np.ndarray
    representative: np.ndarray
    correct: np.ndarray
    majority_winners: np.ndarray
    weighted_winners: np.ndarray
    n_unanswered: int


def draw_vote(samples: Samples, problem: int, n: int, *, seed: int, weight: Weight | None = None) -> Vote:
    """Draw ``n`` solutions of a problem without replacement and let them vote.

    Parameters
    ----------
    samples : Samples
    problem : int
        Position in the samples.
    n : int
    seed : int
        The same seed draws the same solutions.
    weight : str or callable, optional
        As in :func:`~laser_core.analysis.voting_curve`.

    Raises
    ------
    InputError
        If the problem has fewer than ``n`` solutions.

    Examples
    --------
    >>> samples = Samples.from_arrays(correct=[[1, 0, 0]], score=[[0.9, 0.2, 0.3]], answer=[[0, 1, 1]])
    >>> vote = draw_vote(samples, 0, 3, seed=0)
    >>> vote.answer.tolist(), vote.count.tolist(), vote.weight.tolist(), vote.correct.tolist()
    ([1, 0], [2, 1], [0.5, 0.9], [0.0, 1.0])
    >>> vote.majority_winners.tolist(), vote.weighted_winners.tolist()
    ([True, False], [False, True])
    """
    present = np.flatnonzero(samples.present[problem])
    if not 1 <= n <= len(present):
        raise InputError(f"cannot draw {n} of {len(present)} solutions", field="n", remedy="draw fewer")
    drawn = np.random.default_rng([seed, problem]).permutation(present)[:n]
    answer, score = samples.answer[problem, drawn], samples.score[problem, drawn]
    # Weights may depend on the other scores of the run (ranks), so all of them are made.
    weights = vote_weights(samples.score, weight or samples.default_weight)[problem]
    whole = quantise(weights[None])[0][drawn]
    given = answer[answer >= 0]
    answers, count = np.unique(given, return_counts=True)
    member = answer[None, :] == answers[:, None]  # (n_answers, n)
    total, exact_total = member @ weights[drawn], member @ whole
    order = np.lexsort((-exact_total, -count))
    _, known, correct = answer_table(samples.take(np.array([problem])))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (correct / known)[0, answers]
    by_score = np.argsort(-np.nan_to_num(score, nan=-np.inf), kind="stable")
    best = by_score[np.argmax(member[:, by_score], axis=1)] if len(answers) else np.zeros(0, int)
    leads = [
        values >= values.max(initial=0) - margin for values, margin in ((count, 0.0), (exact_total, tie_margin(n)))
    ]
    return Vote(
        problem=int(problem),
        rows=samples.row[problem, drawn],
        answer=answers[order],
        count=count[order],
        weight=total[order],
        representative=samples.row[problem, drawn][best][order],
        correct=np.where(np.isnan(share), np.nan, share > 0.5)[order],
        majority_winners=leads[0][order],
        weighted_winners=leads[1][order],
        n_unanswered=int((answer < 0).sum()),
    )


@dataclass(frozen=True)
class FullVotes:
    """The votes of all solutions of every problem.

    Attributes
    ----------
    majority, weighted : ndarray of shape (n_problems,)
        1 where a correct answer wins, its share where answers tie, NaN where no solution has a verdict or an answer.
    majority_leaders, weighted_leaders : ndarray of int of shape (n_problems,)
        Number of answers that lead; more than one is a tie. Where every weight is 0, all answers given lead.
    """

    majority: np.ndarray
    weighted: np.ndarray
    majority_leaders: np.ndarray
    weighted_leaders: np.ndarray


def full_votes(samples: Samples, *, weight: Weight | None = None) -> FullVotes:
    """Let all solutions of every problem vote.

    Parameters
    ----------
    samples : Samples
    weight : str or callable, optional
        As in :func:`~laser_core.analysis.voting_curve`.

    Examples
    --------
    >>> votes = full_votes(Samples.from_arrays(correct=[[1, 0, 0]], score=[[0.9, 0.2, 0.3]], answer=[[0, 1, 1]]))
    >>> votes.majority.tolist(), votes.weighted.tolist()
    ([0.0], [1.0])
    """
    count, known, correct = answer_table(samples)
    with np.errstate(invalid="ignore", divide="ignore"):
        winning = correct / known > 0.5
    verified = (known > 0).any(axis=1)
    answered = samples.answer >= 0
    whole = quantise(vote_weights(samples.score, (weight or samples.default_weight) if samples.has_scores else "equal"))
    n_answers = count.shape[1]
    flat = (np.arange(samples.n_problems)[:, None] * n_answers + samples.answer)[answered]
    total = np.bincount(flat, whole[answered], samples.n_problems * n_answers).reshape(-1, n_answers)
    given = count > 0
    credit, leaders = full_vote(np.where(given, count, -1), winning)
    margin = tie_margin(samples.answer.shape[1])
    credit_weighted, leaders_weighted = full_vote(np.where(given, total, -1), winning, margin=margin)
    return FullVotes(
        np.where(verified, credit, np.nan), np.where(verified, credit_weighted, np.nan), leaders, leaders_weighted
    )
