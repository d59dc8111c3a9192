"""The counts that show a wrong grouping, extraction or verdict: by hand, and the same however they are taken."""

from __future__ import annotations

import json
from collections import Counter

import pyarrow as pa
import pytest

from laser_core.rollouts import Checks, GivenVerdict, Rollouts, agreement, check, checks, convert, read, read_files
from tests.factories import make_rollouts


def lines(*objects) -> bytes:
    return b"".join(json.dumps(o).encode() + b"\n" for o in objects)


def row(problem: str, sample: int, said: str, **changes) -> dict:
    return {"problem_id": problem, "sample": sample, "response": said, "reference_answer": "2"} | changes


ROWS = [
    row("a", 0, "x=2#2", correct=True),
    row("a", 1, "x=2#2", correct=False),  # the file contradicts itself, and our verifier
    row("a", 2, "x=3#3"),
    row("b", 0, "no idea"),
    row("c", 0, "x=2#2", correct=True),
]


def test_counts_by_hand():
    result = read(lines(*ROWS))
    found = check(result.rollouts, result.given)
    assert (found.n_rollouts, found.n_problems, found.solutions) == (5, 3, (1, 1.0, 3))
    assert (found.n_answered, found.n_file_verdicts, found.n_our_verdicts) == (4, 3, 2)
    assert found.n_duplicates == 1
    wrong = GivenVerdict("upload", "a", 1, "2", "2", False)
    compared = agreement(found.given)
    assert (compared.n_compared, compared.n_disagreements, compared.disagreements) == (3, 1, (wrong,))
    assert compared.share == pytest.approx(2 / 3)
    assert checks.opposed(wrong).endswith("answer '2', reference '2'; the file says incorrect, our verifier correct")


def test_conversion_and_reading_count_alike(tmp_path):
    result = read(lines(*ROWS), name="r.jsonl")
    assert convert(lines(*ROWS), tmp_path / "r.parquet", name="r.jsonl").checks == check(result.rollouts, result.given)


def test_pieces_and_the_whole_count_alike():
    rollouts = make_rollouts(n_problems=20)
    whole = check(rollouts)
    assert check(rollouts, rows=7) == whole
    per_problem = Counter(zip(rollouts.text("run"), rollouts.text("problem_id"), strict=True))
    assert whole.solutions[0::2] == (min(per_problem.values()), max(per_problem.values()))
    said = set(zip(rollouts.text("problem_id"), rollouts.text("response"), strict=True))
    assert whole.n_duplicates == len(rollouts) - len(said)


def test_runs_of_several_files_are_counted_under_their_new_names(tmp_path):
    """Two files that both call their run 'r': eight solutions of one problem would be a wrong grouping."""
    files = [(f"{i}.jsonl", lines(*(row("a", s, f"#{i}", run="r", correct=True) for s in range(4)))) for i in (1, 2)]
    found = convert(files, tmp_path / "both.parquet").checks
    assert (found.n_problems, found.solutions) == (2, (4, 4.0, 4))
    for result in read_files(files).results:
        assert check(result.rollouts, result.given).n_file_verdicts == 4


def test_rows_that_an_earlier_file_holds_are_not_counted_twice(tmp_path):
    part = [row("a", s, f"#{s}", run="r", correct=s == 2) for s in range(4)]
    files = [("1.jsonl", lines(*part[:3])), ("2.jsonl", lines(*part[1:]))]
    found = convert(files, tmp_path / "both.parquet").checks
    assert (found.n_rollouts, found.n_file_verdicts, found.solutions) == (4, 4, (4, 4.0, 4))
    (result,) = read_files(files).results
    assert check(result.rollouts, result.given).n_file_verdicts == 4


def test_a_table_too_long_to_count_is_counted_over_a_sample_that_is_named(monkeypatch):
    monkeypatch.setattr(checks, "MAX_ROWS", 400)
    rollouts = make_rollouts(n_problems=400)  # 8 solutions each
    found = check(rollouts, rows=100)
    assert found.one_in >= 8
    assert found.solutions == (8, 8.0, 8)
    assert 200 < found.n_problems < 800
    assert any(f"1 in {found.one_in} problems" in sentence for sentence in checks.sentences(found))


def test_the_verdicts_to_compare_are_an_even_sample(monkeypatch):
    monkeypatch.setattr(checks, "MAX_COMPARED", 50)
    rows = [row(f"p{i}", 0, "#2", answer="2", correct=i < 500, run="r") for i in range(1000)]
    rollouts = Rollouts.from_rows(rows)
    given = check(rollouts).given
    assert len(given) == 50
    assert 12 < sum(item.correct for item in given) < 38
    assert check(rollouts, rows=33).given == given  # whatever the pieces


def test_solutions_with_the_same_number_at_several_steps_are_all_compared():
    rows = [row("p", 0, "#2", run="r", step=step, correct=True, answer=a) for step, a in enumerate((None, "2", "3"))]
    given = check(Rollouts.from_rows(rows)).given
    assert [item.answer for item in given] == [None, "2", "3"]
    assert agreement(given).n_disagreements == 2


def test_what_cannot_be_compared_is_not_counted_as_agreement():
    nothing = agreement([])
    assert (nothing.share, nothing.n_compared) == (None, 0)
    unreadable = agreement([GivenVerdict("r", "p", 0, "5", "{", True)])
    assert unreadable.n_compared + unreadable.n_unknown == 1


def test_an_empty_table_has_nothing_to_check():
    assert check(Rollouts.from_rows([])) == Checks()
    assert checks.sentences(Checks())


def test_verdicts_of_our_own_table_are_the_files():
    rollouts = make_rollouts(n_problems=3)
    found = check(rollouts)
    assert (found.n_file_verdicts, found.n_our_verdicts) == (len(rollouts), 0)
    none_given = pa.chunked_array([pa.nulls(len(rollouts), pa.bool_())])
    assert check(rollouts, none_given).n_our_verdicts == len(rollouts)
