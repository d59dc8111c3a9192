"""Separation: worked by hand, against scikit-learn and against definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from laser_core.analysis import (
    Samples,
    accuracy,
    score_distribution,
    separation,
    threshold_sweep,
    with_free_signals,
)
from laser_core.analysis.estimates import Statistic
from laser_core.analysis.scores.separation import Ranked, auroc_statistic, average_precision_statistic, cell_statistics
from tests.analysis import brute
from tests.analysis.builders import noisy
from tests.factories import make_rollouts


def test_accuracy_weighs_problems_equally():
    samples = Samples.from_arrays(correct=[[1, 1, 1, 1], [0, np.nan, 0, 0]], present=[[1, 1, 1, 1], [1, 1, 0, 0]])
    assert accuracy(samples).value == 0.5
    assert accuracy(samples).n == 2


def test_accuracy_does_not_depend_on_the_signal():
    rollouts = with_free_signals(make_rollouts(n_problems=10))
    samples = Samples.from_rollouts(rollouts)
    assert accuracy(samples.with_signal(rollouts, "signal.mean_logprob")) == accuracy(samples)


def test_separation_by_hand():
    # Correct: 0.9, 0.6 and 0.8; incorrect: 0.6, 0.1 and 0.95, and one incorrect solution without a score.
    samples = Samples.from_arrays(
        correct=[[1, 1, 0, 0], [1, 0, 0, 0]], score=[[0.9, 0.6, 0.6, 0.1], [0.8, 0.95, np.nan, np.nan]],
        present=[[1, 1, 1, 1], [1, 1, 1, 0]],
    )  # fmt: skip
    s = separation(samples)
    # Pairs (correct, incorrect): 0.9 beats 2 of 3; 0.6 ties one, beats one; 0.8 beats 2 of 3.
    assert s.auroc.value == pytest.approx((2 + 1.5 + 2) / 9)
    # Within: the first problem 3.5 of 4, the second 0 of 1.
    assert s.within_problem_auroc.value == pytest.approx((3.5 / 4 + 0) / 2)
    assert (s.n_mixed_problems, s.n_scored, s.n_correct, s.n_incorrect, s.n_unscored) == (2, 6, 3, 3, 1)
    assert (s.tpr.value, s.tnr.value) == (1.0, pytest.approx(1 / 3))
    assert s.balanced_f1.value == pytest.approx(2 * (1 / 3) / (4 / 3))
    # The unscored incorrect solution counts as predicted incorrect: 2 of 4.
    assert s.tnr_all.value == 0.5
    # At 0.5: TP 3, FP 2, TN 1, FN 0.
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
        predicted = score > sweep.threshold[i]
        assert sweep.tpr[i] == pytest.approx(sk.recall_score(y, predicted))
        assert sweep.tnr[i] == pytest.approx(sk.recall_score(1 - y, ~predicted))
        if predicted.any():
            assert sweep.precision[i] == pytest.approx(sk.precision_score(y, predicted))
        if 0 < predicted.sum() < len(predicted):
            assert sweep.mcc[i] == pytest.approx(sk.matthews_corrcoef(y, predicted))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.1, 0.4, 0.5, 0.9]), st.booleans()), min_size=1))
def test_aurocs_equal_their_definition(rows):
    problem, score, y_true = (np.array(column) for column in zip(*rows, strict=True))
    ranked = Ranked.sorted(problem, score, y_true, 4)
    expected = [brute.auroc(score[problem == p], y_true[problem == p]) for p in range(4)]
    assert ranked.within_problem_aurocs() == pytest.approx(expected, nan_ok=True)
    assert auroc_statistic(ranked).value == pytest.approx(brute.auroc(score, y_true), nan_ok=True)


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
