"""Score against length: rank correlations and their influence, by definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import spearmanr

from laser_core.analysis import (
    Samples,
    length_relation,
)
from laser_core.analysis.questions import length
from laser_core.analysis.questions.length import spearman_statistic


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), arrays.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=7))
def test_spearman_and_its_influence(seed, shape):
    rng = np.random.default_rng(seed)
    problem = np.repeat(np.arange(shape[0]), shape[1])
    x, y = rng.integers(0, 4, problem.size).astype(float), rng.integers(0, 5, problem.size).astype(float)
    found = spearman_statistic(x, y, problem, shape[0])
    if min(np.ptp(x), np.ptp(y)) == 0:
        assert np.isnan(found.value)
        return
    assert found.value == pytest.approx(spearmanr(x, y).statistic, abs=1e-9)
    # The influence is the derivative in a problem's weight: 400 copies of every row, and 4 more of one problem's.
    rows = np.flatnonzero(problem == 0)
    many = np.concatenate([np.tile(np.arange(problem.size), 400), np.tile(rows, 4)])
    moved = spearman_statistic(x[many], y[many], problem[many], shape[0]).value
    assert moved - found.value == pytest.approx(
        4 / 400 * found.influence[0], abs=2e-3 * max(1, abs(found.influence[0]))
    )


def test_length_within_a_problem_is_not_length_over_all():
    """Hard problems are longer and score lower; within each problem the longer solution scores higher."""
    hard = np.arange(200)[:, None] / 200
    tokens = np.round(100 * hard + np.array([[0, 2, 4]]))
    score = -hard + np.array([[0.0, 0.01, 0.02]])
    found = length_relation(Samples.from_arrays(correct=np.ones((200, 3)), score=score, n_tokens=tokens))
    assert found.spearman.value < -0.95
    assert found.spearman_within_problem.value == pytest.approx(1)
    assert found.spearman_correct == found.spearman
    assert np.isnan(found.spearman_incorrect.value)
    assert found.bins_correct.count.sum() == 600
    assert np.all(np.diff(found.bins_correct.score) < 0)


def test_a_mean_of_few_problems_is_not_drawn():
    tokens = np.full((30, 4), 10)
    tokens[:3, 0] = 99  # three problems have a very long solution
    found = length_relation(
        Samples.from_arrays(correct=np.ones((30, 4)), score=np.random.default_rng(0).random((30, 4)), n_tokens=tokens)
    )
    assert found.bins_correct.length.tolist() == [10]
    assert found.n_total == 120


@pytest.mark.parametrize("block", [1, 5, 64, 10**6])
def test_correlation_within_problems_against_a_loop(monkeypatch, block):
    """Problems of different sizes, some with constant lengths, cut into blocks that never split a problem."""
    monkeypatch.setattr(length, "_BLOCK", block)
    rng = np.random.default_rng(0)
    present = np.arange(9) < rng.integers(1, 10, (40, 1))
    score, tokens = rng.integers(0, 5, present.shape).astype(float), rng.integers(1, 4, present.shape).astype(float)
    samples = Samples.from_arrays(correct=np.ones(present.shape), score=score, n_tokens=tokens, present=present)
    expected = []
    for p in range(40):
        x, y = score[p][present[p]], tokens[p][present[p]]
        if min(np.ptp(x), np.ptp(y)) > 0:
            expected.append(spearmanr(x, y).statistic)
    found = length_relation(samples)
    assert found.spearman_within_problem.n == len(expected)
    assert found.spearman_within_problem.value == pytest.approx(np.mean(expected))
    assert found.spearman.value == pytest.approx(spearmanr(score[present], tokens[present]).statistic)


def test_points_are_a_sample_that_says_so():
    samples = Samples.from_arrays(
        correct=np.ones((50, 8)), score=np.arange(400).reshape(50, 8), n_tokens=np.full((50, 8), 9)
    )
    found = length_relation(samples, max_points=30)
    assert (found.n_points, found.n_total, len(found.length)) == (30, 400, 30)
    assert len(np.unique(found.row)) == 30
    np.testing.assert_array_equal(found.score, found.row)  # each point is the row it names
