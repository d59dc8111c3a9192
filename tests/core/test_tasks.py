"""The miniature world's problems, and problems from files."""

import re
from pathlib import Path

import numpy as np
import pytest

from laser_core.errors import InputError
from laser_core.tasks import linear, load_problems
from laser_core.tasks.problems import SPLITS, Problem

DATA = Path(__file__).parents[3] / "shared" / "data"


def test_splits_are_disjoint_and_complete():
    texts = {split: {p.text for p in linear.problems(split)} for split in SPLITS}
    assert sum(map(len, texts.values())) == len(set().union(*texts.values())) == 18 * 48 * 49
    assert 0.08 < len(texts["test"]) / (18 * 48 * 49) < 0.12


def test_every_answer_solves_its_equation():
    for problem in linear.problems("test")[:500]:
        a, b, c = map(int, re.fullmatch(r"(\d+)\*x\+(\d+)=(\d+)\?", problem.text).groups())
        assert a * int(problem.answer) + b == c


def test_a_wrong_guess_shows_in_the_worked_solution():
    # 5 * 8 = 40, 40 + 7 = 47, which is not 52.
    problem = Problem("", "5*x+7=52?", "9")
    assert linear.worked_solution(problem, 8) == "x=8;5*8=40;40+7=47#8"
    assert linear.worked_solution(problem, 9) == "x=9;5*9=45;45+7=52#9"


def test_guesses_are_wrong_as_often_as_asked_and_never_negative():
    rng, problem = np.random.default_rng(0), Problem("", "5*x+7=17?", "2")
    guesses = [linear.sample_guess(problem, rng, wrong_share=0.5) for _ in range(4000)]
    # 4000 draws at 1/2: standard deviation 32, so 4 of them are 128.
    assert abs(sum(g != 2 for g in guesses) - 2000) < 128
    assert min(guesses) >= 0
    assert max(guesses) == 12


def test_file_of_problems(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text('{"question": "1+1?", "answer": "so 2\\n#### 2"}\n\n{"problem": "2+2?", "answer": [4]}\n')
    assert [(p.text, p.answer) for p in load_problems(str(path), "all")] == [("1+1?", "2"), ("2+2?", "4")]


def test_file_without_answers_names_line_and_field(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text('{"question": "1+1?", "answer": "2"}\n{"question": "2+2?"}\n')
    with pytest.raises(InputError) as caught:
        load_problems(str(path), "all")
    assert (caught.value.line, caught.value.field) == (2, "answer")


def test_missing_file_and_unknown_split_are_named():
    with pytest.raises(InputError, match="no such file"):
        load_problems("nowhere.jsonl")
    with pytest.raises(InputError, match="no split"):
        load_problems("linear", "dev")


@pytest.mark.skipif(not DATA.is_dir(), reason="the real problem files are not beside this checkout")
@pytest.mark.parametrize(
    ("name", "count"),
    [("math500", 500), ("gsm8k_test", 1319), ("aime24", 30), ("amc23", 40), ("OlympiadBench", None)],
)
def test_real_problem_files_load(name, count):
    found = load_problems(str(DATA / f"{name}.jsonl"), "all")
    assert all(p.text and p.answer for p in found)
    assert len({p.problem_id for p in found}) == len(found)
    assert count is None or len(found) == count
