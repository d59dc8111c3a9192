"""ROC and PR, confusion, cumulative shares, length, training steps and signals: by hand and against definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import gaussian_kde, spearmanr
from sklearn.metrics import precision_recall_curve, roc_curve

from laser_core.analysis import (
    Samples,
    accuracy,
    best_threshold,
    compare_signals,
    confusion,
    cross_fit,
    length_relation,
    roc_pr,
    score_by_step,
    score_shape,
    separation,
    threshold_sweep,
    with_free_signals,
)
from laser_core.analysis.questions import length
from laser_core.analysis.questions.length import spearman_statistic
from laser_core.errors import InputError
from laser_core.rollouts import Rollouts
from tests.factories import make_rollouts


def scored(n_problems=80, n_samples=8, seed=0) -> Samples:
    return Samples.from_rollouts(make_rollouts(n_problems=n_problems, n_samples=n_samples, seed=seed, traces=False))


def test_roc_and_pr_against_scikit_learn():
    samples = scored()
    known = np.isfinite(samples.score) & np.isfinite(samples.correct)
    right, score = samples.correct[known], samples.score[known]
    found = roc_pr(samples)
    fpr, tpr, _ = roc_curve(right, score, drop_intermediate=False)
    assert found.fpr[::-1] == pytest.approx(fpr)
    assert found.tpr[::-1] == pytest.approx(tpr)
    precision, recall, threshold = precision_recall_curve(right, score)
    # Theirs judges correct at or above a threshold, ours above it: one entry apart, the last of ours being undefined.
    assert found.threshold[1:] == pytest.approx(threshold)
    assert found.precision[:-1] == pytest.approx(precision[:-1])
    assert found.tpr == pytest.approx(recall)
    assert np.isnan(found.precision[-1])
    assert found.share_correct == pytest.approx(right.mean())


def test_roc_bands_hold_the_curve_and_narrow_with_more_problems():
    few, many = (roc_pr(scored(n_problems=n)) for n in (30, 300))
    for found in (few, many):
        curve = np.interp(found.grid, found.fpr[::-1], found.tpr[::-1])
        assert np.mean((found.tpr_low - 0.02 <= curve) & (curve <= found.tpr_high + 0.02)) > 0.98
    widths = [np.mean(f.tpr_high - f.tpr_low) for f in (few, many)]
    assert widths[1] < 0.5 * widths[0]  # a third of the width is expected


@pytest.mark.slow
def test_roc_bands_cover():
    """Pointwise: at a false-positive rate of 0.2 the true rate lies in the band in 95 of 100 experiments."""

    def world(rng, n_problems):
        rate = rng.beta(1.2, 1.5, (n_problems, 1))
        right = rng.random((n_problems, 8)) < rate
        score = (
            0.3 * right
            + 0.2 * rate
            + 0.15 * rng.standard_normal((n_problems, 1))
            + 0.2 * rng.standard_normal(right.shape)
        )
        return Samples.from_arrays(correct=right, score=score)

    whole = roc_pr(world(np.random.default_rng(0), 60_000), points=20_000, n_bootstrap=1)
    truth = np.interp(0.2, whole.fpr[::-1], whole.tpr[::-1])
    rng, hits, repeats = np.random.default_rng(1), 0, 300
    for _ in range(repeats):
        found = roc_pr(world(rng, 80), n_bootstrap=200)
        hits += found.tpr_low[20] <= truth <= found.tpr_high[20]
    assert 0.91 <= hits / repeats <= 0.98, hits / repeats  # a percentile bootstrap of 80 problems errs a little


def test_one_class_has_no_curves():
    found = roc_pr(Samples.from_arrays(correct=[[1, 1]], score=[[0.2, 0.4]]))
    assert (len(found.fpr), found.n_correct, found.n_incorrect, found.share_correct) == (0, 2, 0, 1.0)
    assert np.isnan(found.auroc.value)


def test_confusion_counts_every_verdict_once():
    samples = scored()
    found = confusion(samples, threshold=0.55)
    counted = found.tp + found.fn + found.fp + found.tn
    assert counted + found.n_unscored_correct + found.n_unscored_incorrect == np.isfinite(samples.correct).sum()
    assert found.tpr.value == pytest.approx(found.tp / (found.tp + found.fn))
    assert found.fpr.value + found.tnr.value == pytest.approx(1)
    assert found.balanced_f1 == separation(samples, threshold=0.55).balanced_f1
    assert found.precision.ci_low < found.precision.value < found.precision.ci_high


def test_cumulative_shares_by_hand():
    shape = score_shape(
        Samples.from_arrays(correct=[[1, 1, 0], [1, 0, 0]], score=[[0.0, 0.5, 0.25], [1.0, 0.25, 0.75]]), points=5
    )
    assert shape.correct.ecdf == pytest.approx([1 / 3, 1 / 3, 2 / 3, 2 / 3, 1])
    assert shape.incorrect.ecdf == pytest.approx([0, 2 / 3, 2 / 3, 1, 1])
    assert (shape.correct.n, shape.incorrect.n) == (3, 3)
    # At 0.5: problem 0 has 2 of 2 right ones below, problem 1 none of 1. Influences (2 - 4/3, 0 - 2/3) / 3.
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


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), arrays.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=7))
def test_spearman_and_its_influence(seed, shape):
    rng = np.random.default_rng(seed)
    problem = np.repeat(np.arange(shape[0]), shape[1])
    x, y = rng.integers(0, 4, problem.size).astype(float), rng.integers(0, 5, problem.size).astype(float)
    found = spearman_statistic(x, y, problem, shape[0])
    if min(np.ptp(x), np.ptp(y)) == 0:
        assert np.isnan(found.value)
        return
    assert found.value == pytest.approx(spearmanr(x, y).statistic, abs=1e-9)
    # The influence is the derivative in a problem's weight: 400 copies of every row, and 4 more of one problem's.
    rows = np.flatnonzero(problem == 0)
    many = np.concatenate([np.tile(np.arange(problem.size), 400), np.tile(rows, 4)])
    moved = spearman_statistic(x[many], y[many], problem[many], shape[0]).value
    assert moved - found.value == pytest.approx(
        4 / 400 * found.influence[0], abs=2e-3 * max(1, abs(found.influence[0]))
    )


def test_length_within_a_problem_is_not_length_over_all():
    """Hard problems are longer and score lower; within each problem the longer solution scores higher."""
    hard = np.arange(200)[:, None] / 200
    tokens = np.round(100 * hard + np.array([[0, 2, 4]]))
    score = -hard + np.array([[0.0, 0.01, 0.02]])
    found = length_relation(Samples.from_arrays(correct=np.ones((200, 3)), score=score, n_tokens=tokens))
    assert found.spearman.value < -0.95
    assert found.spearman_within_problem.value == pytest.approx(1)
    assert found.spearman_correct == found.spearman
    assert np.isnan(found.spearman_incorrect.value)
    assert found.bins_correct.count.sum() == 600
    assert np.all(np.diff(found.bins_correct.score) < 0)


def test_a_mean_of_few_problems_is_not_drawn():
    tokens = np.full((30, 4), 10)
    tokens[:3, 0] = 99  # three problems have a very long solution
    found = length_relation(
        Samples.from_arrays(correct=np.ones((30, 4)), score=np.random.default_rng(0).random((30, 4)), n_tokens=tokens)
    )
    assert found.bins_correct.length.tolist() == [10]
    assert found.n_total == 120


@pytest.mark.parametrize("block", [1, 5, 64, 10**6])
def test_correlation_within_problems_against_a_loop(monkeypatch, block):
    """Problems of different sizes, some with constant lengths, cut into blocks that never split a problem."""
    monkeypatch.setattr(length, "_BLOCK", block)
    rng = np.random.default_rng(0)
    present = np.arange(9) < rng.integers(1, 10, (40, 1))
    score, tokens = rng.integers(0, 5, present.shape).astype(float), rng.integers(1, 4, present.shape).astype(float)
    samples = Samples.from_arrays(correct=np.ones(present.shape), score=score, n_tokens=tokens, present=present)
    expected = []
    for p in range(40):
        x, y = score[p][present[p]], tokens[p][present[p]]
        if min(np.ptp(x), np.ptp(y)) > 0:
            expected.append(spearmanr(x, y).statistic)
    found = length_relation(samples)
    assert found.spearman_within_problem.n == len(expected)
    assert found.spearman_within_problem.value == pytest.approx(np.mean(expected))
    assert found.spearman.value == pytest.approx(spearmanr(score[present], tokens[present]).statistic)


def test_points_are_a_sample_that_says_so():
    samples = Samples.from_arrays(
        correct=np.ones((50, 8)), score=np.arange(400).reshape(50, 8), n_tokens=np.full((50, 8), 9)
    )
    found = length_relation(samples, max_points=30)
    assert (found.n_points, found.n_total, len(found.length)) == (30, 400, 30)
    assert len(np.unique(found.row)) == 30
    np.testing.assert_array_equal(found.score, found.row)  # each point is the row it names


def test_score_by_step_splits_by_step_and_skips_evenly():
    rows = [
        {"run": "r", "step": step, "problem_id": "p", "sample": i, "response": "", "correct": i % 2 == 0}
        | {"score": float(step + (i % 2 == 0)), "answer": "1"}
        for step in range(10)
        for i in range(4)
    ]
    found = score_by_step(Rollouts.from_rows(rows))
    assert found.step.tolist() == list(range(10))
    assert found.correct_quantiles[:, 2].tolist() == [step + 1 for step in range(10)]
    assert found.incorrect_quantiles[:, 2].tolist() == list(range(10))
    assert found.correct.sum(axis=1).tolist() == [2] * 10
    assert all(estimate.value == 1 for estimate in found.auroc)
    few = score_by_step(Rollouts.from_rows(rows), max_steps=4)
    assert (few.step.tolist(), few.n_left_out) == ([0, 3, 6, 9], 6)


def test_without_steps_it_says_what_is_needed():
    rows = [{"run": "r", "problem_id": "p", "sample": 0, "response": "", "correct": True, "score": 1.0}]
    with pytest.raises(InputError, match="training step"):
        score_by_step(Rollouts.from_rows(rows))


def test_signals_are_compared_on_the_same_solutions():
    rollouts = make_rollouts(n_problems=60)
    samples = Samples.from_rollouts(rollouts)
    table = compare_signals(samples, rollouts, n=4)
    assert [row.signal for row in table.rows][:2] == ["score", "signal.mean_logprob"]
    score = table.rows[0]
    assert score.within_problem_auroc == separation(samples).within_problem_auroc
    assert np.isnan(score.within_difference.value)
    mean = next(row for row in table.rows if row.signal == "signal.mean_logprob")
    alone = separation(Samples.from_rollouts(with_free_signals(rollouts), signal="signal.mean_logprob"))
    assert mean.within_problem_auroc == alone.within_problem_auroc
    # The score knows (its means are 3 sigma apart), a mean of random log-probs does not.
    assert mean.within_difference.ci_high < -0.3
    assert score.weighted.value > table.majority.value
    assert (table.n, table.n_problems) == (4, 60)


def test_a_signal_of_the_file_is_kept():
    rows = [
        {"run": "r", "problem_id": "p", "sample": 0, "response": "", "n_tokens": 4, "signal.shortness": 17.0},
    ]
    assert with_free_signals(Rollouts.from_rows(rows)).column("signal.shortness").tolist() == [17.0]


def test_the_sweep_finds_the_cheapest_threshold():
    samples = scored()
    for ratio in (0.25, 1.0, 8.0):
        sweep = threshold_sweep(samples, cost_ratio=ratio)
        assert sweep.best == best_threshold(samples, cost_ratio=ratio)
        assert sweep.cost[sweep.best_index] == sweep.cost.min()
        # Its cost is what judging by it costs.
        known = np.isfinite(samples.score)
        said, right = samples.score[known] > sweep.best, samples.correct[known] == 1
        assert sweep.cost.min() == pytest.approx(((said & ~right).sum() + (~said & right).sum() / ratio) / known.sum())
        assert sweep.best_low <= sweep.best <= sweep.best_high
        assert cross_fit(samples, cost_ratio=ratio).cost.value >= sweep.cost.min() - 1e-12
    cheap, dear = (threshold_sweep(samples, cost_ratio=ratio).best for ratio in (0.25, 8.0))
    assert cheap < dear
    for bad in (0.0, -1.0, float("nan")):
        with pytest.raises(InputError, match="positive"):
            threshold_sweep(samples, cost_ratio=bad)


def test_accuracy_does_not_depend_on_the_signal():
    rollouts = with_free_signals(make_rollouts(n_problems=10))
    samples = Samples.from_rollouts(rollouts)
    assert accuracy(samples.with_signal(rollouts, "signal.mean_logprob")) == accuracy(samples)
