"""The miniature world's problems, and problems from files."""

import re
from pathlib import Path

import numpy as np
import pytest

from laser_core.errors import InputError
from laser_core.tasks import linear, load_problems, pair, words
from laser_core.tasks.problems import SPLITS, Problem
from laser_core.tasks.sources import FAMILIES
from tests.skips import NEEDS_DATA

DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.mark.parametrize("family", FAMILIES)
def test_splits_are_disjoint_and_of_the_stated_shares(family):
    texts = {split: {p.text for p in load_problems(family, split)} for split in SPLITS}
    total = sum(map(len, texts.values()))
    assert total == len(set().union(*texts.values())) == len(load_problems(family, "all"))
    assert 0.08 < len(texts["test"]) / total < 0.12
    assert 0.04 < len(texts["validation"]) / total < 0.06


def test_families_share_no_problem():
    texts = [p.text for family in FAMILIES for p in load_problems(family, "all")]
    assert len(texts) == len(set(texts))


def test_every_answer_solves_its_equation():
    for problem in linear.problems("test")[:500]:
        a, b, c = map(int, re.fullmatch(r"(\d+)\*x\+(\d+)=(\d+)\?", problem.text).groups())
        assert a * int(problem.answer) + b == c


def test_every_long_answer_solves_its_equation():
    for problem in linear.long_problems("test")[:500]:
        a, b, d, c = map(int, re.fullmatch(r"(\d+)\*x\+(\d+)-(\d+)=(\d+)\?", problem.text).groups())
        assert a * int(problem.answer) + b - d == c


def test_every_pair_has_its_answer_and_no_other():
    for problem in pair.problems("test")[:200]:
        s, a, b, t = map(int, re.fullmatch(r"x\+y=(\d+),(\d+)\*x\+(\d+)\*y=(\d+)\?", problem.text).groups())
        assert [x for x in range(s + 1) if a * x + b * (s - x) == t] == [int(problem.answer)]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Ann has 30 pens. Eli has 13 fewer than Ann. How many do they have?", 30 + 17),
        ("Cy has 6 coins. Ben has 4 times as many as Cy. How many do they have?", 6 + 24),
        (
            "Ben has 22 coins. Dee has 4 fewer than Ben. Fay has 4 times as many as Dee. How many do they have?",
            22 + 18 + 72,
        ),
    ],
)
def test_word_problems_are_worked_out(text, answer):
    assert words.worked_solution(Problem("", text, "")).split("#")[1] == str(answer)


@pytest.mark.parametrize("family", ["words", "words-long"])
def test_answers_of_word_problems_are_those_of_the_right_solution(family):
    for problem in load_problems(family, "test")[:300]:
        assert words.worked_solution(problem).split("#")[1] == problem.answer


@pytest.mark.parametrize(
    ("family", "module"), [("linear", linear), ("linear-long", linear), ("pair", pair), ("words", words)]
)
def test_the_corpus_is_wrong_as_often_as_asked(family, module):
    rng, problems = np.random.default_rng(0), load_problems(family, "train")[:2000]
    wrong = [not module.noisy_solution(p, rng, wrong_share=0.5).endswith("#" + p.answer) for p in problems]
    # 2000 draws at 1/2: standard deviation 22, so 4 of them are 90. A slip may cancel itself out, rarely.
    assert abs(sum(wrong) - 1000) < 90


def test_a_slip_is_carried_on():
    # 7 + 5 read as 7 - 5 = 2, and then honestly 7 + 2 = 9; 12 + 7 misadded by one.
    problem = Problem("", "Ann has 7 pens. Ben has 5 more than Ann. How many do they have?", "19")
    assert words.worked_solution(problem, slip_at=0, misread=True) == "7-5=2;7+2=9#9"
    assert words.worked_solution(problem, slip_at=1, slip=1) == "7+5=12;7+12=20#20"


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
    with pytest.raises(InputError, match="is not a split"):
        load_problems("linear", "dev")


@pytest.mark.skipif(not DATA.is_dir(), reason=f"{NEEDS_DATA}: the real problem files")
@pytest.mark.parametrize(
    ("name", "count"),
    [("math500", 500), ("gsm8k_test", 1319), ("aime24", 30), ("amc23", 40), ("OlympiadBench", None)],
)
def test_real_problem_files_load(name, count):
    found = load_problems(str(DATA / f"{name}.jsonl"), "all")
    assert all(p.text and p.answer for p in found)
    assert len({p.problem_id for p in found}) == len(found)
    assert count is None or len(found) == count
