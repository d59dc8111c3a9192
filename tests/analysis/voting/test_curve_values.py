"""One value of a voting curve, and its band."""

import numpy as np
import pytest

from laser_core.analysis import Samples, voting_curve

SAMPLES = Samples.from_arrays(
    correct=[[1, 0, 0], [1, 1, 0]], score=[[0.9, 0.1, 0.2], [0.8, 0.7, 0.1]], answer=[[0, 1, 1], [0, 0, 1]]
)


def test_a_value_is_the_curves_with_its_interval():
    curve = voting_curve(SAMPLES)
    assert curve.n.tolist() == [1, 2, 3]
    full = curve.at("weighted", 3)
    assert (full.value, full.n) == (1.0, 2)  # both winners are correct: 0.9 against 0.3, and 1.5 against 0.1
    assert curve.at("majority", 3).value == 0.5
    assert curve.at("weighted_minus_majority", 3).value == 0.5
    assert (full.ci_low, full.ci_high) == (curve.weighted_low[2], curve.weighted_high[2])
    assert curve.at("pass_", 1).value == pytest.approx(0.5)
    value, low, high = curve.band("pass_")
    assert np.array_equal(value, curve.pass_)
    assert np.array_equal(low, curve.pass_low)
    assert np.array_equal(high, curve.pass_high)


def test_the_largest_size_up_to_a_limit():
    curve = voting_curve(SAMPLES)
    assert [curve.largest_n(most) for most in (1, 2, 8)] == [1, 2, 3]
