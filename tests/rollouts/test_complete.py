"""What a file lacks is filled in from what it holds, and every filled value is counted."""

from __future__ import annotations

import json

import pytest

from laser_core.rollouts import Rollouts, RunMeta, complete, read


def table(rows, **meta) -> Rollouts:
    filled = [{"run": "r", "problem_id": "p", "sample": i, "response": ""} | row for i, row in enumerate(rows)]
    return Rollouts.from_rows(filled, RunMeta(**meta))


def test_answers_and_verdicts_are_filled_in_and_counted():
    rollouts = table(
        [
            {"response": r"\boxed{0.5}", "reference_answer": r"\frac12"},
            {"response": "x=3#3", "reference_answer": "4"},
            {"response": "nothing", "reference_answer": "4"},
            {"response": "#1", "reference_answer": "{"},
            {"response": "#1"},
        ]
    )
    done = complete(rollouts)
    assert done.rollouts.text("answer") == ["0.5", "3", None, "1", "1"]
    assert done.rollouts.table["correct"].to_pylist() == [True, False, False, None, None]
    assert dict(done.notes) == {
        "answer: extracted from the response": 4,
        "answer: none found in the response": 1,
        "correct: verified against the reference answer": 3,
        "correct: unknown, because the reference answer cannot be read": 1,
    }


def test_what_is_there_is_left_alone():
    """A null answer beside others means that the file's own extractor found none; its verdicts stand."""
    rollouts = table(
        [
            {"response": "#1", "answer": None, "correct": False, "reference_answer": "1"},
            {"response": "#1", "answer": "1", "correct": False, "reference_answer": "1"},
            {"response": "#1", "answer": "1", "correct": None, "reference_answer": "1"},
        ]
    )
    done = complete(rollouts)
    assert done.rollouts.text("answer") == [None, "1", "1"]
    assert done.rollouts.table["correct"].to_pylist() == [False, False, True]
    assert dict(done.notes) == {"correct: verified against the reference answer": 1}


def test_a_file_that_says_no_answer_was_found_is_believed():
    """Whatever the container: a field for the answer that holds only nulls is not the same as no such field."""
    rows = [
        {"problem_id": "p", "sample": i, "response": "#1", "answer": None, "reference_answer": "1"} for i in range(3)
    ]
    stated = "".join(json.dumps(row) + "\n" for row in rows).encode()
    without = "".join(json.dumps({k: v for k, v in row.items() if k != "answer"}) + "\n" for row in rows).encode()
    assert read(stated).rollouts.table["correct"].to_pylist() == [False] * 3
    assert read(without).rollouts.table["correct"].to_pylist() == [True] * 3


def test_a_truncated_solution_gets_no_answer_from_its_last_number():
    rows = [{"response": "we have 5 apples", "truncated": cut, "reference_answer": "5"} for cut in (True, False)]
    done = complete(table(rows))
    assert done.rollouts.text("answer") == [None, "5"]
    assert done.rollouts.table["correct"].to_pylist() == [False, True]


def test_scores_follow_from_log_probs_and_lengths_from_tokens():
    rows = [{"response": "#1", "z_logprob": -18.0, "tokens": ["#", "1", "<eos>"]}, {"response": "#1"}]
    done = complete(table(rows, beta_v=0.1, c_ref=-23.0))
    assert done.rollouts.table["score"].to_pylist() == [pytest.approx(0.5), None]
    assert done.rollouts.table["n_tokens"].to_pylist() == [3, None]
    assert done.notes["score: computed from z_logprob"] == 1
    assert not complete(table(rows)).rollouts.has("score")  # beta_v and c_ref are not known, and not guessed


def test_progress_counts_the_slow_items():
    rows = [{"response": f"the answer is {i}", "reference_answer": rf"\sqrt{{{i * i}}}"} for i in range(1, 11)]
    calls = []
    done = complete(table(rows), progress=lambda what, n, total: calls.append((what, n, total)))
    assert done.rollouts.table["correct"].to_pylist() == [True] * 10
    assert calls == [("extracting answers", i, 10) for i in range(1, 11)] + [
        ("verifying answers", i, 10) for i in range(1, 11)
    ]


def test_an_empty_table_stays_empty():
    assert len(complete(Rollouts.from_rows([])).rollouts) == 0
