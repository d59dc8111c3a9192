"""Filtered votes, recalibration, comparison, free signals, sensitivity and compute: by hand and against definitions."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings

from laser_core.analysis import (
    Samples,
    calibration,
    compare,
    compute_worth,
    confidence_signals,
    cross_fit,
    early_drop,
    filtered_majority,
    recalibrate,
    sensitivity,
    separation,
    voting_curve,
    with_exact_reference,
)
from laser_core.analysis.scores.recalibration import _isotonic
from laser_core.errors import InputError
from laser_core.rollouts import Rollouts
from tests.analysis import brute
from tests.analysis.voting.test_votes import as_samples, problems
from tests.factories import BETA_V, C_REF, make_rollouts


@pytest.mark.parametrize("otherwise", ["majority", "wrong"])
@settings(max_examples=60, deadline=None)
@given(drawn=problems(7))
def test_filtered_majority_equals_enumeration(otherwise, drawn):
    answers, score, winning = drawn
    samples = as_samples(drawn)
    if not samples.has_answers:
        return
    found = filtered_majority(samples, threshold=0.4, otherwise=otherwise)
    for size, got in zip(found.n, found.accuracy, strict=True):
        credits = []
        for subset in combinations(range(len(answers)), int(size)):
            passing = [i for i in subset if score[i] > 0.4]
            voters = passing or (list(subset) if otherwise == "majority" else [])
            credits.append(brute.vote_credit([answers[i] for i in voters], [1.0] * len(voters), winning))
        assert got == pytest.approx(np.mean(credits), abs=1e-10)


def scored(seed=0, n_problems=120, n_samples=16) -> Samples:
    return Samples.from_rollouts(make_rollouts(seed=seed, n_problems=n_problems, n_samples=n_samples, traces=False))


def test_a_threshold_for_each_problem():
    samples = scored(n_problems=20, n_samples=8)
    threshold = np.where(np.arange(20) < 10, -np.inf, 0.5)
    mixed = filtered_majority(samples, threshold=threshold)
    assert mixed.per_problem[10:] == pytest.approx(filtered_majority(samples, threshold=0.5).per_problem[10:])
    # Unscored solutions do not pass even the lowest threshold; without any the plain majority remains.
    everybody = Samples.from_arrays(correct=samples.correct, answer=samples.answer, score=np.nan_to_num(samples.score))
    all_pass = filtered_majority(everybody, threshold=-np.inf)
    assert all_pass.accuracy == pytest.approx(voting_curve(everybody).majority, abs=1e-10)
    assert all_pass.kept == 1.0


@pytest.mark.parametrize("method", ["isotonic", "platt"])
def test_recalibration_makes_probabilities_of_any_scale(method):
    samples = scored()
    stretched = samples.with_score(40 * samples.score - 7)
    fixed = recalibrate(stretched, method=method)
    assert np.nanmin(fixed.score) >= 0
    assert np.nanmax(fixed.score) <= 1
    assert np.isnan(fixed.score).sum() == np.isnan(samples.score).sum()
    assert calibration(fixed).ece.value < 0.05 < calibration(samples).ece.value
    assert calibration(fixed).brier.value < calibration(samples).brier.value
    # The same probabilities come out whatever the scale of the score.
    assert fixed.score[samples.present] == pytest.approx(
        recalibrate(samples, method=method).score[samples.present], abs=2e-3, nan_ok=True
    )


def test_isotonic_recalibration_is_that_of_scikit_learn():
    from sklearn.isotonic import IsotonicRegression

    rng = np.random.default_rng(3)
    score, new = rng.normal(size=400).round(1), rng.normal(scale=2, size=200)  # with ties, and beyond both ends
    right = (rng.random(400) < 1 / (1 + np.exp(-2 * score))).astype(float)
    theirs = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(score, right)
    np.testing.assert_allclose(_isotonic(score, right)(new), theirs.predict(new), atol=1e-12)


def test_recalibration_does_not_see_the_problem_it_judges():
    """Flipping one problem's verdicts must not change that problem's own probabilities."""
    samples = scored(n_problems=30, n_samples=8)
    flipped = samples.correct.copy()
    flipped[4] = 1 - flipped[4]
    other = recalibrate(Samples.from_arrays(correct=flipped, score=samples.score))
    mine = recalibrate(Samples.from_arrays(correct=samples.correct, score=samples.score))
    np.testing.assert_array_equal(other.score[4], mine.score[4])
    assert not np.array_equal(other.score, mine.score, equal_nan=True)


def test_recalibration_refuses_what_it_cannot_learn():
    with pytest.raises(InputError, match="correct and incorrect"):
        recalibrate(Samples.from_arrays(correct=[[1, 1], [1, 1]], score=[[0.5, 0.6], [0.1, 0.3]]))


def test_a_run_does_not_differ_from_itself():
    samples = scored(n_problems=40, n_samples=8)
    same = compare(samples, samples)
    for name in ("accuracy", "auroc", "within_problem_auroc", "balanced_f1"):
        difference = getattr(same, name).difference
        assert (difference.value, difference.ci_low, difference.ci_high) == pytest.approx((0, 0, 0), abs=1e-9) or (
            difference.value == 0
        )
    assert all(np.all(difference == 0) for difference, _, _ in same.curves.values())


def test_comparison_is_paired_and_narrower():
    """The second run is right wherever the first is, and on one more solution in ten."""
    rng = np.random.default_rng(0)
    first = rng.random((200, 8)) < rng.beta(0.6, 0.6, (200, 1))
    second = first | (rng.random(first.shape) < 0.1)
    ids = tuple(f"p{p}" for p in range(200))
    a = Samples.from_arrays(correct=first, score=first, answer=~first, problem_ids=ids)
    b = Samples.from_arrays(correct=second[::-1], score=second[::-1], answer=~second[::-1], problem_ids=ids[::-1])
    found = compare(a, b.take(np.arange(190)))
    assert (found.n_problems, found.n_only_first, found.n_only_second) == (190, 10, 0)
    d = found.accuracy
    assert d.difference.value == pytest.approx((second.astype(int) - first)[10:].mean())
    assert 0 < d.difference.ci_low < d.difference.value < d.difference.ci_high
    assert d.difference.ci_high - d.difference.ci_low < 0.4 * (d.first.ci_high - d.first.ci_low)
    difference, low, _ = found.curves["majority"]
    assert difference[0] == pytest.approx(d.difference.value)
    assert low[0] > 0


def test_runs_without_common_problems_are_refused():
    with pytest.raises(InputError, match="no problem in common"):
        compare(Samples.from_arrays(correct=[[1]]), Samples.from_arrays(correct=[[1]], problem_ids=("q",)))


def tokens_table(*lists, **more) -> Rollouts:
    return Rollouts.from_rows(
        [
            {"run": "r", "problem_id": "p", "sample": i, "response": "", "token_logprobs": values}
            | {name: column[i] for name, column in more.items()}
            for i, values in enumerate(lists)
        ]
    )


def test_confidence_signals_by_hand():
    found = confidence_signals(
        tokens_table(
            [-1.0, -2.0, -3.0, 0.0], [-5.0], None, [], entropy=[[1.0, 3.0], [0.5], None, []], n_tokens=[4, 1, 0, 0]
        ),
        window=2,
    )
    nan = np.nan
    expected = {
        "signal.mean_logprob": [-1.5, -5.0, nan, nan],
        "signal.min_logprob": [-3.0, -5.0, nan, nan],
        "signal.tail_logprob": [-1.5, -5.0, nan, nan],
        "signal.lowest_group_logprob": [-2.5, -5.0, nan, nan],  # groups -1.5, -2.5, -1.5
        "signal.bottom_group_logprob": [-2.5, -5.0, nan, nan],
        "signal.neg_entropy": [-2.0, -0.5, nan, nan],
        "signal.shortness": [-4.0, -1.0, 0.0, 0.0],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found.column(name), values, err_msg=name)


def test_confidence_signals_against_a_loop():
    rng = np.random.default_rng(0)
    lists = [(-rng.exponential(1, n)).tolist() for n in (30, 7, 64, 12)]
    found = confidence_signals(tokens_table(*lists), window=5)
    for row, values in enumerate(lists):
        groups = sorted(np.mean(values[i : i + 5]) for i in range(len(values) - 4))
        assert found.column("signal.lowest_group_logprob")[row] == pytest.approx(groups[0], rel=1e-5)
        bottom = groups[: max(1, round(0.1 * len(groups)))]
        assert found.column("signal.bottom_group_logprob")[row] == pytest.approx(np.mean(bottom), rel=1e-5)


def test_signals_take_the_scores_place():
    table = confidence_signals(make_rollouts(n_problems=20))
    for name in table.signals:
        assert separation(Samples.from_rollouts(table, signal=name)).n_scored > 0
    with pytest.raises(InputError, match="per-token"):
        confidence_signals(Rollouts.from_rows([{"run": "r", "problem_id": "p", "sample": 0, "response": ""}]))


def test_sensitivity_agrees_with_rescoring_the_table():
    rollouts = make_rollouts(n_problems=40, traces=False)
    samples = Samples.from_rollouts(rollouts)
    found = sensitivity(samples, beta_v=BETA_V, c_ref=C_REF, beta_grid=[0.05, 0.2], c_ref_grid=[C_REF, -21.0], n=4)
    rescored = Samples.from_rollouts(rollouts.with_score_settings(beta_v=0.2, c_ref=-21.0))
    judged = separation(rescored)
    assert found.balanced_f1[1, 1] == pytest.approx(judged.balanced_f1.value)
    assert found.ece[1, 1] == pytest.approx(calibration(rescored).ece.value)
    curve = voting_curve(rescored, n_values=[4])
    assert (found.weighted[1, 1], found.majority) == pytest.approx((curve.weighted[0], curve.majority[0]))
    # What is called invariant is.
    base = separation(samples)
    for name in ("auroc", "within_problem_auroc", "average_precision"):
        assert name in found.invariant
        assert getattr(judged, name).value == pytest.approx(getattr(base, name).value)
    assert curve.best_of_n[0] == pytest.approx(voting_curve(samples, n_values=[4]).best_of_n[0])


def test_exact_reference_scores():
    table = with_exact_reference(make_rollouts(n_problems=3))
    expected = BETA_V * (table.column("z_logprob") - table.column("ref_z_logprob"))
    np.testing.assert_allclose(table.column("signal.exact_reference"), expected)


def test_certain_stops_never_change_the_vote_and_save_what_they_must():
    samples = scored(n_problems=30, n_samples=9)
    worth = compute_worth(samples, budgets=[1, 3, 9])
    for vote in ("majority", "weighted"):
        certain = worth.policy(vote, "certain")
        assert certain.change == pytest.approx([0, 0, 0], abs=1e-12)
        assert certain.saved[0] == 0
        assert np.all(certain.saved[1:] > 0)
        confident = worth.policy(vote, "confident")
        assert confident.tokens[2] < worth.policy(vote, "fixed").tokens[2]


def test_stops_by_hand():
    """Three equal answers of 10 tokens each: certain after two of three, sure at 80% after two, at 99% never."""
    samples = Samples.from_arrays(correct=[[1, 1, 1]] * 2, answer=[[0, 0, 0]] * 2, n_tokens=np.full((2, 3), 10))
    loose = compute_worth(samples, budgets=[3], confidence=0.8)
    assert loose.policy("majority", "fixed").tokens.tolist() == [30]
    assert loose.policy("majority", "certain").tokens.tolist() == [20]
    # P(p > 1/2) after two votes is 1 - (1/2)**3 = 0.875.
    assert loose.policy("majority", "confident").tokens.tolist() == [20]
    strict = compute_worth(samples, budgets=[3], confidence=0.99)
    assert strict.policy("majority", "confident").tokens.tolist() == [30]


def traced(right_level: float, wrong_level: float, n_problems=40, n_samples=6) -> Rollouts:
    rng = np.random.default_rng(0)
    rows = []
    for p in range(n_problems):
        for s in range(n_samples):
            right = bool(rng.random() < 0.5)
            trace = (right_level if right else wrong_level) + rng.standard_normal(40)
            rows.append(
                {
                    "run": "r",
                    "problem_id": str(p),
                    "sample": s,
                    "response": "",
                    "answer": str(0 if right else 1 + s % 2),
                }
                | {"correct": right, "score": float(right), "z_trace": trace.tolist(), "n_tokens": 40}
            )
    return Rollouts.from_rows(rows)


def test_early_drops_take_the_wrong_and_spare_the_right():
    table = traced(right_level=0.0, wrong_level=-8.0)
    samples = Samples.from_rollouts(table)
    drop = early_drop(table, samples, loss=0.05)
    assert drop.dropped_incorrect.value > 0.95
    assert drop.dropped_correct.value == pytest.approx(0.05, abs=0.06)
    assert np.all(drop.tokens[drop.dropped] < 40)
    worth = compute_worth(samples, drop=drop, budgets=[6])
    dropped = worth.policy("majority", "fixed", drop=True)
    assert dropped.change[0] > 0.1
    assert dropped.saved[0] > 0.3


def test_early_drops_on_a_trace_that_knows_nothing_lose_what_was_allowed():
    table = traced(right_level=0.0, wrong_level=0.0, n_problems=150)
    drop = early_drop(table, Samples.from_rollouts(table), loss=0.1)
    assert drop.dropped_correct.value == pytest.approx(0.1, abs=0.05)
    assert drop.dropped_incorrect.value == pytest.approx(0.1, abs=0.05)
    with pytest.raises(InputError, match="per-token column"):
        early_drop(table, Samples.from_rollouts(table), trace="entropy")


def test_cross_fit_cost():
    # Perfectly separated: nothing to pay. Ratio 4: a false rejection costs a quarter.
    samples = Samples.from_arrays(correct=[[1, 0]] * 10, score=[[0.9, 0.1]] * 10)
    assert cross_fit(samples).cost.value == 0
    one_sided = Samples.from_arrays(correct=[[1, 0, 0]] * 10, score=[[0.5, 0.5, 0.5]] * 10)
    # All equal: rejecting all costs 1/3 * 1/4 per solution, accepting all 2/3.
    assert cross_fit(one_sided, cost_ratio=4).cost.value == pytest.approx(1 / 12)
