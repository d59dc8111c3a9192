"""What is typed, and what the models are known to have seen of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laser_core.errors import InputError
from laser_core.playground.typed_problem import random_problem, read_problem
from laser_core.tasks import load_problems

FORMS = ["{}*x+{}={}?", "{} x + {} = {}"]


@settings(deadline=None)  # the first call makes the list of problems
@given(st.integers(1, 9999), st.integers(0, 9999), st.integers(0, 99), st.sampled_from(FORMS))
def test_an_equation_is_solved_however_it_is_typed(a, b, x, form):
    typed = read_problem(form.format(a, b, a * x + b))
    assert typed.problem.text == f"{a}*x+{b}={a * x + b}?"
    assert typed.problem.answer == str(x)


@pytest.mark.parametrize("text", ["5×x+7=52", "5·x + 7 = 52 ?", "５*x+7=52?", " 5X+7=52"])
def test_typographic_signs_are_forgiven(text):
    assert read_problem(text).problem.text == "5*x+7=52?"


HOSTILE = ["<script>alert(1)</script>", "5*x+7=52?; rm -rf /", "1e9*x+1=2", "\x00", "٥*x+7=52?x", "x" * 100_000]


@pytest.mark.parametrize("text", ["", " ", "What is love?", *HOSTILE])
def test_what_is_no_problem_is_told_what_is_one(text):
    with pytest.raises(InputError, match=r"only solve equations like \d+\*x\+\d+=\d+\. "):
        read_problem(text)


@pytest.mark.parametrize("text", ["5*x+7=53", "0*x+1=1", "5*x+7=2"])
def test_an_equation_without_a_whole_solution_gets_a_neighbour_that_has_one(text):
    with pytest.raises(InputError, match="x must be a whole number") as error:
        read_problem(text)
    near = str(error.value).rsplit("try ", 1)[1].rstrip(".")
    assert read_problem(near).problem.text == near


def test_the_note_says_what_the_models_have_seen():
    train, test = load_problems("linear", "train")[0], load_problems("linear", "test")[0]
    assert "training problem" in read_problem(train.text).note
    assert "Held out" in read_problem(test.text).note
    assert "Outside the range" in read_problem("150*x+7=157").note
    assert random_problem("linear", 12345) in load_problems("linear", "test")


def test_an_equation_gets_the_ending_of_the_models_own_family():
    assert read_problem("5x+7=52", ("chain",)).problem.text == "5*x+7=52!"
    assert read_problem("5*x+7=52!", ("linear",)).problem.text == "5*x+7=52?"
    train, test = load_problems("chain", "train")[0], load_problems("chain", "test")[0]
    assert "training problem" in read_problem(train.text, ("chain",)).note
    assert "Held out" in read_problem(test.text, ("chain",)).note


def test_a_word_problem_of_the_models_family_is_found_and_another_text_is_not():
    problem = load_problems("words", "test")[0]
    typed = read_problem(f" {problem.text} ", ("words",))
    assert (typed.problem, "Held out" in typed.note) == (problem, True)
    with pytest.raises(InputError, match="only solve problems like"):
        read_problem("Ann has some pens.", ("words",))
