"""The Qwen2.5-Math evaluation, ToRA's and SimpleRL's."""

from __future__ import annotations

import pytest

from laser_core.rollouts import read
from tests.rollouts.readers.files import columns, fixture, lines, records_of


def test_lists_become_samples_with_the_file_s_own_verdicts():
    result = fixture("qwen_math.jsonl")
    assert (result.format, result.n_rows, result.refused) == ("qwen-math", 2, ())
    assert columns(result, "problem_id", "sample", "reference_answer", "answer", "correct") == [
        ["0", "0", "1", "1"],
        [0, 1, 0, 1],
        ["5", "5", "20", "20"],
        ["5", "6", "20", None],  # nothing was found in the last one
        [True, False, True, False],
    ]
    assert result.rollouts.row(0)["problem"] == "What is 2 + 3?"


def test_outputs_that_were_not_graded_are_verified():
    result = fixture("tora.jsonl")
    assert columns(result, "correct") == [[True, False, True, False]]
    assert any("verified against the reference answer (4 rows)" in note for note in result.notes)


def test_a_finish_reason_of_length_is_a_truncated_solution():
    assert columns(fixture("simplerl.jsonl"), "truncated") == [[False, False, False, True]]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"pred": ["5"]}, "pred"),
        ({"score": [True, False, True]}, "score"),
        ({"code": []}, "code"),
        ({"question": None}, "question"),
    ],
)
def test_a_broken_record_is_refused_by_field_and_the_others_stay(change, field):
    good = records_of("qwen_math.jsonl")
    result = read(lines(good[0] | change, good[1]), fill=False)
    assert [(refusal.line, refusal.field) for refusal in result.refused] == [(1, field)]
    assert columns(result, "answer") == [["20", None]]


def test_a_verdict_that_is_none_costs_one_solution():
    [good, _] = records_of("qwen_math.jsonl")
    result = read(lines(good | {"score": [True, "maybe"]}, good | {"code": [None, "so 5"]}), fill=False)
    assert columns(result, "correct", "response") == [[True, False], ["so \\boxed{5}", "so 5"]]
    assert [(refusal.line, refusal.field) for refusal in result.refused] == [(1, "correct"), (2, "response")]
