"""Estimates over training seeds: hand-worked numbers, and coverage where seeds and problems both vary."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from laser_core.analysis.estimates import Statistic, mean_statistic
from laser_core.analysis.seeds import over_seeds


def test_two_sources_of_chance_add_up():
    # Two seeds, four problems. Means 0.5 and 0.75: their variance is 0.25^2 / 2 = 0.03125, over two seeds 0.015625.
    # Means of the problems over seeds: 1, 1, 0.5, 0; their variance is 0.6875 / 3 = 0.2292, over four 0.05729.
    found = over_seeds([mean_statistic(np.array([1.0, 1, 0, 0])), mean_statistic(np.array([1.0, 1, 1, 0]))])
    variance = 0.015625 + 0.6875 / 12
    df = variance**2 / ((0.6875 / 12) ** 2 / 3 + 0.015625**2 / 1)
    assert found.value == 0.625
    assert found.ci_high == 1.0  # cut at the end of the scale
    assert found.ci_low == pytest.approx(max(0.0, 0.625 - t.ppf(0.975, df) * np.sqrt(variance)))
    assert found.n == 4


def test_one_seed_leaves_the_problems_alone():
    values = np.array([0.0, 0.25, 0.5, 0.75, 1.0] * 20)
    found = over_seeds([mean_statistic(values)])
    half = t.ppf(0.975, 99) * values.std(ddof=1) / 10
    assert (found.value, found.ci_low, found.ci_high) == pytest.approx((0.5, 0.5 - half, 0.5 + half))


def test_no_seed_is_undefined_and_an_undefined_one_is_left_out():
    assert np.isnan(over_seeds([]).value)
    assert over_seeds([Statistic.undefined(), mean_statistic(np.array([0.0, 1.0]))]).value == 0.5


@given(st.lists(st.floats(0, 1), min_size=3, max_size=20), st.integers(2, 5))
def test_equal_seeds_change_nothing_but_the_confidence(values, seeds):
    one = mean_statistic(np.array(values))
    found = over_seeds([one] * seeds)
    assert found.value == pytest.approx(one.value)
    assert found.ci_low <= found.value + 1e-12
    assert found.ci_high >= found.value - 1e-12


@pytest.mark.parametrize(("seed_sd", "problem_sd"), [(0.0, 0.3), (0.05, 0.3), (0.1, 0.1)])
def test_coverage_with_five_seeds(seed_sd, problem_sd):
    rng, covered, repeats = np.random.default_rng(0), 0, 400
    for _ in range(repeats):
        problems = rng.normal(0, problem_sd, 100)
        runs = [0.3 + rng.normal(0, seed_sd) + problems + rng.normal(0, 0.2, 100) for _ in range(5)]
        found = over_seeds([mean_statistic(run, scale="real") for run in runs])
        covered += found.ci_low <= 0.3 <= found.ci_high
    # 400 draws at 0.95: standard deviation 0.011. Too wide is allowed for, too narrow is not.
    assert covered / repeats > 0.95 - 3 * 0.011
