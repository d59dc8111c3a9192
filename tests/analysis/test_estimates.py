"""Intervals: the special cases that everybody knows."""

from __future__ import annotations

import numpy as np
import pytest

from laser_core.analysis.estimates import confidence_interval


def test_interval_reduces_to_wilsons_for_single_draws():
    # 8 of 10 independent draws; the t quantile with 9 degrees of freedom in place of 1.96, variance with n - 1.
    values = np.array([1.0] * 8 + [0.0] * 2)
    t, se = 2.2621572, values.std(ddof=1) / np.sqrt(10)
    effective = 0.16 / se**2  # 9
    centre = (0.8 + t**2 / (2 * effective)) / (1 + t**2 / effective)
    half = t * np.sqrt(0.16 / effective + t**2 / (4 * effective**2)) / (1 + t**2 / effective)
    assert confidence_interval(0.8, se, 10) == pytest.approx((centre - half, centre + half), rel=1e-6)
