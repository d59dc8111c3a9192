"""Differences of two numbers of one run: the values by hand, the intervals narrower than unpaired ones."""

import numpy as np
import pytest

from laser_core.analysis import Samples, auroc_gap, cross_fit, separation, tuning_gain


def test_the_gap_is_the_difference_of_both_aurocs():
    samples = Samples.from_arrays(correct=[[1, 1, 0], [1, 0, 0]], score=[[0.9, 0.7, 0.8], [0.2, 0.3, 0.1]])
    found = separation(samples)
    assert auroc_gap(samples).value == pytest.approx(found.auroc.value - found.within_problem_auroc.value)


def test_a_score_that_knows_easy_problems_alone_has_a_gap():
    rng = np.random.default_rng(0)
    easy = rng.random((200, 1))
    correct = rng.random((200, 8)) < easy
    gap = auroc_gap(Samples.from_arrays(correct=correct, score=easy + rng.normal(0, 0.05, correct.shape)))
    assert gap.ci_low > 0.1


def test_a_score_that_knows_solutions_alone_has_none():
    rng = np.random.default_rng(1)
    correct = rng.random((200, 8)) < 0.5  # all problems equally hard
    gap = auroc_gap(Samples.from_arrays(correct=correct, score=correct + rng.normal(0, 1, correct.shape)))
    assert gap.ci_low < 0 < gap.ci_high
    assert gap.ci_high - gap.ci_low < 0.05


def test_tuning_gains_where_the_fixed_threshold_is_far_off_and_nothing_where_it_is_right():
    rng = np.random.default_rng(2)
    correct = rng.random((100, 8)) < 0.5
    score = 0.5 + (correct - 0.5) * 0.4 + rng.normal(0, 0.2, correct.shape)
    right, far = (Samples.from_arrays(correct=correct, score=score + shift) for shift in (0.0, 0.3))
    assert tuning_gain(far).ci_low > 0.1
    assert tuning_gain(right).ci_low < 0.02
    gain = cross_fit(far).balanced_f1.value - separation(far).balanced_f1.value
    assert tuning_gain(far).value == pytest.approx(gain)


@pytest.mark.parametrize("correct", [[[1, 1]], [[0, 0]]])
def test_without_both_kinds_nothing_is_gained(correct):
    assert np.isnan(tuning_gain(Samples.from_arrays(correct=correct, score=[[0.1, 0.9]])).value)
