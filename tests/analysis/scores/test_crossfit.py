"""Thresholds chosen on other problems: what they cost, and that they are not optimistic."""

from __future__ import annotations

import numpy as np
import pytest

from laser_core.analysis import (
    Samples,
    best_threshold,
    cross_fit,
    threshold_sweep,
)


def test_cost_ratio_by_hand():
    # Accept above t. Ratio 3: accepting the incorrect 0.7 costs 3, rejecting the correct 0.2 costs 1.
    samples = Samples.from_arrays(correct=[[1, 1, 0, 1, 0]], score=[[0.9, 0.8, 0.7, 0.2, 0.1]])
    assert best_threshold(samples, cost_ratio=3) == pytest.approx(0.75)
    assert best_threshold(samples, cost_ratio=0.5) == pytest.approx(0.15)


def test_cross_fitting_is_not_optimistic():
    """On pure noise the threshold chosen and judged on the same data looks better than the cross-fitted one."""
    chosen, honest = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        samples = Samples.from_arrays(correct=rng.random((12, 4)) < 0.5, score=rng.random((12, 4)))
        chosen.append(np.nanmax(threshold_sweep(samples, n_bootstrap=2).balanced_f1))
        honest.append(cross_fit(samples).balanced_f1.value)
    assert np.mean(chosen) > 0.52
    assert np.mean(honest) < 0.5


def test_cross_fit_cost():
    # Perfectly separated: nothing to pay. Ratio 4: a false rejection costs a quarter.
    samples = Samples.from_arrays(correct=[[1, 0]] * 10, score=[[0.9, 0.1]] * 10)
    assert cross_fit(samples).cost.value == 0
    one_sided = Samples.from_arrays(correct=[[1, 0, 0]] * 10, score=[[0.5, 0.5, 0.5]] * 10)
    # All equal: rejecting all costs 1/3 * 1/4 per solution, accepting all 2/3.
    assert cross_fit(one_sided, cost_ratio=4).cost.value == pytest.approx(1 / 12)
