"""Marks: kept in a file beside the run, carried by an exported table, and applied to verdicts on request."""

import json

import pytest

from laser_core.errors import InputError
from laser_core.rollouts import Rollouts, marks, read, write_csv, write_jsonl, write_parquet
from laser_core.rollouts.marks import Mark

VERDICTS = (True, False, None, True)
ROLLOUTS = Rollouts.from_rows(
    [
        {"run": "r", "step": i // 2, "problem_id": f"p{i % 2}", "sample": 0, "response": "x", "correct": verdict}
        for i, verdict in enumerate(VERDICTS)
    ]
)
MARKS = {
    mark.key: mark
    for mark in (
        Mark(1, "p1", 0, wrong_verdict=True, note='=1+1, "odd"\n🙂'),
        Mark(0, "p0", 0, bookmark=True),
        Mark(1, "p0", 0, wrong_verdict=True),
        Mark(7, "p0", 0, wrong_verdict=True),  # the table has no such step
    )
}


def test_a_mark_belongs_to_one_step_of_a_problem():
    assert list(marks.marked_rows(ROLLOUTS, MARKS)) == [0, 2, 3]


def test_only_marked_and_known_verdicts_are_turned_round():
    assert marks.corrected(ROLLOUTS, MARKS).table["correct"].to_pylist() == [True, False, None, False]
    assert marks.corrected(ROLLOUTS, {}) is ROLLOUTS


def test_marks_of_two_sessions_stay_together(tmp_path):
    path = tmp_path / "new" / "marks.jsonl"
    marks.change_marks(path, Mark(None, "p", 0, note="one"))
    marks.change_marks(path, Mark(None, "p", 1, bookmark=True))
    assert [mark.sample for mark in marks.read_marks(path).values()] == [0, 1]
    assert list(marks.change_marks(path, Mark(None, "p", 0))) == [(None, "p", 1)]


def test_what_is_no_mark_is_skipped(tmp_path):
    good = json.dumps({"step": 3, "problem_id": "p", "sample": 1, "note": "n" * 9000, "more": 1})
    bad = ["{", "[]", '"x"', '{"sample": 1}', '{"problem_id": "p", "sample": true}', "[" * 10_000, "\x00"]
    bad += ['{"problem_id": "p", "sample": 1, "note": {}}', '{"problem_id": "p", "sample": 1, "bookmark": "yes"}']
    (tmp_path / "m").write_text("\n".join([*bad, good]))
    (mark,) = marks.read_marks(tmp_path / "m").values()
    assert (mark.key, len(mark.note)) == ((3, "p", 1), marks.MAX_NOTE)
    assert marks.read_marks(tmp_path / "none") == {}


def test_a_run_has_room_for_so_many(monkeypatch):
    monkeypatch.setattr(marks, "MAX_MARKS", 4)
    with pytest.raises(InputError, match="room for 4 marks"):
        marks.with_mark(MARKS, Mark(None, "q", 0, bookmark=True))
    assert len(marks.with_mark(MARKS, Mark(0, "p0", 0, note="changed"))) == 4


@pytest.mark.parametrize("write", [write_parquet, write_jsonl, write_csv])
def test_an_exported_table_carries_its_marks(tmp_path, write):
    write(marks.with_marks(ROLLOUTS, MARKS), tmp_path / "file")
    found = read(tmp_path / "file", fill=False).rollouts
    assert found.table["correct"].to_pylist() == list(VERDICTS)  # the verifier's own
    assert marks.marks_in(found) == {key: MARKS[key] for key in [(0, "p0", 0), (1, "p0", 0), (1, "p1", 0)]}


def test_a_table_without_marks_gets_no_columns():
    assert marks.with_marks(ROLLOUTS, {}) is ROLLOUTS
    assert marks.marks_in(ROLLOUTS) == {}
