"""Laying a table out as a grid, and the summary of it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laser_core.analysis import Samples, calibration, drill_down, score_distribution, summarize
from laser_core.errors import InputError
from laser_core.rollouts import Rollouts
from tests.factories import make_rollouts


def table(**columns) -> Rollouts:
    n = len(columns["problem_id"])
    base = {"run": ["r"] * n, "sample": list(range(n)), "response": [""] * n} | columns
    return Rollouts.from_rows([dict(zip(base, values, strict=True)) for values in zip(*base.values(), strict=True)])


def test_rows_find_their_problem_and_keep_their_number():
    samples = Samples.from_rollouts(
        table(
            problem_id=["b", "a", "b"], score=[0.1, 0.2, None], correct=[True, None, False], answer=["2", None, "2.0"]
        )
    )
    assert samples.problem_ids == ("b", "a")
    assert samples.row.tolist() == [[0, 2], [1, -1]]
    assert samples.present.tolist() == [[True, True], [True, False]]
    assert samples.answer[0, 0] == samples.answer[0, 1] >= 0
    assert samples.answer[1].tolist() == [-1, -1]
    np.testing.assert_array_equal(samples.score, [[0.1, np.nan], [0.2, np.nan]])
    np.testing.assert_array_equal(samples.correct, [[1, 0], [np.nan, np.nan]])


def test_run_and_signal_must_be_chosen_among_those_there():
    rollouts = table(problem_id=["a", "a"], run=["x", "y"], score=[0.1, 0.2])
    with pytest.raises(InputError, match=r"2 runs \(x, y\)"):
        Samples.from_rollouts(rollouts)
    chosen = Samples.from_rollouts(rollouts, run="y")
    assert chosen.row.tolist() == [[1]]
    assert chosen.score.tolist() == [[0.2]]
    with pytest.raises(InputError, match="no run is named 'z'"):
        Samples.from_rollouts(rollouts, run="z")
    with pytest.raises(InputError, match="choose from: score"):
        Samples.from_rollouts(rollouts, run="y", signal="signal.rm")
    with pytest.raises(InputError, match="no rollouts"):
        Samples.from_rollouts(rollouts.take(np.zeros(2, bool)))


def test_any_signal_takes_the_scores_place():
    rollouts = table(problem_id=["a", "a"]).with_column("signal.rm", [3.0, float("inf")])
    samples = Samples.from_rollouts(rollouts, signal="signal.rm")
    np.testing.assert_array_equal(samples.score, [[3.0, np.nan]])
    assert samples.signal == "signal.rm"


def test_repeated_sample_numbers_are_reported():
    samples = Samples.from_rollouts(table(problem_id=["a", "a"], sample=[0, 0], step=[1, 2]))
    assert "2 training steps" in samples.warnings[0]


def test_take_keeps_what_belongs_together():
    samples = Samples.from_arrays(correct=[[1, 0], [0, 1], [1, 1]], present=[[1, 1], [1, 1], [1, 0]])
    part = samples.take(np.array([2]))
    assert (part.problem_ids, part.n_samples, part.row.tolist()) == (("p2",), 1, [[4]])


def test_summary_is_the_documented_object():
    found = json.loads(json.dumps(summarize(make_rollouts(n_problems=60)).to_json(), allow_nan=False))
    assert set(found) >= {
        "n_problems", "n_rollouts", "accuracy", "accuracy_ci", "score", "voting", "truncated_fraction", "warnings",
    }  # fmt: skip
    assert set(found["score"]) >= {
        "auroc", "auroc_ci", "within_problem_auroc", "within_problem_auroc_ci", "n_mixed_problems", "balanced_f1",
        "balanced_f1_ci", "tpr", "tnr", "ece", "ece_ci", "brier", "brier_ci", "best_threshold", "best_threshold_ci",
    }  # fmt: skip
    voting = found["voting"]
    assert voting["n"] == list(range(1, 9))
    for name in ("pass", "majority", "weighted", "best_of_n"):
        assert len(voting[name]) == len(voting[f"{name}_se"]) == 8
    assert (found["n_problems"], found["n_rollouts"]) == (60, 480)
    low, high = found["accuracy_ci"]
    assert low < found["accuracy"] < high
    # The factory's score tells right from wrong: weighting must gain at N = 8.
    assert voting["weighted"][-1] > voting["majority"][-1]
    assert found["score"]["within_problem_auroc"] > 0.9


def test_summary_survives_missing_columns():
    found = summarize(table(problem_id=["a", "a", "b", "b"])).to_json()
    assert found["accuracy"] is None
    assert found["voting"]["n"] == []
    assert any("No voting curves" in warning for warning in found["warnings"])
    judged = summarize(table(problem_id=["a", "a", "b", "b"], correct=[True, False, True, True])).to_json()
    assert judged["accuracy"] == 0.75
    assert judged["voting"]["majority"] == [None, None]
    json.dumps(judged, allow_nan=False)


def test_summary_warns_of_a_score_that_only_knows_problems():
    rng = np.random.default_rng(0)
    rows = []
    for p in range(80):
        rate = rng.beta(0.5, 0.5)
        for s in range(8):
            rows.append(
                {"run": "r", "problem_id": str(p), "sample": s, "response": "", "correct": bool(rng.random() < rate)}
                | {"score": rate + 0.1 * rng.standard_normal(), "answer": "1"}
            )
    found = summarize(Rollouts.from_rows(rows))
    assert found.auroc.value > 0.75
    assert any("separates problems rather than solutions" in warning for warning in found.warnings)


def test_calibration_by_hand():
    # Two bins: scores 0.2 with 1 of 4 right, scores 0.8 with 2 of 4 right.
    samples = Samples.from_arrays(correct=[[1, 0, 0, 0], [1, 1, 0, 0]], score=[[0.2] * 4, [0.8] * 4])
    c = calibration(samples, bins=2)
    assert c.count.tolist() == [4, 4]
    assert c.accuracy.tolist() == [0.25, 0.5]
    assert c.ece_plugin == pytest.approx((0.05 + 0.3) / 2)
    assert c.brier.value == pytest.approx((1 * 0.64 + 3 * 0.04 + 2 * 0.04 + 2 * 0.64) / 8)
    # Reliability, resolution and uncertainty around the base rate 3/8; scores do not vary inside a bin.
    assert c.reliability == pytest.approx((0.05**2 + 0.3**2) / 2)
    assert c.resolution == pytest.approx(0.125**2)
    assert c.uncertainty == pytest.approx(3 / 8 * 5 / 8)
    assert c.within_bin == pytest.approx(0, abs=1e-12)


def test_debiasing_takes_most_of_the_noise_off():
    rng = np.random.default_rng(0)
    plain, honest, covers = [], [], []
    for _ in range(40):
        score = rng.random((100, 8))
        c = calibration(Samples.from_arrays(correct=rng.random((100, 8)) < score, score=score))
        plain.append(c.ece_plugin)
        honest.append(c.ece.value)
        covers.append(c.ece.ci_low <= 0.002)
    assert np.mean(honest) < 0.65 * np.mean(plain)
    assert np.mean(covers) > 0.9


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "problem_id": st.sampled_from("abc"),
                "answer": st.sampled_from([None, "1", "2", "1.0"]),
                "correct": st.sampled_from([None, True, False]),
                "score": st.sampled_from([None, float("nan"), -1e6, 0.0, 0.5, 1.0, float("inf")]),
                "truncated": st.sampled_from([None, True, False]),
                "n_tokens": st.sampled_from([None, 0, 7]),
            }
        ),
        min_size=1,
        max_size=9,
    )
)
def test_no_table_is_too_strange_to_summarise(rows):
    rollouts = Rollouts.from_rows([{"run": "r", "sample": i, "response": ""} | row for i, row in enumerate(rows)])
    found = summarize(rollouts).to_json()
    json.dumps(found, allow_nan=False)
    assert found["n_rollouts"] == len(rows)
    known = [row["correct"] for row in rows if row["correct"] is not None]
    assert (found["accuracy"] is None) == (not known)
    for values in (found["voting"][name] for name in ("pass", "majority", "weighted", "best_of_n")):
        assert all(value is None or -0.05 <= value <= 1.05 for value in values)
    samples = Samples.from_rollouts(rollouts)
    drill_down(samples)
    score_distribution(samples)
