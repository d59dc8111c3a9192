"""Linear equations, solved by guess and check: a family whose check is written out, and one that leaves its end open.

``linear`` ends in a question mark, and its solutions substitute the guess all the way. Whether a solution is correct
stands in its text: the last total is the equation's right side, or it is not::

    5*x+7=52?x=9;5*9=45;45+7=52#9<eos>
    5*x+7=52?x=8;5*8=40;40+7=47#8<eos>

``mental`` ends in an exclamation mark, and its solutions leave the last sum to the reader's head::

    5*x+7=52!x=9;5*9=45#9<eos>
    5*x+7=52!x=8;5*8=40#8<eos>
"""

from __future__ import annotations

import re
from functools import cache

from laser_core.tasks.guess_and_check import Family, last_result
from laser_core.tasks.problems import Problem, in_split

A_RANGE, X_RANGE, B_RANGE = range(2, 20), range(2, 50), range(1, 50)
_PROBLEM = re.compile(r"(\d+)\*x\+(\d+)=(\d+)[?!]")


@cache
def _pool() -> tuple[tuple[int, int, int], ...]:
    return tuple((a, x, b) for a in A_RANGE for x in X_RANGE for b in B_RANGE)


@cache
def problems(split: str) -> tuple[Problem, ...]:
    """All problems of a split whose check is written out, in a fixed order that is the same on every machine.

    Examples
    --------
    >>> len(problems("train")) + len(problems("validation")) + len(problems("test"))
    42336
    """
    return _in_split("linear", "?", split)


@cache
def mental_problems(split: str) -> tuple[Problem, ...]:
    """All problems of a split whose last sum is left to the reader."""
    return _in_split("mental", "!", split)


def _in_split(family: str, mark: str, split: str) -> tuple[Problem, ...]:
    # The mark is not hashed: an equation belongs to the same split in both families.
    found = (Problem(f"{family}:{a}*x+{b}={a * x + b}", f"{a}*x+{b}={a * x + b}{mark}", str(x)) for a, x, b in _pool())
    return in_split(found, split, key=lambda problem: problem.text[:-1] + "?")


def _parse(text: str) -> tuple[int, int, int]:
    found = _PROBLEM.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a linear equation of this family")
    a, b, c = map(int, found.groups())
    return a, b, c


def attempt(problem: Problem, guess: int) -> str:
    """A guess and its whole check.

    Examples
    --------
    >>> attempt(Problem("", "5*x+7=52?", "9"), 8)
    'x=8;5*8=40;40+7=47'
    """
    return f"x={guess};{recheck(problem, guess)}"


def mental_attempt(problem: Problem, guess: int) -> str:
    """A guess and its check without the last sum.

    Examples
    --------
    >>> mental_attempt(Problem("", "5*x+7=52!", "9"), 8)
    'x=8;5*8=40'
    """
    a, _, _ = _parse(problem.text)
    return f"x={guess};{a}*{guess}={a * guess}"


def recheck(problem: Problem, guess: int) -> str:
    """The whole check of a guess."""
    a, b, _ = _parse(problem.text)
    return f"{a}*{guess}={a * guess};{a * guess}+{b}={a * guess + b}"


def total_matches(problem_text: str, response: str) -> bool:
    """Whether the last total that a solution writes is the equation's right side.

    Examples
    --------
    >>> total_matches("5*x+7=52?", "x=8;5*8=40;40+7=47~x=9;5*9=45;45+7=52#9")
    True
    >>> total_matches("5*x+7=52?", "x=8;5*8=40;40+7=47#8")
    False
    >>> total_matches("5*x+7=52?", "x=8;5*8=45;45+7=52#8")  # a slip fools it
    True
    """
    return last_result(response) == _parse(problem_text)[2]


def product_fits(problem_text: str, response: str) -> bool:
    """Whether the product that a solution writes is below the right side: all that can be seen without adding.

    Examples
    --------
    >>> product_fits("5*x+7=52!", "x=9;5*9=45#9"), product_fits("5*x+7=52!", "x=11;5*11=55#11")
    (True, False)
    """
    product = last_result(response)
    return product is not None and product < _parse(problem_text)[2]


LINEAR = Family("linear", "the check is written out", problems, attempt, recheck, total_matches, 112)
MENTAL = Family("mental", "the check ends in the head", mental_problems, mental_attempt, recheck, product_fits, 72)
