"""Vote weights, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from laser_core.analysis import (
    compute_worth,
    draw_vote,
    full_votes,
    summarize_samples,
    vote_weights,
    voting_curve,
)
from laser_core.errors import InputError
from tests.analysis.builders import HAND, as_samples


def test_weights():
    score = np.array([[0.5, 2.0, np.nan, -1.0]])
    assert vote_weights(score, "clip").tolist() == [[0.5, 1.0, 0.0, 0.0]]
    assert vote_weights(score, "power", power=2).tolist() == [[0.25, 1.0, 0.0, 0.0]]
    assert vote_weights(score, "softmax", temperature=1.5)[0, :2] == pytest.approx([np.exp(-1), 1])
    # Ranks count ties as their middle: of five scores the lower two share (0 + 2) / 2 of 5, the top one is at 4.5 of 5.
    tied = np.array([[2.0, -3.0, np.nan], [2.0, -3.0, 7.0]])
    assert vote_weights(tied, "rank").tolist() == [[0.6, 0.2, 0.0], [0.6, 0.2, 0.9]]
    assert vote_weights(score, "equal").tolist() == [[1, 1, 1, 1]]
    assert vote_weights(score, lambda s: s + 1)[0, 3] == 0
    with pytest.raises(InputError, match="negative"):
        vote_weights(score, "raw")
    with pytest.raises(InputError, match="choose from"):
        vote_weights(score, "wat")


THIRDS = ([0, 1, 1, 1], [1.0, 1 / 3, 1 / 3, 1 / 3], [True, False])  # one weight of 1 against three thirds


@pytest.mark.parametrize(
    ("answers", "score"),
    [
        (THIRDS[0], THIRDS[1]),
        ([0, 1, 1, 1, 1, 1, 1], [0.9, *[0.15] * 6]),
        ([0, 0, 1, 1, 1], [0.1, 0.2, 0.1, 0.1, 0.1]),  # 0.1 + 0.2 is not 0.3 in floating point
        ([0, *[1] * 49], [0.98, *[0.02] * 49]),
    ],
)
def test_equal_totals_tie_whatever_the_rounding(answers, score):
    samples = as_samples((answers, score, [True, False]))
    votes = full_votes(samples)
    assert (votes.weighted.tolist(), votes.weighted_leaders.tolist()) == ([0.5], [2])
    assert draw_vote(samples, 0, len(answers), seed=0).weighted_winners.all()
    curve = voting_curve(samples, n_values=[len(answers)])
    assert (curve.weighted.tolist(), curve.weighted_tied.tolist()) == ([0.5], [1.0])


def test_equal_totals_tie_step_by_step_as_in_bulk():
    # Among 1, 1/3, 1/3, 1/3 the single vote wins every subset it is in, but the whole, which ties: of the subsets of
    # size 1 to 3 it is in 1/4, 1/2, 3/4.
    samples = as_samples(THIRDS)
    assert voting_curve(samples).weighted == pytest.approx([0.25, 0.5, 0.75, 0.5])
    bulk = [voting_curve(samples, n_values=[n]).weighted[0] for n in (1, 2, 3, 4)]
    assert bulk == pytest.approx([0.25, 0.5, 0.75, 0.5])


def test_a_tie_is_no_lead_to_stop_at():
    samples = as_samples(*[THIRDS] * 3)
    samples = replace(samples, n_tokens=np.ones(samples.answer.shape))
    certain = compute_worth(samples, budgets=[4]).policy("weighted", "certain")
    assert certain.accuracy.tolist() == [0.5]


def test_totals_that_differ_do_not_tie():
    samples = as_samples(([0, 1, 1, 1], [1.0, 1 / 3, 1 / 3, 1 / 3 - 1e-7], [True, False]))
    votes = full_votes(samples)
    assert (votes.weighted.tolist(), votes.weighted_leaders.tolist()) == ([1.0], [1])
    assert voting_curve(samples, n_values=[4]).weighted_tied.tolist() == [0.0]


def test_votes_without_weights_are_ties_and_said_so():
    # Problem 1 has no score above 0 and three answers; problem 2 votes as usual; in problem 3 all give one answer.
    samples = as_samples(
        ([0, 1, 1, 2], [-0.1, 0.0, -0.3, 0.0], [True, False, False]),
        ([0, 0, 1, 1], [0.9, 0.8, 0.2, 0.1], [True, False, False]),
        ([0, 0, 0, 0], [-0.1, -0.1, -0.1, -0.1], [True, False, False]),
    )
    assert full_votes(samples).weighted_leaders.tolist() == [3, 1, 1]
    curve = voting_curve(samples, n_values=[1, 4])
    assert curve.n_weightless == 1
    assert curve.per_problem["weighted"][:, 1] == pytest.approx([1 / 3, 1, 1])
    assert curve.weighted_tied == pytest.approx([0, 1 / 3])
    summary = summarize_samples(samples)
    assert any("In 1 of 3 problems every solution has vote weight 0" in warning for warning in summary.warnings)
    assert not any("vote weight 0" in warning for warning in summarize_samples(HAND).warnings)
