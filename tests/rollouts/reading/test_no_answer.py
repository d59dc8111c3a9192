"""Placeholders for "no answer found" are no answers, in every format; words that may be answers stay."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from laser_core.rollouts import Rollouts, convert, read, write_csv, write_jsonl, write_parquet
from laser_core.rollouts.reading.no_answer import is_no_answer


def lines(*objects) -> bytes:
    return b"".join(json.dumps(o).encode() + b"\n" for o in objects)


@pytest.mark.parametrize(
    "text", ["", " ", "[INVALID]", "[invalid]", "[invalidanswer]", "None", "null", "NaN", "N/A", "<no answer>"]
)
def test_placeholders(text):
    assert is_no_answer(text)


@pytest.mark.parametrize("text", ["none", "Na", "invalid", "unknown", "0", "[1, 2]", "No", "nan bread", "(A)", "False"])
def test_words_that_may_be_answers(text):
    assert not is_no_answer(text)


VERL = {"input": "1+1?", "output": "hm", "gts": "2", "score": -1.0, "step": 1, "acc": False}
WRITERS = {
    "verl": (VERL, "pred"),
    "lm-eval": ({"doc_id": 0, "doc": {"question": "q"}, "target": "2", "resps": [["hm"]]}, "filtered_resps"),
    "laser-official": ({"problem": "q", "answer": "2", "responses": ["hm"], "acc_list": [False]}, "pred_answers"),
    "nemo-skills": ({"problem": "q", "expected_answer": "2", "generation": "hm"}, "predicted_answer"),
    "jsonl": ({"problem_id": "p", "sample": 0, "response": "hm", "correct": False}, "answer"),
}


@pytest.mark.parametrize("text", ["[INVALID]", "None", ""])
@pytest.mark.parametrize("format", WRITERS)
def test_no_format_votes_with_a_placeholder(format, text):
    record, field = WRITERS[format]
    listed = field in ("pred_answers", "filtered_resps")
    result = read(lines(record | {field: [text] if listed else text}))
    assert (result.format, result.rollouts.text("answer")) == (format, [None])


def test_a_mapped_table_votes_with_no_placeholder():
    mapping = {"q": "problem", "out": "response", "said": "answer"}
    rows = [{"q": "1+1?", "out": "x", "said": said} for said in ("[invalid]", "None", "2")]
    result = read(lines(*rows), mapping=mapping)
    assert result.rollouts.text("answer") == [None, None, "2"]
    assert "answer: none where the file says '[invalid]' (1 row)" in result.notes


def test_none_is_an_answer_where_the_reference_says_so():
    row = {"problem_id": "p", "sample": 0, "response": "there is none", "answer": "None", "reference_answer": "none"}
    assert read(lines(row)).rollouts.text("answer") == ["None"]


def test_parquet_in_our_columns_by_another_hand_votes_with_no_placeholder(tmp_path):
    row = {"run": "r", "problem_id": "p", "response": "x", "reference_answer": "2", "correct": False}
    frame = pd.DataFrame([row | {"sample": i, "answer": a} for i, a in enumerate(("[INVALID]", "None", "2", None))])
    frame.loc[4] = row | {"sample": 4, "answer": "None", "reference_answer": "none"}
    frame.to_parquet(tmp_path / "r.parquet")
    expected = [None, None, "2", None, "None"]
    assert read(tmp_path / "r.parquet").rollouts.text("answer") == expected
    convert(tmp_path / "r.parquet", tmp_path / "out.parquet")
    assert read(tmp_path / "out.parquet").rollouts.text("answer") == expected


def test_our_own_files_keep_every_answer(tmp_path):
    """Whatever stands in our own table was decided when it was made."""
    row = {"run": "r", "problem_id": "p", "sample": 0, "response": "x", "answer": "None", "correct": False}
    rollouts = Rollouts.from_rows([row])
    for write, name in ((write_parquet, "r.parquet"), (write_jsonl, "r.jsonl"), (write_csv, "r.csv")):
        write(rollouts, tmp_path / name)
        assert read(tmp_path / name).rollouts.text("answer") == ["None"]
