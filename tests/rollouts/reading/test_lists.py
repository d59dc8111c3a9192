"""Parallel lists become solutions; paths reach into nested records; chats and per-token lists stay whole."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from laser_core.errors import InputError
from laser_core.rollouts import preview, read
from laser_core.rollouts.reading.fields import FieldError
from laser_core.rollouts.reading.lists import exploded

MAPPING = {"q": "problem", "out": "response", "meta.gold": "reference_answer", "ok": "correct", "rm": "signal.rm"}
RECORD = {"q": "1+1?", "out": ["so 2", "so 3"], "meta": {"gold": 2}, "ok": [True, False], "rm": [0.7, None]}


def lines(*objects) -> bytes:
    return b"".join(json.dumps(o).encode() + b"\n" for o in objects)


def test_a_problem_with_parallel_lists_is_as_many_solutions():
    table = read(lines(RECORD), mapping=MAPPING).rollouts.table
    assert table["sample"].to_pylist() == [0, 1]
    assert len(table["problem_id"].unique()) == 1
    assert table["response"].to_pylist() == ["so 2", "so 3"]
    assert table["reference_answer"].to_pylist() == ["2", "2"]
    assert table["correct"].to_pylist() == [True, False]
    assert table["signal.rm"].to_pylist() == [0.7, None]


def test_a_line_whose_lists_differ_in_length_is_refused_and_its_neighbours_stay():
    result = read(lines(RECORD | {"ok": [True]}, RECORD), mapping=MAPPING)
    assert len(result.rollouts) == 2
    assert (result.refused[0].line, result.refused[0].field) == (1, "ok")
    assert result.refused[0].reason == "a list of 1 values beside 2 values of 'out'"


def test_lists_spelled_in_csv_cells():
    """pandas writes a list column to CSV in Python's spelling."""
    data = pd.DataFrame([{key: RECORD[key] for key in ("q", "out", "ok", "rm")}]).to_csv(index=False).encode()
    mapping = {column: MAPPING[column] for column in ("q", "out", "ok", "rm")}
    table = read(data, mapping=mapping).rollouts.table
    assert table["response"].to_pylist() == ["so 2", "so 3"]
    assert table["correct"].to_pylist() == [True, False]
    assert table["signal.rm"].to_pylist() == [0.7, None]


def test_a_response_that_happens_to_be_a_list_is_one_response():
    result = read(b'q,out\nName two.,"[""a"", ""b""]"\n', mapping={"q": "problem", "out": "response"})
    assert result.rollouts.text("response") == ['["a", "b"]']


def test_per_token_lists_are_lists_of_lists():
    record = {"out": ["ab", "c"], "tokens": [["a", "b"], ["c"]], "lp": [[-1.0, -2.0], [-3.0]]}
    mapping = {"out": "response", "tokens": "tokens", "lp": "token_logprobs"}
    table = read(lines(record), mapping=mapping).rollouts.table
    assert table["tokens"].to_pylist() == [["a", "b"], ["c"]]
    one = read(lines({"out": "ab", "tokens": ["a", "b"], "lp": [-1.0, -2.0]}), mapping=mapping).rollouts.table
    assert one["token_logprobs"].to_pylist() == [[-1.0, -2.0]]
    with pytest.raises(FieldError, match="expected 2 lists"):
        exploded({"response": ["ab", "c"], "tokens": ["a", "b", "c"]})


def test_chats_are_texts_by_role():
    asked, said = {"role": "user", "content": "1+1?"}, {"role": "assistant", "content": "2"}
    mapping = {"prompt": "problem", "chats": "response"}
    table = read(lines({"prompt": [asked], "chats": [[said], [said]]}), mapping=mapping).rollouts.table
    assert table["problem"].to_pylist() == ["1+1?"] * 2
    assert table["response"].to_pylist() == ["2", "2"]
    whole = read(lines({"messages": [asked, said]}), mapping={"messages": "response"}).rollouts
    assert (whole.text("problem"), whole.text("response")) == (["1+1?"], ["2"])


def test_nested_columns_are_listed_and_can_be_mapped():
    record = {"doc": {"question": "1+1?"}, "choices": [{"text": "2", "ok": 1}, {"text": "3", "ok": 0}]}
    look = preview(lines(record, record))
    assert look.columns == ("doc.question", "choices.text", "choices.ok")
    assert look.mapping == {"doc.question": "problem"}
    with pytest.raises(InputError, match="choices.ok, choices.text, doc.question"):
        read(lines(record, record), format=None, mapping={"choices.txt": "response"})
    mapping = {"doc.question": "problem", "choices.text": "response", "choices.ok": "correct"}
    table = read(lines(record, record), mapping=mapping).rollouts.table
    assert table["response"].to_pylist() == ["2", "3"] * 2
    assert table["correct"].to_pylist() == [True, False] * 2


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_a_mapped_verdict_may_be_a_reward_in_parts(kind):
    rows = [{"q": "1+1?", "out": rf"\boxed{{{n}}}", "gold": "2", "r": r} for n, r in ((2, 1.0), (3, 0.1), (4, 0.1))]
    data = lines(*rows) if kind == "json" else pd.DataFrame(rows).to_csv(index=False).encode()
    mapping = {"q": "problem", "out": "response", "gold": "reference_answer", "r": "correct"}
    result = read(data, mapping=mapping)
    assert result.rollouts.table["correct"].to_pylist() == [True, False, False]
    assert result.rollouts.table["signal.r"].to_pylist() == [1.0, 0.1, 0.1]
    alone = read(data, mapping={column: field for column, field in mapping.items() if column != "gold"})
    assert alone.rollouts.table["correct"].to_pylist() == [True, False, False]
    assert any("only the top one, 1, is correct" in note for note in alone.notes)


def test_a_mapped_verdict_of_minus_one_and_one():
    rows = [{"q": "1+1?", "out": "x", "r": r} for r in (1, -1)]
    result = read(lines(*rows), mapping={"q": "problem", "out": "response", "r": "correct"})
    assert result.rollouts.table["correct"].to_pylist() == [True, False]


@pytest.mark.parametrize("n", [1, 2])
def test_a_record_that_holds_its_samples_is_a_record_be_it_the_only_one(n):
    record = {"question": "1+1?", "samples": [{"text": "2"}, {"text": "3"}]}
    mapping = {"question": "problem", "samples.text": "response"}
    for data in (lines(*[record] * n), json.dumps([record] * n, indent=1).encode()):
        assert read(data, mapping=mapping).rollouts.text("response") == ["2", "3"] * n
    wrapped = json.dumps({"model": "m", "samples": [{"text": "2"}, {"text": "3"}]}).encode()
    assert read(wrapped, mapping={"text": "response"}).rollouts.text("response") == ["2", "3"]


def test_no_type_in_any_mapped_field_crashes_the_reading():
    """Of a record with one field changed the row is read or refused, and its neighbours stay."""
    nasty = (None, True, -3, 2.5, float("nan"), 10**400, "", "text", [], [1], [[]], [{"role": 1}], {}, {"a": 1})
    records = [RECORD]
    for key in RECORD:
        records += [RECORD | {key: value} for value in nasty]
        records += [RECORD | {key: [value, value]} for value in nasty]
        records.append({k: v for k, v in RECORD.items() if k != key})
    result = read(lines(*records), mapping=MAPPING, fill=False)
    assert result.n_rows == len(records)
    assert result.n_refused > 0
    assert result.rollouts.text("response")[:2] == RECORD["out"]
