"""Voting curves: by hand, against the enumeration of every subset, and the order they must obey."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from laser_core.analysis import (
    Samples,
    full_votes,
    voting_curve,
)
from laser_core.errors import InputError
from tests.analysis import brute
from tests.analysis.builders import HAND, as_samples, problems


def test_other_curves_by_hand():
    curve = voting_curve(HAND, target_se=1e-4)
    # pass@2: every pair but 9-9. Best-of-2: the 0.9 (incorrect) beats 4 others; a correct one is best in the other 6.
    assert curve.pass_[:3] == pytest.approx([0.6, 0.9, 1.0])
    assert curve.best_of_n[1] == pytest.approx(6 / 10)
    # All five: 7 weighs 0.6, 9 weighs 0.95.
    assert (curve.majority[4], curve.weighted[4]) == (1.0, 0.0)
    # Weighted pairs: the 0.9 wins its 4 pairs; the others are 3 pairs of sevens and 3 of seven against 0.05.
    assert curve.weighted[1] == pytest.approx(6 / 10, abs=5 * curve.weighted_se[1] + 1e-9)


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
