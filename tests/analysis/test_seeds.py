"""Estimates over training seeds: hand-worked numbers, and coverage where seeds and problems both vary."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from laser_core.analysis.estimates import Statistic, mean_statistic
from laser_core.analysis.seeds import SeedVariance, over_seeds, pooled_seed_variances, variance_of


def test_two_sources_of_chance_add_up():
    # Two seeds, 400 problems in four blocks. Means 0.5 and 0.75: their variance is 0.25^2 / 2 = 0.03125, over two seeds
    # 0.015625. Means of the problems over seeds: 1, 1, 0.5, 0; their sum of squares is 0.6875 a block of four.
    one, two = np.repeat([1.0, 1, 0, 0], 100), np.repeat([1.0, 1, 1, 0], 100)
    found = over_seeds([mean_statistic(one, scale="real"), mean_statistic(two, scale="real")])
    half = np.sqrt(t.ppf(0.975, 1) ** 2 * 0.015625 + t.ppf(0.975, 399) ** 2 * 68.75 / 399 / 400)
    assert found.value == 0.625
    assert found.ci == pytest.approx((0.625 - half, 0.625 + half))
    assert found.n == 400
    at_90 = over_seeds([mean_statistic(one), mean_statistic(two)], level=0.9)
    assert at_90.ci_low == pytest.approx(
        max(0, 0.625 - np.sqrt(t.ppf(0.95, 1) ** 2 * 0.015625 + t.ppf(0.95, 399) ** 2 * 68.75 / 399 / 400))
    )


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


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize(("seed_sd", "problem_sd"), [(0.0, 0.3), (0.03, 0.3), (0.1, 0.3), (0.1, 0.1)])
def test_coverage(seeds, seed_sd, problem_sd):
    rng, repeats = np.random.default_rng(0), 1000
    covered = 0
    for _ in range(repeats):
        problems = rng.normal(0, problem_sd, 100)
        runs = [0.3 + rng.normal(0, seed_sd) + problems + rng.normal(0, 0.2, 100) for _ in range(seeds)]
        found = over_seeds([mean_statistic(run, scale="real") for run in runs])
        covered += found.ci_low <= 0.3 <= found.ci_high
    # 1,000 draws at 0.95: standard deviation 0.007. Too wide is allowed for, too narrow is not.
    assert covered / repeats > 0.95 - 2.5 * 0.007


def test_coverage_of_three_seeds_with_a_pooled_variance():
    """Seven ablations of three seeds, each minus the same LaSeR runs, which all vary alike."""
    rng, repeats, seed_sd = np.random.default_rng(1), 400, 0.05
    covered, width = 0, 0.0
    for _ in range(repeats):
        problems = rng.normal(0, 0.3, 100)
        base = [rng.normal(0, seed_sd) + problems + rng.normal(0, 0.2, 100) for _ in range(3)]
        gaps = {
            str(a): [
                mean_statistic(rng.normal(0, seed_sd) + problems + rng.normal(0, 0.2, 100) - base[s], scale="real")
                for s in range(3)
            ]
            for a in range(7)
        }
        variances = pooled_seed_variances({name: [s.value for s in found] for name, found in gaps.items()})
        found = over_seeds(gaps["0"], seed_variance=variances["0"])
        covered += found.ci_low <= 0 <= found.ci_high
        alone = over_seeds(gaps["0"])
        width += (found.ci_high - found.ci_low) / (alone.ci_high - alone.ci_low)
    assert covered / repeats > 0.95 - 3 * 0.011
    assert width / repeats < 0.85  # what pooling is for


def test_a_pooled_variance_by_hand():
    # Variances 4 and 0 with 2 degrees of freedom each. Independent: 4 df. Sharing runs: 4 / (1 + 1/4).
    groups = {"a": [0.0, 2, 4], "b": [1.0, 1, 1]}
    assert pooled_seed_variances(groups, shared=0)["a"] == SeedVariance(2.0, 4.0)
    assert pooled_seed_variances(groups)["b"] == SeedVariance(2.0, 3.2)
    assert pooled_seed_variances({"a": [1.0]}) == {}


def test_a_group_that_collapses_on_one_seed_keeps_its_own_variance():
    calm = {str(i): [0.0, 0.01, 0.02] for i in range(6)}
    found = pooled_seed_variances(calm | {"collapse": [0.0, -0.5, 0.0]})
    assert found["0"].variance == pytest.approx(1e-4)
    assert found["collapse"] == variance_of([0.0, -0.5, 0.0])


@given(st.floats(-1, 1), st.integers(2, 500))
def test_identical_values_never_have_an_empty_interval(value, n):
    found = over_seeds([mean_statistic(np.full(n, value), scale="signed")] * 3)
    assert found.ci_high - found.ci_low > 2 * 1.9 / (n + 4)


def test_a_single_differing_problem_does_not_make_the_interval_narrower_than_none_does():
    none, one = np.zeros(400), np.zeros(400)
    one[0] = 0.01
    width = [high - low for low, high in (over_seeds([mean_statistic(v, scale="signed")] * 5).ci for v in (none, one))]
    assert width[1] >= width[0] - 1e-4


def test_identical_values_on_an_unbounded_scale_have_no_interval():
    found = over_seeds([mean_statistic(np.full(9, 3.0), scale="real")] * 2)
    assert found.value == 3.0
    assert np.isnan(found.ci).all()
