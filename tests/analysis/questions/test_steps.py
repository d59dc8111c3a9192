"""The score at each training step."""

from __future__ import annotations

import pytest

from laser_core.analysis import (
    score_by_step,
)
from laser_core.errors import InputError
from laser_core.rollouts import Rollouts


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
