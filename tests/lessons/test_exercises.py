"""Whatever a learner gives, an exercise answers in a sentence; and it tells right from wrong."""

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import torch

from laser_core.lessons import Exercise, FunctionExercise

SCORE = Exercise(
    task="Which score?",
    expected=0.5,
    hints={5.0: "Multiply by beta_v.", -1.8: "Subtract c_ref first."},
    because="5 nats times 0.1.",
)
ADVANTAGES = Exercise(task="Four advantages?", expected=[1.5, -0.5, -0.5, -0.5], hints={(1, 0, 0, 0): "Centre them."})
CHOICE = Exercise(task="Rises or falls?", expected="rises", hints={"falls": "Look at the sign."})


def said(capsys, exercise, answer):
    exercise.check(answer)
    out, err = capsys.readouterr()
    assert not err
    return out.strip()


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (SCORE, 0.5),
        (SCORE, 0.502),
        (SCORE, Fraction(1, 2)),
        (SCORE, np.float32(0.5)),
        (SCORE, torch.tensor(0.5, requires_grad=True)),
        (ADVANTAGES, [1.5, -0.5, -0.5, -0.5]),
        (ADVANTAGES, (1.5, -0.5, -0.5, -0.5)),
        (ADVANTAGES, np.array([1.5, -0.5, -0.5, -0.5])),
        (ADVANTAGES, pd.Series([1.5, -0.5, -0.5, -0.5])),
        (ADVANTAGES, torch.tensor([1.5, -0.5, -0.5, -0.5])),
        (CHOICE, "rises"),
        (CHOICE, "  Rises "),
    ],
)
def test_right_answers_in_any_form(capsys, exercise, answer):
    assert said(capsys, exercise, answer).startswith("Right.")


def test_a_right_answer_is_told_why(capsys):
    assert said(capsys, SCORE, 0.5) == "Right. 5 nats times 0.1."


@pytest.mark.parametrize("unanswered", [None, ...])
def test_no_answer_prints_the_task(capsys, unanswered):
    assert said(capsys, SCORE, unanswered) == "Not answered yet. Which score?"


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (SCORE, 5, "5 is not it. Multiply by beta_v."),
        (SCORE, -1.8, "-1.8 is not it. Subtract c_ref first."),
        (SCORE, -0.5, "right size and the wrong sign"),
        (SCORE, 0.51, "0.51 is too large"),
        (SCORE, 0, "0 is too small"),
        (SCORE, math.nan, "no number to work with"),
        (SCORE, math.inf, "no number to work with"),
        (SCORE, "0.5", "this is text, and a number is asked for"),
        (SCORE, True, "this is True or False, and a number is asked for"),
        (SCORE, [0.5], "this is a list, and a number is asked for"),
        (SCORE, {"score": 0.5}, "of type dict"),
        (SCORE, pd.DataFrame({"score": [0.5]}), "of type DataFrame"),
        (SCORE, 0.5j, "of type complex"),
        (SCORE, lambda: 0.5, "Call it"),
        (SCORE, float, "Call it"),
        (ADVANTAGES, [1, 0, 0, 0], "Centre them."),
        (ADVANTAGES, [1.5, -0.5], "4 entries are asked for, and this has 2"),
        (ADVANTAGES, [1.5, 0.5, -0.5, -0.5], "in place 2 of 4, 0.5 has the right size and the wrong sign"),
        (ADVANTAGES, [1.5, None, None, None], "an entry is still empty"),
        (ADVANTAGES, [np.ndarray], "cannot be read"),
        (ADVANTAGES, 1.5, "this is a number, and a list is asked for"),
        (CHOICE, "falls", "Look at the sign."),
        (CHOICE, "stays", "'stays' is not it"),
        (CHOICE, 1, "this is a number, and text is asked for"),
    ],
)
def test_wrong_answers_get_a_hint(capsys, exercise, answer, hint):
    told = said(capsys, exercise, answer)
    assert told.startswith("Not yet: ")
    assert hint in told
    assert "0.5 nats" not in told


def test_a_hint_for_the_right_answer_is_the_authors_mistake():
    with pytest.raises(ValueError, match="right answer"):
        Exercise(task="?", expected=0.5, hints={0.502: "No."})


SQUARE_ALL = FunctionExercise(
    task="Write square_all(values).",
    cases=[(([1, 2],), [1, 4]), (([3],), [9])],
    mistakes=[(lambda values: [2 * v for v in values], "Doubling is no squaring.")],
    because="Well done.",
)


def square_all(values):
    return [v**2 for v in values]


def in_place(values):
    for i, value in enumerate(values):
        values[i] = value**2
    return values


def doubles(values):
    return [v + v for v in values]


def breaks(values):
    first = values[0]
    return first + values["all"]


def half_right(values):
    return [1, 4]


def gives_text(values):
    return {"values": values}


def takes_two(values, more):
    return values


def open_second(values):
    return [1, 4] if len(values) == 2 else None


@pytest.mark.parametrize("function", [square_all, in_place, lambda values: np.square(values)])
def test_right_functions(capsys, function):
    assert said(capsys, SQUARE_ALL, function) == "Right. It agrees on all 2 cases. Well done."
    assert said(capsys, SQUARE_ALL, function).startswith("Right."), "the cases are the same at a second check"


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (doubles, "doubles([1, 2]) gives [2, 4], and should give [1, 4]. Doubling is no squaring."),
        (half_right, "half_right([3]) gives [1, 4], and should give [9]."),
        (breaks, "breaks([1, 2]) stops in its line 3 with TypeError: list indices"),
        (takes_two, "takes_two([1, 2]) stops with TypeError: takes_two() missing 1 required"),
        (gives_text, "of type dict"),
        (open_second, "open_second([3]) returns nothing."),
        (9, "without calling it"),
    ],
)
def test_wrong_functions_see_the_first_case_that_differs(capsys, function, hint):
    told = said(capsys, SQUARE_ALL, function)
    assert told.startswith("Not yet: ")
    assert hint in told


@pytest.mark.parametrize("unanswered", [None, lambda values: None, lambda values: ...])
def test_an_empty_function_prints_the_task(capsys, unanswered):
    assert said(capsys, SQUARE_ALL, unanswered) == "Not answered yet. Write square_all(values)."


def test_a_mistake_that_gets_every_case_right_is_the_authors():
    with pytest.raises(ValueError, match="gets every case right"):
        FunctionExercise(task="?", cases=[((1,), 1)], mistakes=[(lambda x: x, "Wrong.")])
