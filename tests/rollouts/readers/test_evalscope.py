"""evalscope's predictions and reviews, since 1.0 and before."""

from __future__ import annotations

import pytest

from laser_core.rollouts import read
from tests.rollouts.readers.files import columns, fixture, lines, records_of


@pytest.mark.parametrize("name", ["evalscope_reviews.jsonl", "evalscope_reviews_1_0.jsonl"])
def test_reviews(name):
    result = fixture(name)
    assert (result.format, result.n_rows, result.refused) == ("evalscope", 4, ())
    # The index numbers the samples; the group says which problem it is.
    assert columns(result, "problem_id", "sample", "reference_answer", "answer", "correct") == [
        ["0", "0", "1", "1"],
        [0, 1, 0, 1],
        ["5", "5", "20", "20"],
        ["5", "6", "20", None],
        [True, False, True, False],
    ]
    assert columns(result, "response") == [["So \\boxed{5}", "it is 6", "\\boxed{20}", "It is \\boxed{2"]]
    assert [text.splitlines()[0] for text in result.rollouts.text("problem")] == [
        "What is 2 + 3?",
        "What is 2 + 3?",
        "What is 4 * 5?",
        "What is 4 * 5?",
    ]
    names = [name for name in result.rollouts.table.column_names if name.startswith("signal.")]
    assert names == (["signal.pass"] if name.endswith("1_0.jsonl") else [])  # the main score is the verdict


def test_predictions_wait_for_a_verdict():
    result = fixture("evalscope_predictions.jsonl", fill=False)
    assert (result.format, result.rollouts.meta.model) == ("evalscope", "m")
    assert columns(result, "sample", "truncated", "n_tokens") == [
        [0, 1, 0, 1],
        [False, False, False, True],
        [4, 5, 6, 7],
    ]
    assert not result.rollouts.has("correct")
    assert "read the reviews" in result.notes[0]


def review(index: int = 1, **score: object) -> dict:
    record = records_of("evalscope_reviews.jsonl")[1]
    record["sample_score"]["score"] |= {"main_score_name": None} | score
    record["sample_score"]["generation_index"] = None
    return record | {"index": index}


def test_the_main_score_is_the_verdict():
    values = {"format": 1.0, "acc": 0.0}
    result = read(
        lines(
            review(0, value=values),  # the first one, where none is named
            review(1, value=values, main_score_name="acc"),
            review(2, value={"acc": True, "length": 12}),
            review(3, value={}, status="failed"),
        ),
        fill=False,
    )
    assert columns(result, "correct", "signal.acc", "signal.length") == [
        [True, False, True, None],
        [0.0, None, None, None],
        [None, None, 12.0, None],
    ]


def test_partial_credit_is_verified_against_the_target():
    reviews = [review(i, value={"acc": credit}) for i, credit in enumerate((1.0, 0.4, 0.0))]
    result = read(lines(*reviews), fill=False)
    assert not result.rollouts.has("correct")
    assert columns(result, "signal.acc") == [[1.0, 0.4, 0.0]]
    assert columns(read(lines(*reviews)), "correct") == [[False] * 3]  # 6 is not 5, whatever was paid for it


def test_of_a_sample_that_was_reviewed_again_the_last_review_counts():
    result = read(lines(review(value={"acc": 1.0}), review(2), review(value={"acc": 0.0})), fill=False)
    assert columns(result, "sample", "correct") == [[0, 1], [False, False]]
    assert "samples written more than once: only the last line counts (1 row)" in result.notes


def test_one_of_several_targets_is_no_reference():
    row = read(lines(review() | {"target": ["5", "five"]}), fill=False).rollouts.row(0)
    assert (row.get("reference_answer"), row["correct"]) == (None, False)


def test_feedback_in_later_turns_is_not_the_problem():
    record = review()
    record["messages"] += [{"role": "user", "content": "Try again."}, {"role": "assistant", "content": "\\boxed{5}"}]
    row = read(lines(record), fill=False).rollouts.row(0)
    assert (row["problem"], row["response"]) == (record["messages"][0]["content"], "\\boxed{5}")


def test_several_scores_before_1_0():
    records = records_of("evalscope_0_reviews.jsonl")
    for record in records:
        for choice in record["choices"]:
            choice["review"]["result"] = {"acc": float(choice["review"]["result"]), "length": 3}
    result = read(lines(*records), fill=False)
    assert columns(result, "correct", "signal.length") == [[True, False, True, False], [3.0] * 4]


def test_failed_predictions_are_refused():
    good, other = records_of("evalscope_predictions.jsonl")[:2]
    failed = good | {"model_output": {"choices": [], "error": "content filter"}}
    result = read(lines(failed, other), fill=False)
    assert [(refusal.line, refusal.field) for refusal in result.refused] == [(1, "model_output")]
    assert "content filter" in result.refused[0].reason


def test_reviews_before_1_0():
    result = fixture("evalscope_0_reviews.jsonl")
    assert (result.format, result.n_rows, result.rollouts.meta.model) == ("evalscope-0", 2, "m")
    assert columns(result, "sample", "reference_answer", "answer", "correct", "truncated") == [
        [0, 1, 0, 1],
        ["5", "5", "20", "20"],
        ["5", "6", "20", None],
        [True, False, True, False],
        [False, False, False, True],
    ]


def test_predictions_before_1_0_are_verified_against_the_input_s_answer():
    result = fixture("evalscope_0_predictions.jsonl")
    assert columns(result, "reference_answer", "correct") == [["5", "5", "20", "20"], [True, False, True, False]]


def test_a_gold_answer_that_is_the_input_and_a_score_that_is_no_verdict():
    record = records_of("evalscope_0_reviews.jsonl")[0]
    for choice, result in zip(record["choices"], (0.7, 0.2), strict=True):
        choice["review"] = {"gold": "*Same as Input*", "pred": "5", "result": result}
    result = read(lines(record), fill=False)
    assert columns(result, "reference_answer", "signal.review_result") == [["5", "5"], [0.7, 0.2]]
    assert not result.rollouts.has("correct")
