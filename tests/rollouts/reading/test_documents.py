"""Documents in other shapes than a list of objects: split tables, numbered objects, logs with several lists."""

from __future__ import annotations

import json

import pytest

from laser_core.rollouts import preview, read
from laser_core.rollouts.reading.documents import reshaped
from tests.rollouts.readers.files import FIXTURES, columns, fixture

TABLE = {"columns": ["question", "said", "ok"], "data": [["1+1?", "2", True], ["2+2?"], ["3+3?", "7", False]]}


@pytest.mark.parametrize("indent", [None, 1])
def test_a_split_table_is_mapped_like_any_other(indent):
    data = json.dumps(TABLE | {"index": [0, 1, 2]}, indent=indent).encode()
    assert preview(data).columns == ("question", "said", "ok")
    result = read(data, mapping={"question": "problem", "said": "response", "ok": "correct"}, fill=False)
    assert columns(result, "problem", "correct") == [["1+1?", "3+3?"], [True, False]]
    assert [refusal.line for refusal in result.refused] == [2]


def test_a_w_and_b_table_is_recognised_by_its_columns():
    result = fixture("wandb.table.json")
    assert (result.format, result.n_rows) == ("trl", 4)
    assert columns(result, "step", "correct", "signal.format_reward") == [
        [10] * 4,
        [True, False, True, False],
        [1.0, 1.0, 0.0, 0.0],
    ]


def test_numbered_objects_and_those_under_details():
    rows = {"0": {"q": "1+1?"}, "1": {"q": "2+2?"}}
    assert reshaped(rows) == list(rows.values())
    assert reshaped(rows | {"_dataset_info": {"version": "2"}}) == list(rows.values())
    assert reshaped({"accuracy": 50.0, "details": {"type": "GEN"} | rows}) == list(rows.values())


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"0": 1, "1": 2},
        {"0": {"q": "1+1?"}, "a": 1, "b": 2},
        {"details": {"type": "GEN"}},
        {"columns": [], "data": []},
        {"columns": ["a", "a"], "data": [[1, 2]]},  # two columns of one name
        {"columns": ["a", 1], "data": [[1, 2]]},
        {"columns": ["a"], "data": {"a": 1}},
        {"request_states": []},
        {"prompt": "2", "details": "none"},
    ],
)
def test_any_other_document_is_left_alone(document):
    assert reshaped(document) is None


def test_a_log_with_several_lists():
    document = json.loads((FIXTURES / "helm_scenario_state.json").read_text())
    document["annotator_specs"] = [{"class_name": "x"}]
    assert reshaped(document) == document["request_states"]
