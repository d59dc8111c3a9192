"""Early drops: which solutions they take, and which they spare."""

from __future__ import annotations

import numpy as np
import pytest

from laser_core.analysis import (
    Samples,
    compute_worth,
    early_drop,
)
from laser_core.errors import InputError
from laser_core.rollouts import Rollouts


def traced(correct_level: float, incorrect_level: float, n_problems=40, n_samples=6) -> Rollouts:
    rng = np.random.default_rng(0)
    rows = []
    for p in range(n_problems):
        for s in range(n_samples):
            correct = bool(rng.random() < 0.5)
            trace = (correct_level if correct else incorrect_level) + rng.standard_normal(40)
            rows.append(
                {
                    "run": "r",
                    "problem_id": str(p),
                    "sample": s,
                    "response": "",
                    "answer": str(0 if correct else 1 + s % 2),
                }
                | {"correct": correct, "score": float(correct), "z_trace": trace.tolist(), "n_tokens": 40}
            )
    return Rollouts.from_rows(rows)


def test_early_drops_take_incorrect_solutions_and_spare_correct_ones():
    table = traced(correct_level=0.0, incorrect_level=-8.0)
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
    table = traced(correct_level=0.0, incorrect_level=0.0, n_problems=150)
    drop = early_drop(table, Samples.from_rollouts(table), loss=0.1)
    assert drop.dropped_correct.value == pytest.approx(0.1, abs=0.05)
    assert drop.dropped_incorrect.value == pytest.approx(0.1, abs=0.05)
    with pytest.raises(InputError, match="per-token column"):
        early_drop(table, Samples.from_rollouts(table), trace="entropy")
