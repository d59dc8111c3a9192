"""The vote of the solutions above a threshold: against the enumeration of every subset."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings

from laser_core.analysis import (
    Samples,
    filtered_majority,
    voting_curve,
)
from tests.analysis import brute
from tests.analysis.builders import as_samples, problems, scored


@pytest.mark.parametrize("otherwise", ["majority", "wrong"])
@settings(max_examples=60, deadline=None)
@given(drawn=problems(7))
def test_filtered_majority_equals_enumeration(otherwise, drawn):
    answers, score, winning = drawn
    samples = as_samples(drawn)
    assume(samples.has_answers)
    found = filtered_majority(samples, threshold=0.4, otherwise=otherwise)
    for size, got in zip(found.n, found.accuracy, strict=True):
        credits = []
        for subset in combinations(range(len(answers)), int(size)):
            passing = [i for i in subset if score[i] > 0.4]
            voters = passing or (list(subset) if otherwise == "majority" else [])
            credits.append(brute.vote_credit([answers[i] for i in voters], [1.0] * len(voters), winning))
        assert got == pytest.approx(np.mean(credits), abs=1e-10)


def test_a_threshold_for_each_problem():
    samples = scored(n_problems=20, n_samples=8)
    threshold = np.where(np.arange(20) < 10, -np.inf, 0.5)
    mixed = filtered_majority(samples, threshold=threshold)
    assert mixed.per_problem[10:] == pytest.approx(filtered_majority(samples, threshold=0.5).per_problem[10:])
    # Unscored solutions do not pass even the lowest threshold; without any the plain majority remains.
    everybody = Samples.from_arrays(correct=samples.correct, answer=samples.answer, score=np.nan_to_num(samples.score))
    all_pass = filtered_majority(everybody, threshold=-np.inf)
    assert all_pass.accuracy == pytest.approx(voting_curve(everybody).majority, abs=1e-10)
    assert all_pass.kept == 1.0
