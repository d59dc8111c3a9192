"""Cumulative shares and densities: by hand, and against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import gaussian_kde

from laser_core.analysis import (
    Samples,
    score_shape,
)
from tests.analysis.builders import scored


def test_cumulative_shares_by_hand():
    shape = score_shape(
        Samples.from_arrays(correct=[[1, 1, 0], [1, 0, 0]], score=[[0.0, 0.5, 0.25], [1.0, 0.25, 0.75]]), points=5
    )
    assert shape.correct.ecdf == pytest.approx([1 / 3, 1 / 3, 2 / 3, 2 / 3, 1])
    assert shape.incorrect.ecdf == pytest.approx([0, 2 / 3, 2 / 3, 1, 1])
    assert (shape.correct.n, shape.incorrect.n) == (3, 3)
    # At 0.5: problem 0 has 2 of 2 correct ones below, problem 1 none of 1. Influences (2 - 4/3, 0 - 2/3) / 3.
    se = np.sqrt(2 * ((2 / 9) ** 2 + (2 / 9) ** 2))
    width = shape.correct.ecdf_high[2] - shape.correct.ecdf_low[2]
    assert 2 * se < width <= 1


def test_density_is_the_kernel_estimate():
    samples = scored()
    shape = score_shape(samples)
    score = samples.score[(samples.correct == 1) & np.isfinite(samples.score)]
    expected = gaussian_kde(score, bw_method=shape.bandwidth / score.std(ddof=1))(shape.x)
    assert shape.correct.density == pytest.approx(expected, abs=0.01 * expected.max())
    # What lies beyond the axis is the kernel's tails.
    assert 0.95 < np.trapezoid(shape.correct.density, shape.x) <= 1.001
