"""pass@N and best-of-N, against the enumeration of every subset."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laser_core.analysis.voting.ballots import Ballots
from laser_core.analysis.voting.closed_forms import best_of, pass_at
from tests.analysis import brute
from tests.analysis.builders import as_samples, problems


@settings(max_examples=100, deadline=None)
@given(st.lists(problems(6), min_size=1, max_size=4))
def test_closed_forms_equal_enumeration(drawn):
    samples = as_samples(*drawn)
    size = min(len(a) for a, _, _ in drawn)
    ballots = Ballots.of(samples, n_max=size)
    sizes = np.arange(1, size + 1)
    passed, best = pass_at(ballots, sizes), best_of(ballots, sizes)
    for p, (answers, score, winning) in enumerate(drawn):
        correct = [a >= 0 and winning[a] for a in answers]
        assert passed[p] == pytest.approx([brute.expected_pass(correct, k) for k in sizes], abs=1e-12)
        assert best[p] == pytest.approx([brute.expected_best(correct, score, k) for k in sizes], abs=1e-12)
