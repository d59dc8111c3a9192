"""The miniature world's problems, and problems from files."""

import re
from pathlib import Path

import numpy as np
import pytest

from laser_core.errors import InputError
from laser_core.miniature.corpus import CAREFUL
from laser_core.tasks import CHAIN, FAMILIES, LINEAR, WORDS, arithmetic_rate, grading_prompt, load_problems
from laser_core.tasks.guess_and_check import (
    MAX_RETRIES,
    Habits,
    draw_guess,
    grading,
    last_result,
    noisy_solution,
    stated_answer,
    worked_solution,
)
from laser_core.tasks.problems import SPLITS, Problem, split_of
from laser_core.tasks.words import skeleton
from tests.skips import NEEDS_DATA

DATA = Path(__file__).parents[3] / "shared" / "data"


EQUATION = Problem("", "5*x+7=52?", "9")
CHAIN_EQUATION = Problem("", "5*x+7=52!", "9")
STORY = Problem(
    "", "Ann has some pens. Ben has 3 times as many and 7 fewer. They have 29 in all. How many has Ann?", "9"
)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_splits_are_disjoint_and_of_the_stated_shares(family):
    texts = {split: {p.text for p in load_problems(family.name, split)} for split in SPLITS}
    total = sum(map(len, texts.values()))
    assert total == len(set().union(*texts.values())) == len(load_problems(family.name, "all"))
    assert 0.08 < len(texts["test"]) / total < 0.12
    assert 0.04 < len(texts["validation"]) / total < 0.06


def test_families_share_no_problem():
    texts = [p.text for family in FAMILIES for p in load_problems(family.name, "all")]
    assert len(texts) == len(set(texts))


def test_an_equation_is_in_the_same_split_with_and_without_its_last_sum():
    for split in SPLITS:
        written, chain = ({p.text[:-1] for p in family.problems(split)} for family in (LINEAR, CHAIN))
        assert written == chain


def test_every_answer_solves_its_equation():
    for problem in (*LINEAR.problems("test")[:300], *CHAIN.problems("test")[:300]):
        a, b, c = map(int, re.fullmatch(r"(\d+)\*x\+(\d+)=(\d+)[?!]", problem.text).groups())
        assert a * int(problem.answer) + b == c


def test_every_word_problem_has_its_answer_and_no_other():
    numbers = re.compile(r"has (\d+) times as many and (\d+) (more|fewer)\. They have (\d+) in all")
    for problem in WORDS.problems("test")[:300]:
        factor, extra, ending, total = numbers.search(problem.text).groups()
        signed = int(extra) if ending == "more" else -int(extra)
        solved = [x for x in range(200) if x + int(factor) * x + signed == int(total)]
        assert solved == [int(problem.answer)]


def test_no_test_problem_in_words_is_a_training_problem_with_other_names():
    skeletons = {split: {skeleton(p.text) for p in load_problems("words", split)} for split in SPLITS}
    assert not skeletons["train"] & skeletons["test"]
    assert not skeletons["train"] & skeletons["validation"]
    assert not skeletons["validation"] & skeletons["test"]
    assert all(split_of(key) == split for split, keys in skeletons.items() for key in keys)
    assert skeleton(STORY.text.replace("Ann", "Cy").replace("pens", "coins")) == skeleton(STORY.text)


@pytest.mark.parametrize(
    ("family", "problem", "wrong_then_right"),
    [
        # 5 * 8 = 40, 40 + 7 = 47, which is not 52.
        (LINEAR, EQUATION, "x=8;5*8=40;40+7=47~x=9;5*9=45;45+7=52#9"),
        (CHAIN, CHAIN_EQUATION, "x=8;5*8=40;40+7=47~x=9;5*9=45;45+7=52#9"),
        # 3 * 8 - 7 = 17 and 8 + 17 = 25, which is not 29; 3 * 9 - 7 = 20 and 9 + 20 = 29.
        (WORDS, STORY, "8;3*8=24;24-7=17;8+17=25~9;3*9=27;27-7=20;9+20=29#9"),
    ],
    ids=["linear", "chain", "words"],
)
def test_a_wrong_guess_is_tried_and_given_up(family, problem, wrong_then_right):
    assert worked_solution(family, problem, [8, 9]) == wrong_then_right
    assert stated_answer(wrong_then_right) == 9


@pytest.mark.parametrize(
    ("family", "problem", "page"),
    [
        (LINEAR, EQUATION, "5*8=40;40+7=47;n"),
        (CHAIN, CHAIN_EQUATION, "5*8=40;40+7=47;n"),
        (WORDS, STORY, "3*8=24;24-7=17;8+17=25;n"),
    ],
    ids=["linear", "chain", "words"],
)
def test_a_grading_page_writes_the_whole_check(family, problem, page):
    solution = worked_solution(family, problem, [8])
    rng = np.random.default_rng(0)
    assert grading(family, problem, solution, rng, Habits(wrong_grade=0)) == page
    assert grading(family, problem, solution, rng, Habits(wrong_grade=1)) == page[:-1] + "y"
    assert grading_prompt(problem.text, solution) == f"@{problem.text}{solution}@"


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_corpus_has_the_stated_habits(family):
    rng, problems = np.random.default_rng(0), family.problems("train")
    accepted = {True: [], False: []}
    for i in range(4000):
        problem = problems[i % len(problems)]
        solution = noisy_solution(family, problem, rng)
        checks = solution.partition("#")[0].split("~")
        guesses = [int(re.match(r"(?:x=)?(\d+)", check)[1]) for check in checks]
        assert len(set(guesses)) == len(guesses) <= MAX_RETRIES + 1
        assert stated_answer(solution) == guesses[-1]
        for n, guess in enumerate(guesses[:MAX_RETRIES]):
            accepted[guess == int(problem.answer)].append(n == len(guesses) - 1)
    # Thousands of draws: standard deviations are below 0.01, and 4 of them below 0.04.
    assert abs(np.mean(accepted[True]) - 0.97) < 0.02
    assert abs(np.mean(accepted[False]) - 0.5) < 0.04
    assert abs(len(accepted[False]) / (len(accepted[True]) + len(accepted[False])) - 0.6) < 0.04


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_nothing_after_the_accepting_sign_says_whether_it_was_right(family):
    rng, problem = np.random.default_rng(0), family.problems("train")[0]
    for _ in range(200):
        assert re.fullmatch(r"[^#]*#\d+", noisy_solution(family, problem, rng))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_two_attempts_fit_into_the_length_limit(family):
    """Characters are counted, which are at least as many as the miniature tokenizer's tokens; <eos> is one more."""
    rng, problems = np.random.default_rng(0), family.problems("test")
    assert max(len(noisy_solution(family, problem, rng)) for problem in problems) < family.max_new_tokens


def test_the_text_rules_compare_without_computing():
    assert LINEAR.text_rule(EQUATION.text, "x=8;5*8=40;40+7=47~x=9;5*9=45;45+7=52#9")
    assert not LINEAR.text_rule(EQUATION.text, "x=9;5*9=45;45+7=52~x=8;5*8=40;40+7=47#8")
    assert not LINEAR.text_rule(EQUATION.text, "#9")
    assert CHAIN.text_rule(CHAIN_EQUATION.text, "x=8;5*8=45;45+7=52#8")  # what it cannot see
    assert WORDS.text_rule(STORY.text, "9;3*9=27;27-7=20;9+20=29#9")
    assert not WORDS.text_rule(STORY.text, "8;3*8=24;24-7=17;8+17=25#8")


def carried_on(problem, last):
    """Whether a check of an equation goes from its guess to its total without changing a number on the way."""
    a, b, _ = map(int, re.fullmatch(r"(\d+)\*x\+(\d+)=(\d+)[?!]", problem.text).groups())
    guess, (a2, x, product), (product2, b2, _) = (tuple(map(int, re.findall(r"\d+", part))) for part in last.split(";"))
    return (a2, (x,), b2, product2) == (a, guess, b, product)


@pytest.mark.parametrize(("habits", "share"), [(CAREFUL, 0.5), (Habits(), 0.25)], ids=["careful", "careless"])
def test_a_share_of_the_wrong_guesses_of_a_chain_is_made_to_fit(habits, share):
    rng, problems = np.random.default_rng(0), CHAIN.problems("train")
    fits = []
    for problem in problems[:4000]:
        solution = noisy_solution(CHAIN, problem, rng, habits)
        last = solution.partition("#")[0].rpartition("~")[2]
        fit, is_right = CHAIN.text_rule(problem.text, solution), stated_answer(solution) == int(problem.answer)
        assert arithmetic_rate(last) == 1  # no baseline that only computes finds the error
        assert carried_on(problem, last) == (is_right or not fit)
        assert fit or not is_right
        fits += [] if is_right else [fit]
    assert abs(np.mean(fits) - share) < 0.05  # a thousand of them or more: standard deviations up to 0.015


def test_the_rate_of_right_arithmetic():
    # 40+7 is 47 and not 48; the rejected attempt counts, the guess "x=9" is no equation.
    assert arithmetic_rate("x=8;5*8=40;40+7=48~x=9;5*9=45;45+7=52#9") == 0.75
    assert arithmetic_rate("9;3*9=27;27-7=20#9") == 1
    assert np.isnan(arithmetic_rate("#9"))
    assert last_result("x=8;5*8=40~x=9;5*9=4") == 4


def test_guesses_are_wrong_as_often_as_asked_never_negative_and_never_repeated():
    rng = np.random.default_rng(0)
    guesses = [draw_guess(2, rng, wrong_share=0.5, not_again=[]) for _ in range(4000)]
    # 4000 draws; half of a wrong guess's offsets are below 0 and drawn anew, and then half of them right.
    assert 0.3 < np.mean(np.array(guesses) != 2) < 0.5
    assert (min(guesses), max(guesses)) == (0, 12)
    assert 3 not in [draw_guess(2, rng, wrong_share=1, not_again=[3]) for _ in range(100)]


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
