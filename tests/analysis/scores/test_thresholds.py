"""Every threshold at once, and the best one: against single thresholds and by cost."""

from __future__ import annotations

import numpy as np
import pytest

from laser_core.analysis import (
    best_threshold,
    cross_fit,
    separation,
    threshold_sweep,
)
from laser_core.errors import InputError
from tests.analysis.builders import noisy, scored


def test_sweep_band_equals_the_single_threshold_interval():
    samples = noisy(digits=2)
    sweep = threshold_sweep(samples)
    for i in range(0, len(sweep.threshold), 7):
        single = separation(samples, threshold=sweep.threshold[i]).balanced_f1
        if 0 < single.value < 1:
            assert (sweep.balanced_f1_low[i], sweep.balanced_f1_high[i]) == pytest.approx(single.ci)


def test_best_threshold_is_best_and_has_an_interval():
    samples = noisy(digits=3)
    sweep = threshold_sweep(samples)
    assert separation(samples, threshold=sweep.best).balanced_f1.value == pytest.approx(np.nanmax(sweep.balanced_f1))
    assert sweep.best == pytest.approx(best_threshold(samples))
    assert sweep.best_low <= sweep.best <= sweep.best_high
    assert sweep.best_high - sweep.best_low < 0.5


def test_the_sweep_finds_the_cheapest_threshold():
    samples = scored()
    for ratio in (0.25, 1.0, 8.0):
        sweep = threshold_sweep(samples, cost_ratio=ratio)
        assert sweep.best == best_threshold(samples, cost_ratio=ratio)
        assert sweep.cost[sweep.best_index] == sweep.cost.min()
        # Its cost is what judging by it costs.
        known = np.isfinite(samples.score)
        predicted, y_true = samples.score[known] > sweep.best, samples.correct[known] == 1
        assert sweep.cost.min() == pytest.approx(
            ((predicted & ~y_true).sum() + (~predicted & y_true).sum() / ratio) / known.sum()
        )
        assert sweep.best_low <= sweep.best <= sweep.best_high
        assert cross_fit(samples, cost_ratio=ratio).cost.value >= sweep.cost.min() - 1e-12
    cheap, dear = (threshold_sweep(samples, cost_ratio=ratio).best for ratio in (0.25, 8.0))
    assert cheap < dear
    for bad in (0.0, -1.0, float("nan")):
        with pytest.raises(InputError, match="positive"):
            threshold_sweep(samples, cost_ratio=bad)
