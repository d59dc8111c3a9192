"""Inspect AI: one scorer a log, ids that restart, logs without samples."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from laser_core.errors import InputError
from laser_core.rollouts import read

FIXTURES = Path(__file__).parents[1] / "fixtures"


def sample(number: int, said: str, scores: dict, **changes) -> dict:
    choice = {"message": {"role": "assistant", "content": said}, "stop_reason": "stop"}
    whole = {"id": number, "epoch": 1, "input": f"{number} + {number}?", "target": str(2 * number)}
    return whole | {"output": {"model": "m", "choices": [choice]}, "scores": scores} | changes


def log(*samples: dict, **changes) -> bytes:
    return json.dumps({"version": 2, "status": "success", "eval": {"task": "t"}, "samples": samples} | changes).encode()


def test_a_continuous_scorer_before_a_grader_is_a_signal_even_where_it_says_0_or_1():
    samples = [
        sample(i, f"ANSWER: {a}", {"similarity": {"value": x}, "match": {"value": grade, "answer": a}})
        for i, a, x, grade in ((1, "2", 0.0, "C"), (2, "5", 0.37, "I"), (3, "7", 1.0, "I"))
    ]
    result = read(log(*samples))
    table = result.rollouts.table
    assert table["correct"].to_pylist() == [True, False, False]
    assert table["answer"].to_pylist() == ["2", "5", "7"]
    assert table["signal.similarity"].to_pylist() == [0.0, 0.37, 1.0]
    assert "correct comes from the scorer 'match' (3 rows)" in result.notes


def test_what_inspect_writes_for_a_continuous_scorer_before_a_grader():
    result = read(FIXTURES / "inspect_ai_scorers.json")
    table = result.rollouts.table
    assert table["correct"].to_pylist() == [True, False]
    assert table["signal.closeness"].to_pylist() == [1.0, 0.5]
    assert table["signal.manners/length"].to_pylist() == [16.0, 8.0]
    assert table["answer"].to_pylist()[1] == "21"  # 'match' stores the whole response


def test_a_lone_continuous_scorer_gives_no_verdict():
    result = read(log(*(sample(i, "ANSWER: 4", {"rouge": {"value": x}}) for i, x in ((1, 1.0), (2, 0.4)))))
    assert result.rollouts.table["signal.rouge"].to_pylist() == [1.0, 0.4]
    assert result.rollouts.table["correct"].to_pylist() == [False, True]  # verified: 1 + 1 and 2 + 2


def test_the_parts_of_a_score_are_scorers_of_their_own():
    scores = {"judge": {"value": {"correct": 1, "style": 0.5}, "answer": "2"}}
    other = {"judge": {"value": {"correct": 0, "style": 0.25}, "answer": "5"}}
    table = read(log(sample(1, "2", scores), sample(2, "5", other))).rollouts.table
    assert table["correct"].to_pylist() == [True, False]
    assert table["answer"].to_pylist() == ["2", "5"]
    assert table["signal.judge/style"].to_pylist() == [0.5, 0.25]


def test_a_score_that_was_not_given_is_unknown():
    """Inspect stores NaN where a grader failed."""
    text = log(sample(1, "2", {"g": {"value": "C"}}), sample(2, "x", {"g": {"value": "?"}}, target=""))
    result = read(text.replace(b'"?"', b"NaN"), fill=False)
    assert result.rollouts.table["correct"].to_pylist() == [True, None]


def test_the_whole_response_as_a_scorers_answer_is_extracted_from():
    """``match`` stores all that was said where the target is no number."""
    said = r"After some thought it is \boxed{2}"
    result = read(log(sample(1, said, {"match": {"value": "C", "answer": said}})))
    assert result.rollouts.text("answer") == ["2"]


def test_unscored_words_are_decided_for_all_or_for_none():
    pairs = (("Yes", "Yes"), ("No", " No"), ("No", "Yes"))
    samples = [sample(i, said, {}, input="is it?", target=target) for i, (said, target) in enumerate(pairs)]
    result = read(log(*samples))
    assert result.rollouts.text("answer") == ["Yes", "No", "No"]
    assert len(result.rollouts.table["problem_id"].unique()) == 3
    verdicts = result.rollouts.table["correct"].to_pylist() if result.rollouts.has("correct") else [None] * 3
    assert verdicts in ([True, True, False], [None, None, None])


@pytest.mark.parametrize("status", ["started", "error", "success"])
def test_a_log_without_samples_says_so(status):
    whole = json.loads((FIXTURES / "inspect_ai_scorers.json").read_text(encoding="utf-8"))
    header = {key: value for key, value in whole.items() if key != "samples"} | {"status": status}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("header.json", json.dumps(header))
    texts = (json.dumps(header).encode(), json.dumps(header, indent=1).encode(), log(status=status))
    for data in (*texts, archive.getvalue()):
        with pytest.raises(InputError, match="Inspect AI log") as caught:
            read(data, name="x.json")
        assert "holds no rollouts: it holds a header and no samples" in str(caught.value)
        assert status in str(caught.value)
        assert "inspect log dump" in caught.value.remedy


def test_a_log_that_did_not_finish_says_so():
    result = read(log(sample(1, "2", {"g": {"value": "C"}}), status="cancelled"))
    assert any("status is 'cancelled'" in note for note in result.notes)
