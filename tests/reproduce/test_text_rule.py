"""The baselines that read a solution's text, on solutions worked by hand and on the generated families."""

import numpy as np
import pytest

from laser_core.reproduce.text_rule import (
    ARITHMETIC,
    CALCULATOR,
    FIRST_ATTEMPT,
    RULES,
    TEXT_RULE,
    with_arithmetic,
    with_calculator,
    with_first_attempt,
    with_text_rule,
)
from laser_core.rollouts import Rollouts
from laser_core.tasks import FAMILIES, load_problems
from laser_core.tasks.guess_and_check import noisy_solution


def table(*solutions, truncated=()):
    rows = [
        {
            "run": "r",
            "problem_id": "p",
            "sample": i,
            "problem": "5*x+7=52?",
            "response": text,
            "truncated": i in truncated,
        }
        for i, text in enumerate(solutions)
    ]
    return Rollouts.from_rows(rows)


def test_the_rule_on_solutions_worked_by_hand():
    solutions = table(
        "x=9;5*9=45;45+7=52#9",
        "x=8;5*8=40;40+7=47#8",
        "x=8;5*8=45;45+7=52#8",  # a slip fools it
        "",
        "9" * 5000 + "=" + "9" * 5000,
        truncated=(3,),
    )
    found = with_text_rule(solutions, "linear").column(TEXT_RULE)
    assert found[[0, 1, 2, 4]].tolist() == [1.0, 0.0, 1.0, 0.0]
    assert np.isnan(found[3])  # no score there either


def test_the_share_of_right_equations():
    solutions = table("x=9;5*9=45;45+7=52#9", "x=8;5*8=40;40+7=48#8", "#8", "5*8=1", truncated=(3,))
    found = with_arithmetic(solutions).column(ARITHMETIC)
    assert found[:3].tolist() == [1.0, 0.5, 0.0]
    assert np.isnan(found[3])


def test_a_calculator_needs_both_a_fitting_total_and_right_arithmetic():
    solutions = table("x=9;5*9=45;45+7=52#9", "x=8;5*8=40;40+7=47#8", "x=8;5*8=45;45+7=52#8", "#9", truncated=(3,))
    found = with_calculator(solutions, "linear").column(CALCULATOR)
    assert found[:3].tolist() == [1.0, 0.0, 0.0]
    assert np.isnan(found[3])


def test_a_second_attempt_is_seen_in_the_text():
    solutions = table("x=9;5*9=45;45+7=52#9", "x=8;5*8=40;40+7=47~x=9;5*9=45;45+7=52#9", "x=8~", truncated=(2,))
    found = with_first_attempt(solutions).column(FIRST_ATTEMPT)
    assert found[:2].tolist() == [1.0, 0.0]
    assert np.isnan(found[2])


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_rule_never_rejects_right_work_and_is_fooled_where_checks_are_bent(family):
    rng = np.random.default_rng(0)
    verdicts = {True: [], False: []}
    for problem in load_problems(family.name, "test")[:300]:
        solution = noisy_solution(family, problem, rng)
        correct = solution.endswith("#" + problem.answer)
        verdicts[correct].append(RULES[family.name](problem.text, solution))
    assert all(verdicts[True])
    accepted = np.mean(verdicts[False])
    assert accepted == 0 if family.name != "chain" else accepted > 0.2
