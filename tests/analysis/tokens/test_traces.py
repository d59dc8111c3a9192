"""Values along solutions, against loops that do the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from laser_core.analysis import (
    Samples,
    block_means,
    condense,
    mean_traces,
    sharpest_change,
    sharpest_changes,
    solution_measures,
)
from laser_core.errors import InputError
from laser_core.rollouts import Rollouts, RunMeta

VALUES = st.lists(st.floats(-30, 5), min_size=0, max_size=12)


def table(traces, correct=None, problems=None):
    rows = [
        {
            "run": "r",
            "problem_id": f"p{problems[i] if problems else i}",
            "sample": i,
            "response": "",
            "correct": None if correct is None else bool(correct[i]),
            "z_trace": list(trace),
        }
        for i, trace in enumerate(traces)
    ]
    return Rollouts.from_rows(rows, RunMeta(beta_v=0.1, c_ref=-23.0))


@given(st.lists(VALUES, min_size=1, max_size=6))
def test_the_sharpest_change_of_every_row_is_the_largest_neighbouring_difference(traces):
    traces = [np.float32(trace).astype(float).tolist() for trace in traces]
    assume(any(traces))  # a column without a value is absent
    found = sharpest_changes(table(traces))
    for trace, size in zip(traces, found, strict=True):
        steps = [abs(b - a) for a, b in zip(trace[:-1], trace[1:], strict=True)]
        change = sharpest_change(np.array(trace))
        if steps:
            assert size == max(steps) == abs(change.size)
            assert steps[change.token - 2] == max(steps)
        else:
            assert np.isnan(size)
            assert change.token == 0


def test_mean_traces_by_token_and_by_fraction_are_plain_means():
    rng = np.random.default_rng(0)
    traces = [rng.normal(-20, 3, rng.integers(3, 9)).astype(np.float32) for _ in range(120)]
    correct, problems = rng.random(120) < 0.5, [i // 4 for i in range(120)]
    rollouts = table(traces, correct, problems)
    samples = Samples.from_rollouts(rollouts)
    by_token = mean_traces(rollouts, samples, quantity="score")
    for i, t in enumerate(by_token.position.astype(int)):
        expected = [
            0.1 * (trace[t - 1] + 23) for trace, c in zip(traces, correct, strict=True) if c and len(trace) >= t
        ]
        assert by_token.n_correct[i] == len(expected)
        if len(expected) >= 10:
            assert by_token.correct[0, i] == pytest.approx(np.mean(expected))
            assert by_token.correct[1, i] < np.mean(expected) < by_token.correct[2, i]
        else:
            assert np.isnan(by_token.correct[0, i])
    by_fraction = mean_traces(rollouts, samples, quantity="z_logprob", by="fraction")
    last = [trace[-1] for trace, c in zip(traces, correct, strict=True) if not c]
    first = [trace[0] for trace, c in zip(traces, correct, strict=True) if not c]
    assert by_fraction.incorrect[0, [0, -1]] == pytest.approx([np.mean(first), np.mean(last)], rel=1e-6)
    assert by_fraction.n_problems == 30


def test_the_mean_traces_of_one_problem_count_its_solutions_only():
    rollouts = table([[-23.0, -13.0], [-23.0, -18.0], [-3.0, -3.0]], [True, True, True], [0, 0, 1])
    found = mean_traces(rollouts, Samples.from_rollouts(rollouts), quantity="score", problem=0)
    assert found.correct[0].tolist() == pytest.approx([0.0, 0.75])
    assert found.n_correct.tolist() == [2, 2]


def test_a_missing_column_is_named():
    rollouts = table([[-1.0, -2.0]], [True])
    with pytest.raises(InputError, match="token_logprobs"):
        mean_traces(rollouts, Samples.from_rollouts(rollouts), quantity="logprob")


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=300), st.integers(4, 40))
def test_condensing_keeps_the_ends_and_the_extremes(values, limit):
    values = np.array(values)
    kept = condense(values, limit)
    assert len(kept) <= max(limit, 4)
    assert {0, len(values) - 1} <= set(kept.tolist())
    assert values[kept].min() == values.min()
    assert values[kept].max() == values.max()


@given(st.integers(1, 30), st.integers(1, 12))
def test_block_means_average_every_column_once(width, limit):
    grid = np.arange(2.0 * width).reshape(2, width)
    first, means = block_means(grid, limit)
    edges = [*first.tolist(), width]
    assert len(first) <= limit
    assert np.allclose(means, [[row[a:b].mean() for a, b in zip(edges[:-1], edges[1:], strict=True)] for row in grid])


def test_measures_to_sort_by():
    row = {"run": "r", "problem_id": "p", "response": "", "token_logprobs": [-1.0, -3.0], "n_tokens": 2}
    rollouts = Rollouts.from_rows(
        [row | {"sample": 0, "ref_token_logprobs": [-2.0, -2.5]}, row | {"sample": 1, "token_logprobs": None}]
    )
    with pytest.raises(InputError, match="ref_token_logprobs"):
        solution_measures(Rollouts.from_rows([row | {"sample": 0, "ref_token_logprobs": [-2.0]}]))
    found = solution_measures(rollouts.take([0]))
    assert found["log_ratio"].tolist() == [0.5]
    assert found["min_logprob"].tolist() == [-3.0]
