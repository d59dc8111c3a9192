"""Lists of problems hold what they say."""

from __future__ import annotations

import numpy as np
import pytest

from laser_core.analysis import (
    Samples,
    answered,
    order_solutions,
    problem_lists,
)
from tests.analysis.builders import random_samples


@pytest.mark.parametrize("seed", range(5))
def test_the_lists_hold_what_they_say(seed):
    samples = random_samples(seed)
    lists = problem_lists(samples, threshold=0.5)
    for p in range(12):
        correct = samples.correct[p] == 1
        assert (p in lists["mixed"]) == (0 < correct.sum() < 6)
        assert (p in lists["confident_incorrect"]) == bool((~correct & (samples.score[p] > 0.5)).any())
        votes, weight = np.zeros(4), np.zeros(4)
        np.add.at(votes, samples.answer[p], 1)
        np.add.at(weight, samples.answer[p], np.clip(samples.score[p], 0, 1))
        tied = (votes == votes.max()).sum() > 1
        assert (p in lists["tied"]) == tied
        best = np.flatnonzero(np.isclose(weight, weight.max()))
        assert (p in lists["tie_broken"]) == (tied and best.tolist() == [0] and correct.any())
    uneven = [abs(2 * (samples.correct[p] == 1).sum() - 6) for p in lists["fixed_by_weights"]]
    assert uneven == sorted(uneven)
    first = lists["confident_incorrect"][0]
    incorrect = np.where(samples.correct == 0, samples.score, -np.inf)
    assert incorrect[first].max() == incorrect.max()


def test_the_order_of_solutions_and_the_answered_ones():
    samples = Samples.from_arrays(correct=[[0, 1, np.nan, 1]], score=[[0.9, np.nan, 0.5, 0.2]], answer=[[1, 0, -1, 0]])
    assert order_solutions(samples, 0).tolist() == [3, 1, 0, 2]  # correct, unscored last; incorrect; not verified
    assert np.isnan(answered(samples).score[0]).tolist() == [False, True, True, False]
