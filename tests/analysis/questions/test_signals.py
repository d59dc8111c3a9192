"""The table of signals: every row on the same solutions as the score."""

from __future__ import annotations

import numpy as np

from laser_core.analysis import (
    Samples,
    compare_signals,
    separation,
    with_free_signals,
)
from laser_core.rollouts import Rollouts
from tests.factories import make_rollouts


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


def test_a_signal_derived_from_the_verdict_gets_no_row():
    rollouts = make_rollouts(n_problems=30)
    correct = rollouts.column("correct")
    rollouts = rollouts.with_column("signal.grade", 3 * correct - 1).with_column("signal.reward", correct / 2 + 0.1)
    table = compare_signals(Samples.from_rollouts(rollouts), rollouts, n=4)
    assert list(table.not_judged) == ["signal.grade", "signal.reward"]
    assert not {row.signal for row in table.rows} & set(table.not_judged)
