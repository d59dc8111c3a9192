"""Voting estimators: worked by hand, and against the enumeration of every subset."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from laser_core.analysis import Samples, draw_vote, drill_down, full_votes, vote_weights, voting_curve
from laser_core.analysis.voting.ballots import Ballots
from laser_core.analysis.voting.closed_forms import best_of, pass_at
from laser_core.analysis.voting.majority import majority_vote
from laser_core.analysis.voting.resample import resample_votes
from laser_core.errors import InputError
from tests.analysis import brute


def problems(max_samples: int = 8, max_answers: int = 4):
    """One problem: answers (-1: none), scores from a coarse grid (so that ties happen) and which answers are right."""
    return st.integers(1, max_samples).flatmap(
        lambda n: st.tuples(
            st.lists(st.integers(-1, max_answers - 1), min_size=n, max_size=n),
            st.lists(st.sampled_from([-0.2, 0.0, 0.25, 0.5, 0.75, 1.0, 1.2, float("nan")]), min_size=n, max_size=n),
            st.lists(st.booleans(), min_size=max_answers, max_size=max_answers),
        )
    )


def as_samples(*drawn) -> Samples:
    width = max(len(answers) for answers, _, _ in drawn)
    present = np.array([[i < len(a) for i in range(width)] for a, _, _ in drawn])
    answer = np.array([a + [-1] * (width - len(a)) for a, _, _ in drawn])
    score = np.array([s + [np.nan] * (width - len(s)) for _, s, _ in drawn])
    correct = np.array([[a >= 0 and w[a] for a in row] for row, (_, _, w) in zip(answer, drawn, strict=True)])
    return Samples.from_arrays(correct=correct, score=score, answer=answer, present=present)


# Five solutions answer 7, 7, 7 (right), 9, 9.
HAND = Samples.from_arrays(correct=[[1, 1, 1, 0, 0]], answer=[[0, 0, 0, 1, 1]], score=[[0.1, 0.2, 0.3, 0.9, 0.05]])


def test_majority_by_hand():
    # Pairs: 3 of 10 are 7-7, 1 is 9-9, 6 tie. Triples: 7-7-7 once, 7-7-9 six times, 7-9-9 three times.
    # Fours: one nine left out (2 ways): 7-7-7-9 wins; one seven left out (3 ways): 7-7-9-9 ties.
    got = majority_vote(np.array([[3, 2]]), np.array([[True, False]]), np.array([5]), np.arange(1, 6))
    expected = [3 / 5, (3 + 6 / 2) / 10, 7 / 10, (2 + 3 / 2) / 5, 1]
    assert got[0] == pytest.approx(expected, abs=1e-12)


def test_other_curves_by_hand():
    curve = voting_curve(HAND, target_se=1e-4)
    # pass@2: every pair but 9-9. Best-of-2: the 0.9 (wrong) beats 4 others; in the other 6 pairs a right one is best.
    assert curve.pass_[:3] == pytest.approx([0.6, 0.9, 1.0])
    assert curve.best_of_n[1] == pytest.approx(6 / 10)
    # All five: 7 weighs 0.6, 9 weighs 0.95.
    assert (curve.majority[4], curve.weighted[4]) == (1.0, 0.0)
    # Weighted pairs: the 0.9 wins its 4 pairs; the others are 3 pairs of sevens and 3 of seven against 0.05.
    assert curve.weighted[1] == pytest.approx(6 / 10, abs=5 * curve.weighted_se[1] + 1e-9)


def test_unanswered_abstain_and_empty_votes_lose():
    got = majority_vote(np.array([[1]]), np.array([[True]]), np.array([3]), np.array([1, 2, 3]))
    assert got[0] == pytest.approx([1 / 3, 2 / 3, 1])


def test_two_correct_answers_add_up():
    got = majority_vote(np.array([[1, 1, 1]]), np.array([[True, True, False]]), np.array([3]), np.array([1, 2, 3]))
    assert got[0] == pytest.approx([2 / 3] * 3)


@settings(max_examples=150, deadline=None)
@given(problems())
def test_majority_equals_enumeration(drawn):
    answers, _, winning = drawn
    n = len(answers)
    votes = np.array([[answers.count(g) for g in range(len(winning))]])
    got = majority_vote(votes, np.array([winning]), np.array([n]), np.arange(1, n + 1))[0]
    expected = [brute.expected_vote(answers, [1.0] * n, winning, size) for size in range(1, n + 1)]
    assert got == pytest.approx(expected, abs=1e-11)


@settings(max_examples=100, deadline=None)
@given(st.lists(problems(6), min_size=1, max_size=4))
def test_closed_forms_equal_enumeration(drawn):
    samples = as_samples(*drawn)
    size = min(len(a) for a, _, _ in drawn)
    ballots = Ballots.of(samples, n_max=size)
    sizes = np.arange(1, size + 1)
    passed, best = pass_at(ballots, sizes), best_of(ballots, sizes)
    for p, (answers, score, winning) in enumerate(drawn):
        right = [a >= 0 and winning[a] for a in answers]
        assert passed[p] == pytest.approx([brute.expected_pass(right, k) for k in sizes], abs=1e-12)
        assert best[p] == pytest.approx([brute.expected_best(right, score, k) for k in sizes], abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.lists(problems(7), min_size=1, max_size=3))
def test_weighted_vote_agrees_with_enumeration_within_its_error(drawn):
    samples = as_samples(*drawn)
    assume(samples.has_scores and samples.has_answers)
    size = min(len(a) for a, _, _ in drawn)
    curve = voting_curve(samples, n_max=size, target_se=0.004)
    weights = [np.nan_to_num(np.clip(s, 0, 1)) for _, s, _ in drawn]
    expected = np.mean(
        [[brute.expected_vote(a, w, win, k) for k in curve.n] for (a, _, win), w in zip(drawn, weights, strict=True)],
        axis=0,
    )
    assert np.all(np.abs(curve.weighted - expected) <= 5 * curve.weighted_se + 2e-3)


def test_monte_carlo_error_is_honest():
    """Over many seeds the estimates scatter around the enumerated truth as their standard errors say."""
    answers, winning = [0, 0, 1, 1, 2, 0, 2], [True, False, False]
    score = [0.9, 0.1, 0.5, 0.55, 0.7, 0.3, 0.2]
    ballots = Ballots.of(as_samples(*[(answers, score, winning)] * 5))
    weights, sizes = vote_weights(ballots.score), np.array([2, 3, 4])
    exact = majority_vote(ballots.votes, ballots.winning, ballots.size, sizes)
    truth = np.array([brute.expected_vote(answers, score, winning, k) for k in sizes])
    z = []
    for seed in range(200):
        got = resample_votes(ballots, weights, sizes, exact_majority=exact, target_se=1, seed=seed, max_orders=64)
        z.append((got.weighted.mean(axis=0) - truth) / got.weighted_se)
    assert np.abs(np.mean(z, axis=0)).max() < 0.25
    assert 0.8 < np.std(z) < 1.25


def test_control_variate_helps():
    rng = np.random.default_rng(3)
    right = rng.random((60, 16)) < rng.beta(2, 2, (60, 1))
    answer = np.where(right, 0, rng.integers(1, 6, right.shape))
    samples = Samples.from_arrays(correct=right, score=0.5 + 0.1 * right + 0.1 * rng.random(right.shape), answer=answer)
    ballots, sizes = Ballots.of(samples), np.array([4, 8])
    weights = vote_weights(ballots.score)
    exact = majority_vote(ballots.votes, ballots.winning, ballots.size, sizes)
    plain = resample_votes(ballots, weights, sizes, target_se=1)
    helped = resample_votes(ballots, weights, sizes, exact_majority=exact, target_se=1)
    assert np.all(helped.weighted_se < 0.95 * plain.weighted_se)


@pytest.mark.parametrize("size", [2, 100, 512, 1000, 1023])
def test_majority_is_stable_at_1024_solutions(size):
    """Two answers and abstentions, against exact rational arithmetic."""
    right, wrong, silent = 500, 480, 44
    total = Fraction(0)
    for v in range(size + 1):
        for w in range(min(v, size - v) + 1):
            if v + w and v <= right and w <= wrong and size - v - w <= silent:
                ways = comb(right, v) * comb(wrong, w) * comb(silent, size - v - w)
                total += ways * (Fraction(1, 2) if v == w else 1)
    expected = float(total / comb(1024, size))
    got = majority_vote(np.array([[right, wrong]]), np.array([[True, False]]), np.array([1024]), np.array([size]))
    assert got[0, 0] == pytest.approx(expected, abs=1e-9)


def test_majority_with_all_answers_different():
    """Everybody ties with everybody: one of n is right, so 1 / n at any N."""
    n = 300
    votes, winning = np.ones((1, n), int), np.zeros((1, n), bool)
    winning[0, 7] = True
    got = majority_vote(votes, winning, np.array([n]), np.array([1, 2, 150, 299, 300]))
    assert got[0] == pytest.approx([1 / n] * 5, rel=1e-9)


def test_majority_of_one_problem_does_not_depend_on_the_others():
    rng = np.random.default_rng(0)
    votes = np.array([rng.multinomial(40, rng.dirichlet(np.ones(6))) for _ in range(30)])
    winning = np.zeros(votes.shape, bool)
    winning[:, 0] = True
    sizes = np.arange(1, 41)
    together = majority_vote(votes, winning, np.full(30, 40), sizes)
    alone = [majority_vote(votes[p : p + 1], winning[p : p + 1], np.array([40]), sizes)[0] for p in range(30)]
    assert together == pytest.approx(np.array(alone), abs=1e-11)


def test_curves_start_at_accuracy_and_obey_order():
    rng = np.random.default_rng(1)
    answer = rng.integers(0, 5, (40, 12))
    samples = Samples.from_arrays(correct=answer == 0, score=rng.random((40, 12)), answer=answer)
    curve = voting_curve(samples)
    rate = (answer == 0).mean()
    for first in (curve.pass_[0], curve.majority[0], curve.best_of_n[0], curve.weighted[0]):
        assert first == pytest.approx(rate, abs=5 * curve.weighted_se[0] + 1e-12)
    assert np.all(np.diff(curve.pass_) >= 0)
    assert np.all(curve.pass_ >= np.maximum(curve.majority, curve.best_of_n) - 1e-12)
    assert np.all((curve.majority_low <= curve.majority) & (curve.majority <= curve.majority_high))
    assert np.all(curve.weighted_se <= 0.002)


def test_equal_weights_are_the_majority():
    rng = np.random.default_rng(5)
    answer = rng.integers(-1, 4, (30, 10))
    samples = Samples.from_arrays(correct=answer == 0, score=np.ones((30, 10)), answer=answer)
    curve = voting_curve(samples)
    # The control variate is then the estimate itself, so nothing is left to chance.
    assert curve.weighted == pytest.approx(curve.majority, abs=1e-12)
    assert curve.weighted_se.max() < 1e-9


def test_missing_parts_are_nan_not_zero():
    samples = Samples.from_arrays(correct=[[1, 0], [0, 1]])
    curve = voting_curve(samples)
    assert curve.pass_.tolist() == [0.5, 1.0]
    assert np.isnan(curve.majority).all()
    assert np.isnan(curve.best_of_n).all()
    unscored = voting_curve(Samples.from_arrays(correct=[[1, 0], [0, 1]], answer=[[0, 1], [1, 0]]))
    assert unscored.majority.tolist() == [0.5, 0.5]
    assert np.isnan(unscored.weighted).all()


def test_problems_that_cannot_vote_are_left_out():
    samples = Samples.from_arrays(
        correct=[[1, 1, 0], [1, np.nan, 0], [1, 0, np.nan]],
        answer=[[0, 0, 1], [0, 1, 2], [0, 1, -1]],
        present=[[1, 1, 1], [1, 1, 1], [1, 1, 0]],
    )
    curve = voting_curve(samples, n_max=2)  # the second has an answer of unknown correctness
    assert (curve.n_problems, curve.n_left_out, curve.problems.tolist()) == (2, 1, [0, 2])
    assert voting_curve(samples, n_max=3).n_problems == 1
    with pytest.raises(InputError, match="at most 3"):
        voting_curve(samples, n_max=4)


def test_a_contradictory_verifier_is_outvoted_and_counted():
    samples = Samples.from_arrays(correct=[[1, 1, 0, 0]], answer=[[0, 0, 0, 1]])
    curve = voting_curve(samples)
    assert curve.n_conflicts == 1
    assert curve.majority[3] == 1.0


def test_draw_vote_is_a_vote():
    vote = draw_vote(HAND, 0, 5, seed=1)
    assert sorted(vote.rows.tolist()) == [0, 1, 2, 3, 4]
    assert vote.answer.tolist() == [0, 1]
    assert vote.count.tolist() == [3, 2]
    assert vote.weight.tolist() == pytest.approx([0.6, 0.95])
    assert vote.representative.tolist() == [2, 3]
    assert (vote.majority_winners.tolist(), vote.weighted_winners.tolist()) == ([True, False], [False, True])
    again = draw_vote(HAND, 0, 3, seed=1)
    assert again.rows.tolist() == draw_vote(HAND, 0, 3, seed=1).rows.tolist()
    assert again.count.sum() + again.n_unanswered == 3
    with pytest.raises(InputError, match="cannot draw 6 of 5"):
        draw_vote(HAND, 0, 6, seed=0)


def test_draws_average_to_the_curve():
    credit = [np.mean(v.correct[v.majority_winners]) for v in (draw_vote(HAND, 0, 3, seed=s) for s in range(400))]
    assert np.mean(credit) == pytest.approx(0.7, abs=0.07)


def test_full_votes_and_drill_down():
    samples = Samples.from_arrays(
        correct=[[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 0, 0]],
        answer=[[0, 1, 1], [0, 0, 1], [0, 1, 2], [0, 1, 1]],
        score=[[0.9, 0.1, 0.2], [0.1, 0.2, 0.9], [0.7, 0.1, 0.1], [0.4, 0.3, 0.3]],
    )
    votes = full_votes(samples)
    assert votes.majority.tolist() == [0, 1, 0, 0]
    assert votes.weighted.tolist() == [1, 0, 0, 0]
    lists = drill_down(samples)
    assert lists.fixed_by_weights.tolist() == [0]
    assert lists.broken_by_weights.tolist() == [1]
    assert lists.ties.tolist() == [2]
    assert lists.unsolved.tolist() == [2]
    assert lists.confident_incorrect.tolist() == [5, 6]
    assert lists.unsure_correct.tolist() == [3, 4, 9]
    assert lists.rows_of(1).tolist() == [5, 4, 3]


def test_weights():
    score = np.array([[0.5, 2.0, np.nan, -1.0]])
    assert vote_weights(score, "clip").tolist() == [[0.5, 1.0, 0.0, 0.0]]
    assert vote_weights(score, "power", power=2).tolist() == [[0.25, 1.0, 0.0, 0.0]]
    assert vote_weights(score, "softmax", temperature=1.5)[0, :2] == pytest.approx([np.exp(-1), 1])
    assert vote_weights(score, "equal").tolist() == [[1, 1, 1, 1]]
    assert vote_weights(score, lambda s: s + 1)[0, 3] == 0
    with pytest.raises(InputError, match="negative"):
        vote_weights(score, "raw")
    with pytest.raises(InputError, match="choose from"):
        vote_weights(score, "wat")


@settings(max_examples=20, deadline=None)
@given(problems(6))
def test_borda_votes_agree_with_enumeration(drawn):
    """Ranks are taken within each subset, so the weights change from subset to subset."""
    answers, score, winning = drawn
    samples = as_samples(drawn)
    assume(samples.has_scores and samples.has_answers)
    curve = voting_curve(samples, weight="borda", power=2.0)
    for size, got, se in zip(curve.n, curve.weighted, curve.weighted_se, strict=True):
        credits = []
        for subset in combinations(range(len(answers)), int(size)):
            known = [score[i] for i in subset if not np.isnan(score[i])]
            rank = [
                0.0 if np.isnan(score[i]) else sum(s < score[i] for s in known) + (known.count(score[i]) + 1) / 2
                for i in subset
            ]
            credits.append(brute.vote_credit([answers[i] for i in subset], np.square(rank), winning))
        assert got == pytest.approx(np.mean(credits), abs=5 * se + 1e-3)


def test_the_default_weight_fits_the_signal():
    """Clipped to [0, 1], log-probs would all weigh nothing; their ranks do not."""
    rng = np.random.default_rng(0)
    answer = rng.integers(0, 4, (60, 8))
    score = -5 + (answer == 0) + 0.3 * rng.standard_normal(answer.shape)
    samples = replace(Samples.from_arrays(correct=answer == 0, score=score, answer=answer), signal="signal.logprob")
    curve = voting_curve(samples)
    assert curve.weight == "rank"
    assert curve.weighted[-1] > curve.majority[-1] + 0.2
    assert full_votes(samples).weighted.mean() == pytest.approx(curve.weighted[-1])
    assert voting_curve(HAND).weight == "clip"
