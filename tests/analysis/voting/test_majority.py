"""The exact majority vote: by hand, against every subset, and against exact rational arithmetic."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings

from laser_core.analysis.voting.majority import majority_vote
from tests.analysis import brute
from tests.analysis.builders import problems


def test_majority_by_hand():
    # Pairs: 3 of 10 are 7-7, 1 is 9-9, 6 tie. Triples: 7-7-7 once, 7-7-9 six times, 7-9-9 three times.
    # Fours: one nine left out (2 ways): 7-7-7-9 wins; one seven left out (3 ways): 7-7-9-9 ties.
    got = majority_vote(np.array([[3, 2]]), np.array([[True, False]]), np.array([5]), np.arange(1, 6))
    expected = [3 / 5, (3 + 6 / 2) / 10, 7 / 10, (2 + 3 / 2) / 5, 1]
    assert got[0] == pytest.approx(expected, abs=1e-12)


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


@pytest.mark.parametrize("size", [2, 100, 512, 1000, 1023])
def test_majority_is_stable_at_1024_solutions(size):
    """Two answers and abstentions, against exact rational arithmetic."""
    correct, incorrect, silent = 500, 480, 44
    total = Fraction(0)
    for v in range(size + 1):
        for w in range(min(v, size - v) + 1):
            if v + w and v <= correct and w <= incorrect and size - v - w <= silent:
                ways = comb(correct, v) * comb(incorrect, w) * comb(silent, size - v - w)
                total += ways * (Fraction(1, 2) if v == w else 1)
    expected = float(total / comb(1024, size))
    got = majority_vote(np.array([[correct, incorrect]]), np.array([[True, False]]), np.array([1024]), np.array([size]))
    assert got[0, 0] == pytest.approx(expected, abs=1e-9)


def test_majority_with_all_answers_different():
    """Everybody ties with everybody: one of n is correct, so 1 / n at any N."""
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
