"""Laying a table out as a grid."""

from __future__ import annotations

import numpy as np
import pytest

from laser_core.analysis import Samples, accuracy, accuracy_of_rows
from laser_core.errors import InputError
from laser_core.rollouts import Rollouts


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


def test_steps_of_a_problem_are_pooled_only_when_asked():
    rollouts = table(problem_id=["a", "a", "b"], sample=[0, 0, 0], step=[1, 2, 2], correct=[True, False, True])
    samples = Samples.from_rollouts(rollouts)
    assert samples.problem_ids == ("a (step 1)", "a (step 2)", "b")
    assert "(3 in place of 2)" in samples.warnings[0]
    assert accuracy_of_rows(rollouts, np.arange(3)).value == accuracy(samples).value == pytest.approx(2 / 3)
    pooled = Samples.from_rollouts(rollouts, pool_steps=True)
    assert (pooled.problem_ids, pooled.correct[0].tolist()) == (("a", "b"), [1, 0])
    assert "2 training steps" in pooled.warnings[0]


def test_take_keeps_what_belongs_together():
    samples = Samples.from_arrays(correct=[[1, 0], [0, 1], [1, 1]], present=[[1, 1], [1, 1], [1, 0]])
    part = samples.take(np.array([2]))
    assert (part.problem_ids, part.n_samples, part.row.tolist()) == (("p2",), 1, [[4]])


def test_answers_are_grouped_with_the_reference_in_sight():
    # Two roundings of pi are one answer where the reference says so, and only there.
    columns = {"problem_id": ["a"] * 3, "answer": ["3.141593", "3.14159265", "3.1416"], "correct": [True, True, False]}
    known = Samples.from_rollouts(table(**columns, reference_answer=[r"\pi"] * 3))
    unknown = Samples.from_rollouts(table(**columns))
    assert known.answer[0].tolist() == [0, 0, 1]
    assert unknown.answer[0].tolist() == [0, 1, 2]
