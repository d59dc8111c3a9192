"""Weighted votes on random subsets: their standard error is honest, and the control variate helps."""

from __future__ import annotations

import numpy as np

from laser_core.analysis import (
    Samples,
    vote_weights,
)
from laser_core.analysis.voting.ballots import Ballots
from laser_core.analysis.voting.majority import majority_vote
from laser_core.analysis.voting.resample import resample_votes
from tests.analysis import brute
from tests.analysis.builders import as_samples


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
    correct = rng.random((60, 16)) < rng.beta(2, 2, (60, 1))
    answer = np.where(correct, 0, rng.integers(1, 6, correct.shape))
    samples = Samples.from_arrays(
        correct=correct, score=0.5 + 0.1 * correct + 0.1 * rng.random(correct.shape), answer=answer
    )
    ballots, sizes = Ballots.of(samples), np.array([4, 8])
    weights = vote_weights(ballots.score)
    exact = majority_vote(ballots.votes, ballots.winning, ballots.size, sizes)
    plain = resample_votes(ballots, weights, sizes, target_se=1)
    helped = resample_votes(ballots, weights, sizes, exact_majority=exact, target_se=1)
    assert np.all(helped.weighted_se < 0.95 * plain.weighted_se)
