"""tinker-cookbook's trajectories and rollout summaries."""

from __future__ import annotations

from laser_core.rollouts import read
from tests.rollouts.readers.files import columns, fixture, lines, records_of


def test_trajectories():
    result = fixture("tinker_trajectories.jsonl", fill=False)
    assert (result.format, result.n_rows) == ("tinker", 5)
    assert [(r.line, r.reason) for r in result.refused] == [(5, "the sample failed: timeout (9s)")]
    assert columns(result, "problem_id", "problem", "sample", "answer", "correct", "truncated", "n_tokens") == [
        ["sums_0", "sums_0", "sums_1", "sums_1"],
        ["What is 2 + 3?"] * 2 + ["What is 4 * 5?"] * 2,
        [0, 1, 0, 1],
        ["5", "6", "20", None],
        [True, False, True, False],
        [False, False, False, True],
        [4, 5, 6, 9],
    ]


def test_summaries_without_text_still_have_verdicts():
    result = fixture("tinker_rollout_summaries.jsonl")
    assert columns(result, "step", "problem_id", "sample", "correct", "n_tokens") == [
        [3] * 4,
        ["train-3-0", "train-3-0", "train-3-1", "train-3-1"],
        [0, 1, 0, 1],
        [True, False, True, True],
        [3] * 4,
    ]
    assert not result.rollouts.has("answer")
    assert "hold no text" in result.notes[0]


def test_a_reward_decides_where_no_metric_does():
    good = records_of("tinker_trajectories.jsonl")[0]
    bare = [good | {"metrics": {}, "logs": {}, "reward": reward} for reward in (1.0, 0.0)]
    assert columns(read(lines(*bare), fill=False), "correct") == [[True, False]]
    bare.append(bare[0] | {"reward": 0.4})
    assert columns(read(lines(*bare), fill=False), "correct") == [[True, False, False]]  # the highest reward alone
