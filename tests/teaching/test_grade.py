"""The homework's grader on a right, a wrong and broken submissions; nothing that is handed in may run or stop it."""

from __future__ import annotations

import math
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from laser_core.rollouts import Rollouts, RunMeta, write_parquet
from laser_core.tasks import load_problems
from teaching.grade import FILE_POINTS, grade, graded_apart, main, plain
from teaching.questions import QUESTIONS
from teaching.rollout_file import N_PROBLEMS, N_SOLUTIONS, load

ALL = FILE_POINTS + sum(question.points for question in QUESTIONS)
PATTERN = [True, False, False, True] + 12 * [False]  # of each problem's solutions: 2 of 16 are correct


def rollouts(**changed: object) -> Rollouts:
    """What the homework's command could have written: 2 of 16 solutions correct, scores 0.75 and 0.25."""
    problems = load_problems("linear", "test")[:N_PROBLEMS]
    n = N_PROBLEMS * N_SOLUTIONS
    correct = np.tile(PATTERN, N_PROBLEMS)
    answers = np.array([problem.answer for problem in problems for _ in range(N_SOLUTIONS)])
    answers = np.where(correct, answers, np.char.add(answers, np.tile([str(i) for i in range(16)], N_PROBLEMS)))
    z_logprob = np.where(correct, -15.5, -20.5)
    columns = {
        "run": ["laser"] * n,
        "problem_id": [problem.problem_id for problem in problems for _ in range(N_SOLUTIONS)],
        "sample": np.tile(np.arange(N_SOLUTIONS, dtype=np.int32), N_PROBLEMS),
        "response": np.char.add("x=", answers),
        "answer": answers,
        "correct": correct,
        "truncated": np.zeros(n, bool),
        "n_tokens": np.full(n, 9, np.int32),
        "z_logprob": z_logprob,
        "score": 0.1 * (z_logprob + 23),
    } | changed
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    return Rollouts(table, RunMeta(beta_v=0.1, c_ref=-23.0, c_ref_std=0.05))


RIGHT = f"""
accuracy = 0.125
mixed_problems = 100
logprob_of_one = -13
advantage = {(1 - 0.125) / math.sqrt((2 * 0.875**2 + 14 * 0.125**2) / 15):.3f}
weight_incorrect = {16 / 28:.3f}
score_loss = 0.0625
auroc = 1
auroc_within = 1.0
balanced_f1 = 1.0
best_threshold = 0.75
"""


@pytest.fixture(scope="module")
def rollout_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("file") / "mine.parquet"
    write_parquet(rollouts(), path)
    return path


@pytest.fixture
def folder(tmp_path, rollout_file):
    """A student's folder with a sound file and no answers yet."""
    os.link(rollout_file, tmp_path / "mine.parquet")
    return tmp_path


def points(folder) -> dict[str, int]:
    return {mark.part: mark.points for mark in grade(folder)[0]}


def why(folder) -> dict[str, str]:
    return {mark.part: mark.why for mark in grade(folder)[0]}


def test_numbers_worked_by_hand_are_right(folder):
    """2 of 16 correct, all correct ones at 0.75 and the others at 0.25: every error is 0.25, its square 0.0625."""
    work = load(folder / "mine.parquet")
    best = work.numbers["score"]["best_threshold"]
    votes = work.numbers["voting"]
    gain = 100 * (votes["weighted"][7] - votes["majority"][7])
    shown = "yes" if votes["weighted_minus_majority_low"][7] > 0 else "no"
    assert 0.25 <= best <= 0.75
    told = RIGHT.replace("best_threshold = 0.75", f"best_threshold = {best}")
    (folder / "answers.toml").write_text(f'{told}gain = {gain:.2f}\ngain_is_shown = "{shown}"\n')
    found = points(folder)
    assert found == {"file": FILE_POINTS, **{question.key: question.points for question in QUESTIONS}}


def test_wrong_answers_get_the_right_one_and_a_hint(folder):
    wrong_std = (1 - 0.125) / math.sqrt(0.125 * 0.875)  # divided by count
    (folder / "answers.toml").write_text(
        f"accuracy = 12.5\nlogprob_of_one = -23\nadvantage = {wrong_std:.3f}\nweight_incorrect = 4\nauroc = 0.9\n"
    )
    said = why(folder)
    assert points(folder) == {"file": FILE_POINTS, **{question.key: 0 for question in QUESTIONS}}
    assert said["accuracy"] == "It is 0.125, not 12.5. That is a percentage; a share lies between 0 and 1."
    assert said["logprob_of_one"].endswith("That is a score of 0.")
    assert said["advantage"].endswith("You divided by count, not by count - 1.")
    assert said["weight_incorrect"].endswith("That is w_c, the weight of a correct solution.")
    assert said["auroc"] == "It is 1, not 0.9."
    assert said["gain"] == "No answer."


@pytest.mark.parametrize(
    "value", ['"0.5"', "nan", "inf", "true", "[0.5]", "{a = 1}", "1979-05-27", "9" * 400, '"__import__(1)"']
)
def test_what_is_no_number_costs_its_own_question_alone(folder, value):
    (folder / "answers.toml").write_text(f"accuracy = {value}\nmixed_problems = 100\n")
    assert points(folder)["accuracy"] == 0
    assert points(folder)["mixed_problems"] == 1
    assert "number" in why(folder)["accuracy"]


@pytest.mark.parametrize("text", [b"accuracy = ", b"a = 1\na = 2\n", b"\xff\xfe", b"a = " + 5000 * b"[", b"import os"])
def test_broken_answers_leave_the_files_points_and_say_why(folder, text):
    (folder / "answers.toml").write_bytes(text)
    assert sum(points(folder).values()) == FILE_POINTS
    assert "this is not TOML" in why(folder)["answers"]


def test_answers_are_not_read_through_a_link_nor_where_they_are_huge(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "secret.toml"
    elsewhere.write_text("accuracy = 0.125\n")
    (folder / "answers.toml").symlink_to(elsewhere)
    assert "no plain file" in why(folder)["answers"] or "not a plain file" in why(folder)["answers"]
    (folder / "answers.toml").unlink()
    (folder / "answers.toml").write_text("#" * 100_000)
    assert "100,000 bytes are too many" in why(folder)["answers"]


def test_a_file_that_is_none_gets_no_points_and_a_reason(tmp_path):
    assert points(tmp_path) == {"file": 0, **{question.key: 0 for question in QUESTIONS}}
    assert "there is no such file" in why(tmp_path)["file"]
    (tmp_path / "mine.parquet").write_bytes(b"PAR1" + bytes(200) + b"PAR1")
    assert "not a Parquet file" in why(tmp_path)["file"]
    (tmp_path / "mine.parquet").unlink()
    pq.write_table(pa.table({"a": np.zeros(N_PROBLEMS * N_SOLUTIONS)}), tmp_path / "mine.parquet")
    assert "mine.parquet" in why(tmp_path)["file"]
    pq.write_table(pa.table({"a": np.zeros(10)}), tmp_path / "mine.parquet")
    assert "10 solutions" in why(tmp_path)["file"]


def changed_at(name: str, row: int, value: object) -> list:
    values = rollouts().table[name].to_pylist()
    return values[:row] + [value] + values[row + 1 :]


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("correct", True, "the verdict does not follow from the answer"),  # row 1 is wrong
        ("score", 0.9, "the score does not follow from the log-prob"),
        ("problem_id", "linear:1*x+1=2", "other problems"),
    ],
)
def test_an_edited_table_is_noticed(tmp_path, column, value, says):
    write_parquet(rollouts(**{column: changed_at(column, 1, value)}), tmp_path / "mine.parquet")
    assert says in why(tmp_path)["file"]
    assert "line 2" in why(tmp_path)["file"] or column == "problem_id"


def test_a_whole_class_is_graded_whatever_one_of_them_hands_in(tmp_path, rollout_file, capsys):
    for name in ("ada", "bob", "eve"):
        (tmp_path / name).mkdir()
    for name in ("ada", "bob"):
        os.link(rollout_file, tmp_path / name / "mine.parquet")
        (tmp_path / name / "answers.toml").write_text(RIGHT)
    (tmp_path / "eve" / "mine.parquet").write_bytes(os.urandom(1000))
    main([str(tmp_path / name) for name in ("eve", "ada", "bob")] + ["--csv", str(tmp_path / "grades.csv")])
    said = capsys.readouterr().out
    assert f"eve: 0 of {ALL} points" in said
    assert "The solutions are those of ada" in said
    rows = (tmp_path / "grades.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["student", "eve", "ada", "bob"]
    assert rows[1].endswith(",0")


def test_a_process_that_dies_costs_its_student_the_points(tmp_path, monkeypatch):
    monkeypatch.setattr("teaching.grade.sys.executable", "/bin/false")
    marks, fingerprint = graded_apart(tmp_path)
    assert fingerprint == ""
    assert {mark.points for mark in marks} == {0}
    assert marks[0].why == "The process that read it died: exit code 1"


def test_a_name_is_printed_and_not_obeyed():
    assert plain("\x1b]0;owned\x07") == "?]0;owned?"
