"""The headline numbers of a table, and the object they are printed as."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from laser_core.analysis import (
    Samples,
    drill_down,
    score_distribution,
    summarize,
)
from laser_core.rollouts import Rollouts
from tests.factories import make_rollouts


def table(**columns) -> Rollouts:
    n = len(columns["problem_id"])
    base = {"run": ["r"] * n, "sample": list(range(n)), "response": [""] * n} | columns
    return Rollouts.from_rows([dict(zip(base, values, strict=True)) for values in zip(*base.values(), strict=True)])


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
    # The factory's score separates correct from incorrect solutions: weighting must gain at N = 8.
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
