"""One name means one problem: by the file's own id and by content, within a file and over files read together."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from laser_core.rollouts import convert, read, read_files
from laser_core.rollouts.reading.identity import ProblemNames, problem_hash


def lines(*objects) -> bytes:
    return b"".join(json.dumps(o).encode() + b"\n" for o in objects)


def test_one_id_with_two_texts_is_two_problems():
    names = ProblemNames()
    first, again, other = (names.name("7", text, None) for text in ("1+1?", " 1+1? ", "2+2?"))
    assert (first, again) == ("7", "7")
    assert other.startswith("7~")
    assert names.name("7", "2+2?", None) == other


def test_one_text_with_two_references_is_two_problems():
    """The same prompt beside two pictures, say: the references tell them apart."""
    names = ProblemNames()
    assert names.name(None, "Is it?", "yes") == problem_hash("Is it?")
    assert names.name(None, "Is it?", "no") != problem_hash("Is it?")
    assert names.name(3, None, "yes") != names.name(3, None, "no")


def test_what_is_unknown_contradicts_nothing():
    names = ProblemNames()
    assert {names.name(1, *content) for content in ((None, None), ("a", None), (None, "x"), ("a", "x"))} == {"1"}
    assert names.name(1, "a", "y") != "1"
    assert names.name(1, "a", " ") == "1"  # an empty reference answer is none


problems = st.tuples(
    st.one_of(st.none(), st.sampled_from(["0", "1", 0, 1.0])), st.sampled_from(["a", "b"]), st.sampled_from(["x", "y"])
)


@given(st.lists(problems, min_size=1, max_size=20))
def test_rows_share_a_name_exactly_where_id_text_and_reference_agree(rows):
    names = ProblemNames()
    called = [names.name(*row) for row in rows]
    key = [(None if given is None else str(int(given)), text, reference) for given, text, reference in rows]
    for i in range(len(rows)):
        for j in range(i):
            assert (called[i] == called[j]) == (key[i] == key[j])


ROW = {"doc_id": 0, "doc": {"question": "1+1?"}, "target": "2", "resps": [["#2"]], "filtered_resps": ["2"]}
OTHER = ROW | {"doc": {"question": "2+2?"}, "target": "4"}


def test_an_id_that_restarts_in_a_second_file_names_another_problem(tmp_path):
    """Two tasks' logs count their documents from 0: their first documents are not one problem."""
    files = [("algebra.jsonl", lines(ROW)), ("geometry.jsonl", lines(OTHER))]
    first, second = (result.rollouts.text("problem_id") for result in read_files(files).results)
    assert first == ["0"]
    assert second[0].startswith("0~")
    convert(files, tmp_path / "both.parquet")
    assert read(tmp_path / "both.parquet").rollouts.text("problem_id") == first + second


def test_the_same_problems_in_two_files_keep_their_names():
    files = [("a.jsonl", lines(ROW, OTHER)), ("b.jsonl", lines(ROW, OTHER, ROW))]
    first, second = (result.rollouts.text("problem_id") for result in read_files(files).results)
    assert set(first) == set(second)


def test_mapped_tables_are_told_apart_by_content_too():
    rows = [{"id": 0, "q": "1+1?", "out": "2"}, {"id": 0, "q": "2+2?", "out": "4"}, {"id": 0, "q": "1+1?", "out": "3"}]
    result = read(lines(*rows), mapping={"id": "problem_id", "q": "problem", "out": "response"})
    first, other, again = result.rollouts.text("problem_id")
    assert first == again == "0" != other
    assert any("uses one id for several problems" in note for note in result.notes)


def test_an_id_of_no_use_without_a_text_is_refused():
    data = lines({"id": {"a": 1}, "out": "2"}, {"id": 3, "out": "2"})
    result = read(data, mapping={"id": "problem_id", "out": "response"})
    assert (result.refused[0].line, result.refused[0].field) == (1, "problem_id")
    assert result.rollouts.text("problem_id") == ["3"]


def test_rows_in_our_own_columns_without_our_header_are_told_apart_within_a_run():
    rows = [
        {"run": run, "problem_id": "0", "sample": 0, "response": "#2", "problem": problem}
        for run, problem in (("a", "1+1?"), ("a", "2+2?"), ("b", "Please: 1+1?"))
    ]
    first, other, same = read(lines(*rows)).rollouts.text("problem_id")
    assert first == same == "0"  # another run may ask in other words
    assert other.startswith("0~")


def test_a_line_without_id_and_text_is_a_problem_of_its_own_and_that_is_said():
    result = read(lines({"out": "#1"}, {"out": "#1"}), mapping={"out": "response"})
    assert result.rollouts.text("problem_id") == ["line-1", "line-2"]
    assert "problem_id: no id and no problem text, so every line counts as its own problem (2 rows)" in result.notes
