"""Calibration: by hand, and what debiasing takes off."""

from __future__ import annotations

import numpy as np
import pytest

from laser_core.analysis import (
    Samples,
    calibration,
)


def test_calibration_by_hand():
    # Two bins: scores 0.2 with 1 of 4 correct, scores 0.8 with 2 of 4 correct.
    samples = Samples.from_arrays(correct=[[1, 0, 0, 0], [1, 1, 0, 0]], score=[[0.2] * 4, [0.8] * 4])
    c = calibration(samples, bins=2)
    assert c.count.tolist() == [4, 4]
    assert c.accuracy.tolist() == [0.25, 0.5]
    assert c.ece_plugin == pytest.approx((0.05 + 0.3) / 2)
    assert c.brier.value == pytest.approx((1 * 0.64 + 3 * 0.04 + 2 * 0.04 + 2 * 0.64) / 8)
    # Reliability, resolution and uncertainty around the base rate 3/8; scores do not vary inside a bin.
    assert c.reliability == pytest.approx((0.05**2 + 0.3**2) / 2)
    assert c.resolution == pytest.approx(0.125**2)
    assert c.uncertainty == pytest.approx(3 / 8 * 5 / 8)
    assert c.within_bin == pytest.approx(0, abs=1e-12)


def test_debiasing_takes_most_of_the_noise_off():
    rng = np.random.default_rng(0)
    plain, honest, covers = [], [], []
    for _ in range(40):
        score = rng.random((100, 8))
        c = calibration(Samples.from_arrays(correct=rng.random((100, 8)) < score, score=score))
        plain.append(c.ece_plugin)
        honest.append(c.ece.value)
        covers.append(c.ece.ci_low <= 0.002)
    assert np.mean(honest) < 0.65 * np.mean(plain)
    assert np.mean(covers) > 0.9
