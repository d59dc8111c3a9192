"""Histograms count every scored solution."""

from __future__ import annotations

import numpy as np

from laser_core.analysis import (
    Samples,
    score_distribution,
)


def test_distribution_counts_every_scored_solution():
    samples = Samples.from_arrays(correct=[[1, 0, np.nan, 1]], score=[[0.0, 0.5, 1.0, np.nan]])
    d = score_distribution(samples, bins=2)
    assert (d.correct.tolist(), d.incorrect.tolist(), d.unknown.tolist()) == ([1, 0], [0, 1], [0, 1])
    assert (d.n_correct, d.n_incorrect, d.n_unknown, d.n_unscored) == (1, 1, 1, 1)
    assert (d.correct_mean.value, d.incorrect_mean.value) == (0.0, 0.5)
