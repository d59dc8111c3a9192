"""verifiers' traces of all generations, prime-rl's, and verifiers' early results."""

from __future__ import annotations

import copy

import pytest

from laser_core.rollouts import read
from tests.rollouts.readers.files import columns, fixture, lines, records_of


@pytest.mark.parametrize("name", ["verifiers_traces.jsonl", "prime_rl_traces.jsonl", "verifiers_traces_0_2.jsonl"])
def test_traces(name):
    result = fixture(name)
    assert (result.format, result.n_rows) == ("verifiers-traces", 4)
    assert [(r.line, r.field, r.reason) for r in result.refused] == [
        (4, "nodes", "the rollout failed: the server went away")
    ]
    assert columns(result, "problem_id", "sample", "problem", "reference_answer", "response", "correct") == [
        ["0", "0", "1"],
        [0, 1, 0],
        ["What is 2 + 3?", "What is 2 + 3?", "What is 4 * 5?"],  # without the system's part
        ["5", "5", "20"],
        ["\\boxed{5}", "\\boxed{6}", "\\boxed{20}"],
        [True, False, True],
    ]
    assert columns(result, "n_tokens", "token_logprobs", "signal.format") == [[2] * 3, [[-0.5, -0.25]] * 3, [1.0] * 3]


def test_what_only_the_later_versions_know():
    result = fixture("prime_rl_traces.jsonl")
    assert result.rollouts.meta.model == "m/x"
    assert columns(result, "step", "truncated") == [[7] * 3, [False, True, False]]
    assert columns(result, "signal.reward") == [[1.2, 0.2, 1.2]]  # 0.2 for the format


def episode() -> dict:
    return copy.deepcopy(records_of("verifiers_traces.jsonl")[0])


def test_the_last_branch_is_the_conversation():
    record = episode()
    nodes = record["traces"][0]["nodes"]
    asked_again = {"parent": 1, "message": {"role": "user", "content": "Sure?"}, "token_ids": [9], "mask": [False]}
    said = {"role": "assistant", "content": "\\boxed{7}"}
    last = {"parent": 3, "message": said, "sampled": True, "token_ids": [7], "mask": [True], "logprobs": [-1.0]}
    nodes += [asked_again, last]
    row = read(lines(record), fill=False).rollouts.row(0)
    assert (row["response"], row["n_tokens"], row["token_logprobs"]) == ("\\boxed{7}", 1, [-1.0])
    nodes[0]["parent"] = 4  # a circle is no path to a root
    assert read(lines(record), fill=False).rollouts.row(0)["response"] == "\\boxed{7}"


def test_agents_that_are_not_trained_and_traces_that_failed_are_left_out():
    record = episode()
    judge, failed = copy.deepcopy(record["traces"][0]), copy.deepcopy(record["traces"][0])
    judge["agent"] |= {"name": "judge", "trainable": False}
    failed |= {"nodes": [], "errors": [{"type": "E", "message": "gone"}]}
    record["traces"] += [judge, failed]
    result = read(lines(record), fill=False)
    assert columns(result, "response") == [["\\boxed{5}"]]
    assert "failed traces beside others of their episode: left out (1 row)" in result.notes
    lost = read(lines(episode(), episode() | {"traces": [], "errors": [{"message": "no box"}]}), fill=False)
    assert lost.refused[0].reason == "the episode failed before any trace: no box"


def test_an_only_reward_may_be_the_verdict_and_partial_ones_are_verified():
    records = [episode() for _ in range(3)]
    for record, score in zip(records, (1.0, 0.3, 0.0), strict=True):
        record["traces"][0]["rewards"] = {"judge": {"score": score, "weight": 1.0}}
    result = read(lines(*records), fill=False)
    assert columns(result, "signal.judge", "signal.reward") == [[1.0, 0.3, 0.0]] * 2
    assert not result.rollouts.has("correct")  # paid in parts: the reference decides
    assert columns(read(lines(*records)), "correct") == [[True, True, True]]  # the reply is right in all three
    assert columns(read(lines(records[0], records[2]), fill=False), "correct") == [[True, False]]


def test_early_results_are_grouped_by_their_prompts():
    """verifiers 0.1.3 counted ``id`` over the lines of the file, which went through the problems pass by pass."""
    result = fixture("verifiers_old.jsonl")
    assert result.format == "verifiers"
    assert columns(result, "problem", "sample", "correct") == [
        ["What is 2 + 3?", "What is 4 * 5?"] * 2,
        [0, 0, 1, 1],
        [True, True, False, False],
    ]
    assert len(set(result.rollouts.text("problem_id"))) == 2
