"""ms-swift's completions, whose columns are lists."""

from __future__ import annotations

import pytest

from laser_core.rollouts import read
from tests.rollouts.readers.files import columns, fixture, lines, records_of


def test_a_line_holds_a_logging_step():
    result = fixture("ms_swift.jsonl")
    assert (result.format, result.n_rows) == ("ms-swift", 2)
    assert columns(result, "step", "problem", "sample", "correct", "reference_answer", "signal.Format") == [
        [1, 1, 2, 2],
        ["What is 2 + 3?"] * 2 + ["What is 4 * 5?"] * 2,  # the template is taken off
        [0, 1, 0, 1],
        [True, False, True, False],
        ["5", "5", "20", "20"],
        [1.0, 0.0, 1.0, 0.0],
    ]


def test_the_megatron_trainer_s_steps_and_other_rewards():
    result = fixture("ms_swift_megatron.jsonl")
    assert columns(result, "step", "correct", "signal.CosineReward") == [
        [4] * 4,
        [True, False, True, False],
        [0.9, -0.5, 0.8, -0.4],
    ]


def test_without_a_plain_verdict_the_user_is_asked():
    [record] = records_of("ms_swift_megatron.jsonl")
    record["Judge"] = record.pop("MathAccuracy")
    result = read(lines(record), fill=False)
    assert not result.rollouts.has("correct")
    assert "choose one (--map NAME=correct) of: CosineReward, Judge (4 rows)" in result.notes[0]
    mapped = read(lines(record), format="ms-swift", mapping={"Judge": "correct"}, fill=False)
    assert columns(mapped, "correct") == [[True, False, True, False]]


def test_partial_rewards_are_no_verdict():
    [record] = records_of("ms_swift_megatron.jsonl")
    partial = record | {"MathAccuracy": [1.0, 0.1, None, 0.0]}
    alone = read(lines(partial), fill=False)
    assert columns(alone, "correct", "signal.MathAccuracy") == [[True, False, None, False], [1.0, 0.1, None, 0.0]]
    with_solutions = read(lines(partial | {"solution": ["6", "6", "20", "20"]}))
    assert columns(with_solutions, "correct") == [[False, True, True, False]]


@pytest.mark.parametrize("field", ["prompt", "MathAccuracy", "step"])
def test_columns_of_another_length_are_refused(field):
    good, other = records_of("ms_swift.jsonl")
    result = read(lines(good | {field: good[field][:1]}, other), fill=False)
    assert [(refusal.line, refusal.field) for refusal in result.refused] == [(1, field)]
    assert len(result.rollouts) == 2
