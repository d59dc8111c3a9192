"""OpenR1's tables of generations."""

from __future__ import annotations

import io

import pandas as pd

from laser_core.rollouts import read
from tests.rollouts.readers.files import columns, fixture, lines, records_of


def test_generations_with_the_verdict_of_math_verify():
    result = fixture("openr1.jsonl", fill=False)
    assert (result.format, len(result.rollouts)) == ("openr1", 4)
    assert columns(result, "problem_id", "correct", "truncated", "reference_answer") == [
        ["u0", "u0", "u1", "u1"],
        [True, False, True, False],
        [False, True, False, True],  # by the stop reason, else by the reasoning that has no end
        ["5", "5", "20", "20"],
    ]
    assert columns(result, "signal.correctness_llama") == [[None, None, None, 0.0]]


def test_the_same_from_parquet():
    data = io.BytesIO()
    pd.DataFrame(records_of("openr1.jsonl")).to_parquet(data)
    assert columns(read(data.getvalue(), fill=False), "correct") == [[True, False, True, False]]


def test_lists_of_another_length_are_refused():
    [good, other] = records_of("openr1.jsonl")
    result = read(lines(good | {"correctness_math_verify": [True]}, other), fill=False)
    assert [(refusal.line, refusal.field) for refusal in result.refused] == [(1, "correctness_math_verify")]
