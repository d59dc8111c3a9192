"""Binomial distributions, against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from laser_core.analysis.voting import binomials


@pytest.mark.parametrize("p", [0.5 / 1024, 0.3, 0.5, 0.99, 1 - 0.5 / 1024])
def test_binomials_against_scipy(p):
    n, k = np.array([1, 2, 17, 512, 1024]), np.arange(-1, 1026)[:, None]
    expected = binom.pmf(k, n, p)
    assert binomials.pmf(k, n, p) == pytest.approx(expected, rel=1e-11, abs=1e-300)
    assert binomials.cdf(k, n, p) == pytest.approx(binom.cdf(k, n, p), abs=1e-13)
    assert binomials.lowest(n, p).tolist() == np.maximum(binom.ppf(binomials.TAIL, n, p), 0).tolist()
