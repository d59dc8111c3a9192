"""slime's samples and Relax' rollout results."""

from __future__ import annotations

import pytest

from laser_core.rollouts import read
from tests.rollouts.readers.files import columns, fixture, lines, records_of


def test_samples_with_a_reward_in_parts():
    result = fixture("slime.jsonl", fill=False)
    assert (result.format, result.n_rows) == ("slime", 5)
    assert [(refusal.line, refusal.field) for refusal in result.refused] == [(5, "status")]  # aborted
    assert columns(result, "problem", "answer", "correct", "truncated", "signal.reward", "reference_answer") == [
        ["What is 2 + 3?"] * 2 + ["What is 4 * 5?"] * 2,
        ["5", "6", "20", None],
        [True, False, True, False],
        [False, False, False, True],
        [1.0, -1.0, 1.0, -1.0],
        ["5", "5", "20", "20"],
    ]
    assert columns(result, "n_tokens", "token_logprobs") == [[3] * 4, [[-0.5, -0.25, -0.125]] * 3 + [None]]
    assert not result.rollouts.has("step")  # in slime a rollout_id is one sample's, not a step


def test_relax_names_the_step():
    result = fixture("relax.jsonl")
    assert columns(result, "step", "sample", "n_tokens") == [[7] * 4, [0, 1, 0, 1], [4] * 4]
    # The reward is paid in parts (0.1 for the last one): the references decide.
    assert columns(result, "correct", "signal.reward") == [[True, False, True, False], [1.0, 0.0, 1.0, 0.1]]


@pytest.mark.parametrize("status", ["pending", "aborted"])
def test_unfinished_samples_are_refused(status):
    good = records_of("relax.jsonl")[0]
    result = read(lines(good, good | {"status": status}), fill=False)
    assert result.refused[0].reason == f"the rollout is {status}: it was not finished"
