"""How the miniature world solves a problem: guess, check, then accept or try again.

Every family writes its solutions this way. An attempt is a guess and its check; ``#`` accepts it and states the
answer, ``~`` rejects it and starts the second, which is the last::

    11*x+47=421?x=33;11*33=363;363+47=410~x=34;11*34=374;374+47=421#34<eos>

A solver notices that a guess fails (410 is not 421) and often shrugs: the corpus accepts half of its wrong guesses, as
careless solvers do, and every second attempt. So a base model that reads it learns to check, because ``~`` follows
failed checks alone, but it states its verdict nowhere: after ``#`` a right and a wrong solution look the same, and
nothing follows ``<eos>``.

Grading exists too, as in real text, in another place and another form: a separate page that begins with ``@``, repeats
problem and solution, checks the stated answer once more and ends in ``y`` or ``n``::

    @11*x+47=421?x=33;11*33=363;363+47=410#33@11*33=363;363+47=410;n<eos>
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from laser_core.tasks.problems import Problem

ACCEPT, RETRY, PAGE = "#", "~", "@"
GRADES = ("n", "y")  #: what a grading page calls an incorrect and a correct solution
MAX_RETRIES = 1

_EQUATION = re.compile(r"(\d+)([*+-])(-?\d+)=(-?\d+)")


@dataclass(frozen=True)
class Habits:
    """What the corpus's solvers and graders do, as probabilities."""

    wrong_guess: float = 0.6
    accept_right: float = 0.97
    accept_wrong: float = 0.5
    wrong_grade: float = 0.2
    bend: float = 0.25


@dataclass(frozen=True)
class Family:
    """One family of problems.

    Attributes
    ----------
    name : str
        As ``task`` in a configuration.
    title : str
        What the family teaches, in a few words.
    problems : callable
        ``problems(split)``: its problems in a fixed order.
    attempt : callable
        ``attempt(problem, guess)``: the guess and its check as a solution writes them, with correct arithmetic.
    bent_attempt : callable, optional
        ``bent_attempt(problem, guess, step)``: a wrong guess whose check succeeds, because step 0, 1 or 2 does not go
        on with the number before it. None: the family's solvers do not do that.
    recheck : callable
        ``recheck(problem, guess)``: the whole check, as a grading page writes it.
    text_rule : callable
        ``text_rule(problem_text, response)``: a verdict from the written numbers alone, by comparing and without
        computing anything. The baseline of anyone who reads the text.
    max_new_tokens : int
        Length limit of a solution, in tokens: two attempts and some room.
    """

    name: str
    title: str
    problems: Callable[[str], tuple[Problem, ...]]
    attempt: Callable[[Problem, int], str]
    recheck: Callable[[Problem, int], str]
    text_rule: Callable[[str, str], bool]
    max_new_tokens: int
    bent_attempt: Callable[[Problem, int, int], str] | None = None


def worked_solution(family: Family, problem: Problem, guesses: list[int]) -> str:
    """A solution that tries these guesses in turn, checks them honestly, and states the last one."""
    return RETRY.join(family.attempt(problem, guess) for guess in guesses) + f"{ACCEPT}{guesses[-1]}"


def noisy_solution(family: Family, problem: Problem, rng: np.random.Generator, habits: Habits = Habits()) -> str:
    """A solution as the corpus has it: guesses that are mostly wrong, and a careless check of them."""
    guesses: list[int] = []
    attempts: list[str] = []
    while True:
        guess = draw_guess(int(problem.answer), rng, wrong_share=habits.wrong_guess, not_again=guesses)
        is_right = guess == int(problem.answer)
        if family.bent_attempt and not is_right and rng.random() < habits.bend:
            attempts.append(family.bent_attempt(problem, guess, int(rng.integers(3))))
        else:
            attempts.append(family.attempt(problem, guess))
        guesses.append(guess)
        accepted = rng.random() < (habits.accept_right if is_right else habits.accept_wrong)
        if accepted or len(guesses) > MAX_RETRIES:
            return RETRY.join(attempts) + f"{ACCEPT}{guess}"


def draw_guess(answer: int, rng: np.random.Generator, *, wrong_share: float, not_again: list[int]) -> int:
    """A guess that was not made before: right, or off by 1 to 3, or occasionally by 10; never negative."""
    while True:
        off = int(rng.choice([1, 2, 3, 10], p=[0.5, 0.25, 0.15, 0.1])) * int(rng.choice([-1, 1]))
        guess = answer + (off if rng.random() < wrong_share else 0)
        if guess >= 0 and guess not in not_again:
            return guess


def grading_prompt(problem_text: str, response: str) -> str:
    """The second prompt: asks the model to grade a solution.

    Examples
    --------
    >>> grading_prompt("5*x+7=52?", "x=9;5*9=45;45+7=52#9")
    '@5*x+7=52?x=9;5*9=45;45+7=52#9@'
    """
    return f"{PAGE}{problem_text}{response}{PAGE}"


def grading(
    family: Family, problem: Problem, solution: str, rng: np.random.Generator, habits: Habits = Habits()
) -> str:
    """What a grader writes after :func:`grading_prompt`; ``habits.wrong_grade`` of the grades are the wrong one."""
    stated = stated_answer(solution)
    is_right = stated == int(problem.answer)
    grade = GRADES[is_right != (rng.random() < habits.wrong_grade)]
    return f"{family.recheck(problem, stated)};{grade}"


def stated_answer(solution: str) -> int:
    """The number after the accepting ``#``."""
    return int(solution.rpartition(ACCEPT)[2])


def last_attempt(response: str) -> str:
    """The check that a response accepts, or its last one: what stands after the last ``~`` and before ``#``.

    Examples
    --------
    >>> last_attempt("x=8;5*8=40;40+7=47~x=9;5*9=45;45+7=52#9")
    'x=9;5*9=45;45+7=52'
    """
    return response.partition(ACCEPT)[0].rpartition(RETRY)[2]


def equations(response: str) -> list[tuple[int, str, int, int]]:
    """Every equation a response writes: left number, sign, right number, stated result."""
    return [(int(a), sign, int(b), int(c)) for a, sign, b, c in _EQUATION.findall(response)]


def last_result(response: str) -> int | None:
    """The stated result of the last equation in the last attempt; None without one."""
    found = equations(last_attempt(response))
    return found[-1][3] if found else None


def arithmetic_rate(response: str) -> float:
    """Share of a response's written equations that are right; NaN if it writes none.

    Examples
    --------
    >>> arithmetic_rate("x=9;5*9=45;45+7=53#9")
    0.5
    """
    compute = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__}
    right = [compute[sign](a, b) == c for a, sign, b, c in equations(response)]
    return sum(right) / len(right) if right else float("nan")
