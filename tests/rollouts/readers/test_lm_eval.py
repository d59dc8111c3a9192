"""lm-evaluation-harness: one row per response, however many filters logged it; K repeats stay K solutions."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laser_core.rollouts import read

FIXTURES = Path(__file__).parents[1] / "fixtures"


def lines(*objects) -> bytes:
    return b"".join(json.dumps(o).encode() + b"\n" for o in objects)


def record(doc_id: int, said: str | list[str], answer: str, correct: float, **changes) -> dict:
    """A line as lm-eval writes it for the problem ``doc_id * 10 + doc_id``, before it named its filters."""
    question, gold = f"What is {doc_id * 10} + {doc_id}?", str(doc_id * 11)
    return {
        "doc_id": doc_id,
        "doc": {"question": question, "answer": f"added up\n#### {gold}"},
        "target": f"added up\n#### {gold}",
        "arguments": [[f"Q: {question}", {"until": ["Q:"]}]],
        "resps": [said if isinstance(said, list) else [said]],
        "filtered_resps": [answer],
        "exact_match": correct,
    } | changes


STRICT = [record(1, "#### 11", "11", 1.0), record(2, "it is 22", "[invalid]", 0.0), record(3, "#### 30", "30", 0.0)]
FLEXIBLE = [record(1, "#### 11", "11", 1.0), record(2, "it is 22", "22", 1.0), record(3, "#### 30", "30", 0.0)]


@pytest.mark.parametrize(("fixture", "n_rows"), [("lm_eval_044_once", 3), ("lm_eval_044_four", 12)])
def test_what_the_harness_wrote_before_it_named_its_filters(fixture, n_rows):
    result = read(FIXTURES / f"{fixture}.jsonl")
    assert (len(result.rollouts), result.n_rows, len(result.rollouts.table["problem_id"].unique())) == (n_rows, 6, 3)
    newer = read(FIXTURES / f"{fixture.replace('_044', '')}.jsonl", run=result.rollouts.runs()[0]).rollouts.table
    assert result.rollouts.table.equals(newer.drop_columns(["tag.filter"]))


def test_a_document_logged_once_for_each_unnamed_filter_is_one_row():
    result = read(lines(*STRICT, *FLEXIBLE))
    assert result.rollouts.table["correct"].to_pylist() == [True, False, False]
    assert result.rollouts.text("answer") == ["11", None, "30"]
    assert result.rollouts.text("reference_answer") == ["11", "22", "33"]
    note = "lines of another filter, which the file does not name, hold the same responses again: left out (3 rows)"
    assert note in result.notes


def test_filters_are_found_wherever_their_lines_stand():
    """Sorted by document: what came of one response differs, so two filters were at work, also where they agree."""
    pairs = [line for pair in zip(STRICT, FLEXIBLE, strict=True) for line in pair]
    result = read(lines(*pairs))
    assert result.rollouts.table["correct"].to_pylist() == [True, False, False]
    assert result.rollouts.text("answer") == ["11", None, "30"]


def test_one_response_sampled_twice_and_logged_for_two_filters_is_two_samples():
    """Two runs that agree on the second document, each logged for both filters."""
    other = [[record(1, "#### 12", answer, 0.0), rows[1]] for answer, rows in (("12", STRICT), ("12", FLEXIBLE))]
    result = read(lines(*STRICT[:2], *FLEXIBLE[:2], *other[0], *other[1]))
    assert result.rollouts.text("response") == ["#### 11", "it is 22", "#### 12", "it is 22"]
    assert result.rollouts.text("answer") == ["11", None, "12", None]


@given(
    said=st.lists(st.lists(st.sampled_from("ab"), min_size=2, max_size=4), min_size=1, max_size=3),
    n_filters=st.integers(2, 3),
    by_document=st.booleans(),
)
def test_every_sample_is_one_row_however_often_and_in_whichever_order_it_was_logged(said, n_filters, by_document):
    """``said[run][document]``; of the first document's responses each filter makes something else."""
    said = [run[: min(map(len, said))] for run in said]
    log = [
        record(d, response, f"{response}{f if d == 0 else ''}", 0.0)
        for run in said
        for f in range(n_filters)
        for d, response in enumerate(run)
    ]
    if by_document:
        log.sort(key=lambda line: line["doc_id"])
    result = read(lines(*log), fill=False)
    expected = sorted((str(d), response) for run in said for d, response in enumerate(run))
    found = zip(result.rollouts.text("problem_id"), result.rollouts.text("response"), strict=True)
    assert sorted(found) == expected
    assert all(answer in ("a", "b", "a0", "b0") for answer in result.rollouts.text("answer"))


def test_three_filters_and_a_file_that_was_cut_off():
    assert len(read(lines(*STRICT, *FLEXIBLE, *STRICT)).rollouts) == 3
    assert len(read(lines(*STRICT, *FLEXIBLE[:2])).rollouts) == 3


def test_named_filters_are_named_in_the_note():
    named = [[row | {"filter": name} for row in rows] for name, rows in (("strict", STRICT), ("flexible", FLEXIBLE))]
    result = read(lines(*itertools.chain(*named)))
    assert len(result.rollouts) == 3
    note = "lines of other filters than 'strict' ('flexible') hold the same responses again: left out (3 rows)"
    assert note in result.notes


def test_tasks_that_use_different_filters_all_stay():
    """A group's tasks in one file: what is the first filter of one task is no filter of the other."""
    other = record(4, "#### 44", "44", 1.0, filter="none")
    result = read(lines(*(row | {"filter": "strict"} for row in STRICT), other))
    assert len(result.rollouts) == 4


@pytest.mark.parametrize("named", [{}, {"filter": "strict"}])
def test_samples_on_lines_of_their_own_stay_even_where_two_are_alike(named):
    """Two sampled runs of the same task joined: they agree on one document by chance, and differ on another."""
    second = [record(1, "#### 11", "11", 1.0), record(2, "it is 23", "[invalid]", 0.0), STRICT[2]]
    result = read(lines(*(row | named for row in [*STRICT, *second])))
    assert result.rollouts.table["sample"].to_pylist() == [0, 0, 0, 1, 1, 1]


def test_identical_repeats_are_as_many_samples():
    four = record(1, ["#### 11"] * 4, "11", 1.0)
    result = read(lines(four, four | {"filtered_resps": ["[invalid]"], "exact_match": 0.0}))
    assert result.rollouts.table["sample"].to_pylist() == [0, 1, 2, 3]
    alone = record(1, "#### 11", "11", 1.0)
    assert len(read(lines(alone, alone, alone)).rollouts) == 3  # one document, the same in everything: samples


def test_two_samples_runs_each_with_two_unnamed_filters():
    runs = [[record(i, f"{run}: #### {i}", str(i), 0.0) for i in (1, 2)] for run in "ab"]
    result = read(lines(*runs[0], *runs[0], *runs[1], *runs[1]))
    assert sorted(result.rollouts.text("response")) == ["a: #### 1", "a: #### 2", "b: #### 1", "b: #### 2"]


def test_subtasks_whose_doc_ids_restart_are_different_problems():
    algebra = record(0, "#### 0", "0", 1.0, doc={"problem": "What is 0 + 0?"}, target="0", filter="none")
    geometry = record(0, "#### 4", "4", 1.0, doc={"problem": "How many corners?"}, target="4", filter="none")
    table = read(lines(algebra, geometry)).rollouts.table
    assert len(table["problem_id"].unique()) == 2
    assert table["sample"].to_pylist() == [0, 0]


def test_a_filter_that_keeps_everything_extracts_nothing():
    said = r"Eleven, that is $\boxed{11}$."
    result = read(lines(record(1, said, said, 1.0, filter="none")))
    assert result.rollouts.text("answer") == ["11"]
    assert "answer: extracted from the response (1 row)" in result.notes


def test_a_filter_that_keeps_every_repeat_answers_each():
    four = record(1, ["a", "b", "c"], "", 1.0, filtered_resps=[["11", "[invalid]", "12"]])
    assert read(lines(four)).rollouts.text("answer") == ["11", None, "12"]


def test_several_accepted_answers_are_no_reference():
    """The harness stores str(target): a list spelled out, which nobody's answer is equal to."""
    result = read(lines(record(1, "so eleven", "eleven", 1.0, target="['11', 'eleven']")))
    assert result.rollouts.text("reference_answer") == [None]
    assert result.rollouts.table["correct"].to_pylist() == [True]
    assert read(lines(record(1, "11", "11", 1.0, target="['11']"))).rollouts.text("reference_answer") == ["11"]


def test_a_metric_between_0_and_1_is_no_verdict():
    table = read(lines(record(1, "#### 11", "11", 0.5), record(2, "#### 20", "20", 0.5))).rollouts.table
    assert table["correct"].to_pylist() == [True, False]


def test_the_prompt_stands_in_for_a_question_without_a_name():
    old = record(1, "#### 11", "11", 1.0, doc={"sum": [10, 1]})
    new = old | {"arguments": {"gen_args_0": {"arg_0": "Q: What is 10 + 1?"}}}
    assert read(lines(old)).rollouts.text("problem") == read(lines(new)).rollouts.text("problem")
