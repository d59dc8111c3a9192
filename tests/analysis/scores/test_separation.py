"""Separation and thresholds: worked by hand, against scikit-learn and against definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from laser_core.analysis import Samples, accuracy, best_threshold, cross_fit, score_distribution, separation
from laser_core.analysis.estimates import Statistic, confidence_interval
from laser_core.analysis.scores.separation import (
    Ranked,
    auroc_statistic,
    average_precision_statistic,
    cell_statistics,
)
from laser_core.analysis.scores.thresholds import threshold_sweep
from tests.analysis import brute


def noisy(n_problems=30, n_samples=8, seed=0, digits=1) -> Samples:
    rng = np.random.default_rng(seed)
    rate = rng.beta(1.2, 1.5, (n_problems, 1))
    right = rng.random((n_problems, n_samples)) < rate
    score = 0.2 + 0.3 * right + 0.2 * rate + 0.25 * rng.standard_normal(right.shape)
    return Samples.from_arrays(correct=right, score=np.round(score, digits))


def test_accuracy_weighs_problems_equally():
    samples = Samples.from_arrays(correct=[[1, 1, 1, 1], [0, np.nan, 0, 0]], present=[[1, 1, 1, 1], [1, 1, 0, 0]])
    assert accuracy(samples).value == 0.5
    assert accuracy(samples).n == 2


def test_separation_by_hand():
    # Right: 0.9, 0.6 and 0.8; wrong: 0.6, 0.1 and 0.95, and one wrong solution without a score.
    samples = Samples.from_arrays(
        correct=[[1, 1, 0, 0], [1, 0, 0, 0]], score=[[0.9, 0.6, 0.6, 0.1], [0.8, 0.95, np.nan, np.nan]],
        present=[[1, 1, 1, 1], [1, 1, 1, 0]],
    )  # fmt: skip
    s = separation(samples)
    # Pairs (right, wrong): 0.9 beats 2 of 3; 0.6 ties one, beats one; 0.8 beats 2 of 3.
    assert s.auroc.value == pytest.approx((2 + 1.5 + 2) / 9)
    # Within: the first problem 3.5 of 4, the second 0 of 1.
    assert s.within_problem_auroc.value == pytest.approx((3.5 / 4 + 0) / 2)
    assert (s.n_mixed_problems, s.n_scored, s.n_correct, s.n_incorrect, s.n_unscored) == (2, 6, 3, 3, 1)
    assert (s.tpr.value, s.tnr.value) == (1.0, pytest.approx(1 / 3))
    assert s.balanced_f1.value == pytest.approx(2 * (1 / 3) / (4 / 3))
    # The unscored wrong solution counts as predicted incorrect: 2 of 4.
    assert s.tnr_all.value == 0.5
    # Judged by 0.5: TP 3, FP 2, TN 1, FN 0.
    assert s.mcc.value == pytest.approx((3 * 1 - 0) / np.sqrt(5 * 3 * 3 * 1))


def test_against_scikit_learn():
    samples = noisy()
    y, score = samples.correct.ravel(), samples.score.ravel()
    s = separation(samples)
    assert s.auroc.value == pytest.approx(sk.roc_auc_score(y, score))
    assert s.average_precision.value == pytest.approx(sk.average_precision_score(y, score))
    assert s.mcc.value == pytest.approx(sk.matthews_corrcoef(y, score > 0.5))
    sweep = threshold_sweep(samples)
    for i in range(len(sweep.threshold)):
        said = score > sweep.threshold[i]
        assert sweep.tpr[i] == pytest.approx(sk.recall_score(y, said))
        assert sweep.tnr[i] == pytest.approx(sk.recall_score(1 - y, ~said))
        if said.any():
            assert sweep.precision[i] == pytest.approx(sk.precision_score(y, said))
        if 0 < said.sum() < len(said):
            assert sweep.mcc[i] == pytest.approx(sk.matthews_corrcoef(y, said))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.1, 0.4, 0.5, 0.9]), st.booleans()), min_size=1))
def test_aurocs_equal_their_definition(rows):
    problem, score, right = (np.array(column) for column in zip(*rows, strict=True))
    ranked = Ranked.sorted(problem, score, right, 4)
    expected = [brute.auroc(score[problem == p], right[problem == p]) for p in range(4)]
    assert ranked.within_problem_aurocs() == pytest.approx(expected, nan_ok=True)
    assert auroc_statistic(ranked).value == pytest.approx(brute.auroc(score, right), nan_ok=True)


@pytest.mark.parametrize("name", ["auroc", "average_precision", "tpr", "tnr", "balanced_f1", "mcc"])
def test_influence_is_the_derivative(name):
    """Adding a little weight to one problem (a copy of it among 200 copies of everybody) moves the value as claimed."""
    ranked = Ranked.of(noisy(n_problems=6))

    def statistic(j: Ranked) -> Statistic:
        if name == "auroc":
            return auroc_statistic(j)
        return average_precision_statistic(j) if name == "average_precision" else getattr(cell_statistics(j, 0.5), name)

    base = statistic(ranked)
    copies = 200
    for p in range(6):
        rows = np.concatenate([np.tile(np.arange(len(ranked.score)), copies), np.flatnonzero(ranked.problem == p)])
        heavier = Ranked.sorted(ranked.problem[rows], ranked.score[rows], ranked.correct[rows], 6)
        assert (statistic(heavier).value - base.value) * copies == pytest.approx(base.influence[p], abs=2e-3)


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


def test_cost_ratio_by_hand():
    # Accept above t. Ratio 3: accepting the wrong 0.7 costs 3, rejecting the right 0.2 costs 1.
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


def test_distribution_counts_every_scored_solution():
    samples = Samples.from_arrays(correct=[[1, 0, np.nan, 1]], score=[[0.0, 0.5, 1.0, np.nan]])
    d = score_distribution(samples, bins=2)
    assert (d.correct.tolist(), d.incorrect.tolist(), d.unknown.tolist()) == ([1, 0], [0, 1], [0, 1])
    assert (d.n_correct, d.n_incorrect, d.n_unknown, d.n_unscored) == (1, 1, 1, 1)
    assert (d.correct_mean.value, d.incorrect_mean.value) == (0.0, 0.5)


def test_one_class_only_gives_nan_and_no_crash():
    samples = Samples.from_arrays(correct=[[1, 1], [1, 1]], score=[[0.4, 0.9], [0.6, 0.7]])
    s = separation(samples)
    assert np.isnan([s.auroc.value, s.within_problem_auroc.value, s.tnr.value, s.mcc.value, s.balanced_f1.value]).all()
    assert s.tpr.value == 0.75
    assert np.isnan(threshold_sweep(samples).best)
    empty = Samples.from_arrays(correct=[[np.nan]], score=[[np.nan]])
    assert separation(empty).n_scored == 0
    assert threshold_sweep(empty).n_scored == 0
    assert score_distribution(empty).correct.sum() == 0


def test_interval_reduces_to_wilsons_for_single_draws():
    # 8 of 10 independent draws; the t quantile with 9 degrees of freedom in place of 1.96, variance with n - 1.
    values = np.array([1.0] * 8 + [0.0] * 2)
    t, se = 2.2621572, values.std(ddof=1) / np.sqrt(10)
    effective = 0.16 / se**2  # 9
    centre = (0.8 + t**2 / (2 * effective)) / (1 + t**2 / effective)
    half = t * np.sqrt(0.16 / effective + t**2 / (4 * effective**2)) / (1 + t**2 / effective)
    assert confidence_interval(0.8, se, 10) == pytest.approx((centre - half, centre + half), rel=1e-6)
