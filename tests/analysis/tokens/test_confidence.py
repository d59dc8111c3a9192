"""Free confidence signals: by hand, and against a loop."""

from __future__ import annotations

import numpy as np
import pytest

from laser_core.analysis import (
    Samples,
    confidence_signals,
    separation,
)
from laser_core.errors import InputError
from laser_core.rollouts import Rollouts
from tests.factories import make_rollouts


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
