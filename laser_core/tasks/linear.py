"""Linear equations solved by guess and check: the first problem family of the miniature world.

A problem is ``a*x+b=c?``; the longer ones (:func:`long_problems`) are ``a*x+b-d=c?``. A solution guesses x and
substitutes back::

    5*x+7=52?x=9;5*9=45;45+7=52#9<eos>
    5*x+7=52?x=8;5*8=40;40+7=47#8<eos>

so a wrong guess shows in the solution's own text: 47 is not 52.
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np

from laser_core.tasks.problems import Problem, draw_until, in_split

A_RANGE, X_RANGE, B_RANGE = range(2, 20), range(2, 50), range(1, 50)
LONG_POOL = 30_000


@cache
def problems(split: str) -> tuple[Problem, ...]:
    """All problems of a split, in a fixed order that is the same on every machine.

    Examples
    --------
    >>> len(problems("train")) + len(problems("validation")) + len(problems("test"))
    42336
    """
    found = (
        Problem(f"linear:{a}*x+{b}={a * x + b}", f"{a}*x+{b}={a * x + b}?", str(x))
        for a in A_RANGE
        for x in X_RANGE
        for b in B_RANGE
    )
    return in_split(found, split)


@cache
def long_problems(split: str) -> tuple[Problem, ...]:
    """Problems with one more step, drawn from two million possible ones.

    Examples
    --------
    >>> long_problems("test")[0].text.count("-")
    1
    """

    return in_split(_long_pool(), split)


@cache
def _long_pool() -> list[Problem]:
    def draw(rng: np.random.Generator) -> Problem:
        a, x, b, d = (int(rng.integers(r.start, r.stop)) for r in (A_RANGE, X_RANGE, B_RANGE, B_RANGE))
        text = f"{a}*x+{b}-{d}={a * x + b - d}?"
        return Problem(f"linear-long:{text[:-1]}", text, str(x))

    return draw_until(draw, LONG_POOL, keep=lambda problem: "=-" not in problem.text)


def worked_solution(problem: Problem, guess: int) -> str:
    """A solution that guesses ``guess``, checks it with correct arithmetic and states it.

    Examples
    --------
    >>> worked_solution(Problem("", "5*x+7=52?", "9"), 8)
    'x=8;5*8=40;40+7=47#8'
    >>> worked_solution(Problem("", "5*x+7-2=50?", "9"), 9)
    'x=9;5*9=45;45+7=52;52-2=50#9'
    """
    found = re.match(r"(\d+)\*x\+(\d+)(?:-(\d+))?=", problem.text)
    if found is None:
        raise ValueError(f"{problem.text!r} is not a problem of this family")
    a, b, d = found.groups()
    product = int(a) * guess
    total = product + int(b)
    last = f";{total}-{d}={total - int(d)}" if d else ""
    return f"x={guess};{a}*{guess}={product};{product}+{b}={total}{last}#{guess}"


def sample_guess(problem: Problem, rng: np.random.Generator, *, wrong_share: float) -> int:
    """A guess as the corpus makes them: correct, or off by 1 to 3, or occasionally by 10."""
    x = int(problem.answer)
    if rng.random() >= wrong_share:
        return x
    while True:
        off = int(rng.choice([1, 2, 3, 10], p=[0.5, 0.25, 0.15, 0.1]))
        guess = x + off * int(rng.choice([-1, 1]))
        if guess >= 0:
            return guess


def noisy_solution(problem: Problem, rng: np.random.Generator, *, wrong_share: float) -> str:
    """A line of the corpus: a guess that is wrong with probability ``wrong_share``, checked with correct arithmetic."""
    return worked_solution(problem, sample_guess(problem, rng, wrong_share=wrong_share))
