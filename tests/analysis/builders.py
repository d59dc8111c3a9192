"""Samples that several tests of the analysis share."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from laser_core.analysis import Samples
from tests.factories import make_rollouts

# Five solutions answer 7, 7, 7 (correct), 9, 9.
HAND = Samples.from_arrays(correct=[[1, 1, 1, 0, 0]], answer=[[0, 0, 0, 1, 1]], score=[[0.1, 0.2, 0.3, 0.9, 0.05]])

FOUR = Samples.from_arrays(
    correct=[[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 0, 0]],
    answer=[[0, 1, 1], [0, 0, 1], [0, 1, 2], [0, 1, 1]],
    score=[[0.9, 0.1, 0.2], [0.1, 0.2, 0.9], [0.7, 0.1, 0.1], [0.4, 0.3, 0.3]],
)


def scored(n_problems=80, n_samples=8, seed=0) -> Samples:
    """Synthetic rollouts with a score that separates well, laid out as a grid."""
    return Samples.from_rollouts(make_rollouts(n_problems=n_problems, n_samples=n_samples, seed=seed, traces=False))


def noisy(n_problems=30, n_samples=8, seed=0, digits=1) -> Samples:
    """A score that separates moderately, rounded so that ties happen."""
    rng = np.random.default_rng(seed)
    rate = rng.beta(1.2, 1.5, (n_problems, 1))
    correct = rng.random((n_problems, n_samples)) < rate
    score = 0.2 + 0.3 * correct + 0.2 * rate + 0.25 * rng.standard_normal(correct.shape)
    return Samples.from_arrays(correct=correct, score=np.round(score, digits))


def random_samples(seed, answers=4) -> Samples:
    """Twelve problems of six solutions, with answers and a score that knows nothing."""
    rng = np.random.default_rng(seed)
    correct = (rng.random((12, 6)) < 0.5).astype(float)
    answer = np.where(correct == 1, 0, rng.integers(1, answers, (12, 6)))
    return Samples.from_arrays(correct=correct, score=rng.normal(0.5, 0.4, (12, 6)).round(2), answer=answer)


def problems(max_samples: int = 8, max_answers: int = 4):
    """One problem: answers (-1: none), scores from a coarse grid (ties happen), which answers are correct."""
    return st.integers(1, max_samples).flatmap(
        lambda n: st.tuples(
            st.lists(st.integers(-1, max_answers - 1), min_size=n, max_size=n),
            st.lists(st.sampled_from([-0.2, 0.0, 0.25, 0.5, 0.75, 1.0, 1.2, float("nan")]), min_size=n, max_size=n),
            st.lists(st.booleans(), min_size=max_answers, max_size=max_answers),
        )
    )


def as_samples(*drawn) -> Samples:
    """Problems that :func:`problems` has drawn, laid out as a grid."""
    width = max(len(answers) for answers, _, _ in drawn)
    present = np.array([[i < len(a) for i in range(width)] for a, _, _ in drawn])
    answer = np.array([a + [-1] * (width - len(a)) for a, _, _ in drawn])
    score = np.array([s + [np.nan] * (width - len(s)) for _, s, _ in drawn])
    correct = np.array([[a >= 0 and w[a] for a in row] for row, (_, _, w) in zip(answer, drawn, strict=True)])
    return Samples.from_arrays(correct=correct, score=score, answer=answer, present=present)
