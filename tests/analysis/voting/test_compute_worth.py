"""Stopping policies: what they save, and what they must not change."""

from __future__ import annotations

import numpy as np
import pytest

from laser_core.analysis import (
    Samples,
    compute_worth,
)
from tests.analysis.builders import scored


def test_certain_stops_never_change_the_vote_and_save_what_they_must():
    samples = scored(n_problems=30, n_samples=9)
    worth = compute_worth(samples, budgets=[1, 3, 9])
    for vote in ("majority", "weighted"):
        certain = worth.policy(vote, "certain")
        assert certain.change == pytest.approx([0, 0, 0], abs=1e-12)
        assert certain.saved[0] == 0
        assert np.all(certain.saved[1:] > 0)
        confident = worth.policy(vote, "confident")
        assert confident.tokens[2] < worth.policy(vote, "fixed").tokens[2]


def test_stops_by_hand():
    """Three equal answers of 10 tokens each: certain after two of three, sure at 80% after two, at 99% never."""
    samples = Samples.from_arrays(correct=[[1, 1, 1]] * 2, answer=[[0, 0, 0]] * 2, n_tokens=np.full((2, 3), 10))
    loose = compute_worth(samples, budgets=[3], confidence=0.8)
    assert loose.policy("majority", "fixed").tokens.tolist() == [30]
    assert loose.policy("majority", "certain").tokens.tolist() == [20]
    # P(p > 1/2) after two votes is 1 - (1/2)**3 = 0.875.
    assert loose.policy("majority", "confident").tokens.tolist() == [20]
    strict = compute_worth(samples, budgets=[3], confidence=0.99)
    assert strict.policy("majority", "confident").tokens.tolist() == [30]
