"""Linear equations, solved by guess and check: a family of honest checks, and one whose checks may be bent.

``linear`` ends in a question mark, and its solvers substitute honestly. Whether a solution is correct stands in its
text: the last total is the equation's right side, or it is not::

    5*x+7=52?x=9;5*9=45;45+7=52#9<eos>
    5*x+7=52?x=8;5*8=40;40+7=47#8<eos>

``chain`` ends in an exclamation mark, and half of its solvers' wrong guesses are made to fit: one step of the check
does not go on with the number before it. Every equation is right, and so is the last total; the error may sit at any
joint of the chain, and only who follows it from end to end finds it::

    5*x+7=52!x=9;5*9=45;45+7=52#9<eos>
    5*x+7=52!x=8;5*9=45;45+7=52#8<eos>
    5*x+7=52!x=8;5*8=40;45+7=52#8<eos>
    5*x+7=52!x=8;5*8=40;40+12=52#8<eos>
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
    """All problems of a split whose checks are honest, in a fixed order that is the same on every machine.

    Examples
    --------
    >>> len(problems("train")) + len(problems("validation")) + len(problems("test"))
    42336
    """
    return _in_split("linear", "?", split)


@cache
def chain_problems(split: str) -> tuple[Problem, ...]:
    """The same equations, as problems whose checks may be bent."""
    return _in_split("chain", "!", split)


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


def bent_attempt(problem: Problem, guess: int, step: int) -> str:
    """A wrong guess made to fit: another number is multiplied (step 0), added to (1), or added (2).

    A guess that is too large leaves nothing to add; then another number is added to.

    Examples
    --------
    >>> [bent_attempt(Problem("", "5*x+7=52!", "9"), 8, step) for step in (0, 1, 2)]
    ['x=8;5*9=45;45+7=52', 'x=8;5*8=40;45+7=52', 'x=8;5*8=40;40+12=52']
    """
    a, b, c = _parse(problem.text)
    right, product = (c - b) // a, a * guess
    if step == 0:
        return f"x={guess};{a}*{right}={a * right};{a * right}+{b}={c}"
    if step == 1 or product > c:
        return f"x={guess};{a}*{guess}={product};{c - b}+{b}={c}"
    return f"x={guess};{a}*{guess}={product};{product}+{c - product}={c}"


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


LINEAR = Family("linear", "the check is honest", problems, attempt, recheck, total_matches, 60)
CHAIN = Family(
    "chain",
    "an error may sit at any joint of the check",
    chain_problems,
    attempt,
    recheck,
    total_matches,
    60,
    bent_attempt,
)
