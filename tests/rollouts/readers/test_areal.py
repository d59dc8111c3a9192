"""AReaL's trajectories."""

from __future__ import annotations

from laser_core.rollouts import read
from tests.rollouts.readers.files import columns, fixture, lines, records_of


def test_tasks_are_grouped_by_their_prompts():
    result = fixture("areal.jsonl")
    assert (result.format, result.refused) == ("areal", ())
    assert columns(result, "step", "sample", "problem", "correct", "n_tokens", "signal.reward") == [
        [4] * 4,
        [0, 1, 0, 1],
        ["What is 2 + 3?"] * 2 + ["What is 4 * 5?"] * 2,
        [True, False, True, False],
        [3, 4, 2, 4],
        [1.0, 0.0, 1.0, 0.0],
    ]


def test_a_later_pass_over_a_prompt_is_the_same_problem():
    first = records_of("areal.jsonl")[0]
    result = read(lines(first, first | {"task_id": 9, "tail_version": 12}), fill=False)
    assert columns(result, "sample", "step") == [[0, 1], [4, 12]]


def test_partial_rewards_without_a_reference():
    good = records_of("areal.jsonl")[0]
    result = read(lines(good, good | {"reward": 0.1}, good | {"reward": -1.0}, good | {"prompt": None}), fill=False)
    assert [(refusal.line, refusal.field) for refusal in result.refused] == [(4, "prompt")]
    assert columns(result, "signal.reward") == [[1.0, 0.1, -1.0]]
    assert columns(result, "correct") == [[True, False, False]]  # only the highest reward of the file
