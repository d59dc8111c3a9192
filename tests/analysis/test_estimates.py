"""Intervals: the special cases that everybody knows."""

from __future__ import annotations

import numpy as np
import pytest

from laser_core.analysis import Samples, calibration, compute_worth, voting_curve
from laser_core.analysis.estimates import confidence_interval, mean_interval, mean_statistic
from laser_core.analysis.seeds import over_seeds


def test_interval_reduces_to_wilsons_for_single_draws():
    # 8 of 10 independent draws; the t quantile with 9 degrees of freedom in place of 1.96, variance with n - 1.
    values = np.array([1.0] * 8 + [0.0] * 2)
    t, se = 2.2621572, values.std(ddof=1) / np.sqrt(10)
    effective = 0.16 / se**2  # 9
    centre = (0.8 + t**2 / (2 * effective)) / (1 + t**2 / effective)
    half = t * np.sqrt(0.16 / effective + t**2 / (4 * effective**2)) / (1 + t**2 / effective)
    assert confidence_interval(0.8, se, 10) == pytest.approx((centre - half, centre + half), rel=1e-6)


T = 1.9842169516  # Student's t at 0.975 with 99 degrees of freedom
Q = T**2 / (100 + T**2)  # 0.0379: Wilson's upper end for 0 of 100, beside 0.0362 of Clopper and Pearson


@pytest.mark.parametrize(
    ("value", "scale", "low", "high"),
    [
        (0.0, "unit", 0.0, Q),
        (1.0, "unit", 1 - Q, 1.0),
        (0.5, "unit", 0.5 - Q / 2, 0.5 + Q / 2),
        (0.25, "unit", 0.25 - Q / 4, 0.25 + 3 * Q / 4),
        (0.0, "signed", -Q, Q),
        (1.0, "signed", 1 - 2 * Q, 1.0),
        (0.1, "signed", 0.1 - 1.1 * Q, 0.1 + 0.9 * Q),
    ],
)
def test_equal_values_leave_room_for_problems_that_differ(value, scale, low, high):
    """It used to be an interval of width 0 unless the value was 0 or 1."""
    values = np.full(100, value)
    assert mean_statistic(values, scale=scale).estimate().ci == pytest.approx((low, high), abs=1e-9)
    assert [float(end[0]) for end in mean_interval(values[:, None], scale=scale)[1:]] == pytest.approx([low, high])


def test_a_skewed_mean_reaches_further_on_the_side_of_its_tail():
    skewed = mean_statistic(np.array([0.0] * 9 + [0.5] * 3)).skewed_estimate()
    mirrored = mean_statistic(np.array([1.0] * 9 + [0.5] * 3)).skewed_estimate()
    assert skewed.ci_high - skewed.value > 1.5 * (skewed.value - skewed.ci_low) > 0
    assert mirrored.ci == pytest.approx((1 - skewed.ci_high, 1 - skewed.ci_low))
    even = mean_statistic(np.array([0.4, 0.5, 0.6])).skewed_estimate()  # Student's: 4.303 * 0.1 / sqrt(3)
    assert even.ci == pytest.approx((0.5 - 0.2484, 0.5 + 0.2484), abs=1e-4)
    assert mean_statistic(np.ones(100)).skewed_estimate().ci_low == pytest.approx(0.962, abs=1e-3)
    assert np.isnan(mean_statistic(np.array([0.3])).skewed_estimate().ci_low)


def test_a_difference_of_equal_runs_has_a_width():
    run = mean_statistic(np.array([0.0, 1.0] * 50))
    assert run.minus(run).estimate().ci == pytest.approx((-Q, Q))
    assert over_seeds([run.minus(run)] * 3).ci == pytest.approx((-Q, Q))


def test_the_ece_of_a_perfect_score_has_a_width():
    correct = np.array([[1.0, 0.0]] * 100)
    ece = calibration(Samples.from_arrays(correct=correct, score=correct)).ece
    assert (ece.value, ece.ci_low) == (0, 0)
    assert ece.ci_high == pytest.approx(Q)


def test_what_is_zero_by_definition_has_no_interval():
    # One solution wins its own vote, weighted or not, and a certain stop changes no vote; every problem here is alike,
    # so that the gain of weighting is 0 at every N, but only measured to be so beyond N = 1.
    correct = np.array([[1.0, 1.0, 0.0, 1.0]] * 100)
    samples = Samples.from_arrays(
        correct=correct, score=0.2 + correct / 2, answer=(correct == 0).astype(int), n_tokens=np.full((100, 4), 7)
    )
    curve = voting_curve(samples, n_values=[1, 4])
    assert curve.weighted_minus_majority_low == pytest.approx([0, -Q])
    assert curve.weighted_minus_majority_high == pytest.approx([0, Q])
    worth = compute_worth(samples, budgets=[4])
    for stop in ("fixed", "certain"):
        policy = worth.policy("weighted", stop)
        assert (policy.change_low.tolist(), policy.change_high.tolist()) == ([0.0], [0.0])
    assert worth.policy("weighted", "fixed").saved_high.tolist() == [0.0]
    assert worth.policy("weighted", "confident").change_high == pytest.approx([Q])
