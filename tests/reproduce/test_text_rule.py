"""The rule that reads a solution's last total, on solutions worked by hand and on the generated families."""

import numpy as np
import pytest

from laser_core.reproduce.text_rule import TEXT_RULE, last_total_matches, with_text_rule
from laser_core.rollouts import Rollouts
from laser_core.tasks import linear, load_problems, pair, words


@pytest.mark.parametrize(
    ("problem", "response", "expected"),
    [
        ("5*x+7=52?", "x=9;5*9=45;45+7=52#9", True),
        ("5*x+7=52?", "x=8;5*8=40;40+7=47#8", False),
        ("5*x+7=52?", "x=8;5*8=45;45+7=52#8", True),  # a slip fools it
        ("5*x+7=52?", "x=52#52", False),  # a guess is no total
        ("5*x+7=52?", "x=9;5*9=52;52+7=59#9", False),  # only the last total counts
        ("5*x+7=52?", "x=9;5*9=45;45+7=520#9", False),
        ("2*x+2-27=-1?", "x=12;2*12=24;24+2=26;26-27=-1#12", True),
        ("2*x+2-27=1?", "x=12;2*12=24;24+2=26;26-27=-1#12", False),
        ("x+y=17,2*x+3*y=46?", "x=5;17-5=12;2*5=10;3*12=36;10+36=46#5", True),
        ("x+y=17,2*x+3*y=46?", "x=6;17-6=11;2*6=12;3*11=33;12+33=45#6", False),
        ("5*x+7=52?", "#9;45+7=52", False),  # what follows the answer is no check
        ("5*x+7=52?", "", False),
        ("5*x+7=52?", "9" * 5000 + "=" + "9" * 5000, False),
        ("How many do they have?", "7+5=12#12", None),
        ("", "45+7=52#9", None),
    ],
)
def test_rule_on_solutions_worked_by_hand(problem, response, expected):
    assert last_total_matches(problem, response) is expected


@pytest.mark.parametrize(("family", "solve"), [("linear", linear), ("linear-long", linear), ("pair", pair)])
def test_right_arithmetic_makes_the_rule_the_verifier(family, solve):
    rng = np.random.default_rng(0)
    found = []
    for problem in load_problems(family, "test")[:300]:
        solution = solve.noisy_solution(problem, rng, wrong_share=0.5)
        correct = solution.endswith("#" + problem.answer)
        assert last_total_matches(problem.text, solution) is correct
        found.append(correct)
    assert 100 < sum(found) < 200


def test_word_problems_have_no_right_side():
    problem = words.problems("test")[0]
    assert last_total_matches(problem.text, words.worked_solution(problem)) is None


def test_a_truncated_solution_has_no_outcome_as_it_has_no_score():
    row = {"run": "r", "problem_id": "p", "problem": "5*x+7=52?", "response": "x=9;5*9=45;45+7=52#9"}
    rows = [row | {"sample": 0, "truncated": False}, row | {"sample": 1, "truncated": True}]
    column = with_text_rule(Rollouts.from_rows(rows)).column(TEXT_RULE)
    assert column[0] == 1.0
    assert np.isnan(column[1])
