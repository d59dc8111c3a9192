"""Two equations in two unknowns, solved by guess and check: the second problem family.

A problem is ``x+y=s,a*x+b*y=t?`` and asks for x. A solution guesses x, finds y, and substitutes both::

    x+y=17,2*x+3*y=46?x=5;17-5=12;2*5=10;3*12=36;10+36=46#5<eos>
    x+y=17,2*x+3*y=46?x=6;17-6=11;2*6=12;3*11=33;12+33=45#6<eos>
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np

from laser_core.tasks.linear import sample_guess
from laser_core.tasks.problems import Problem, in_split

VALUES, FACTORS = range(2, 25), range(2, 10)


@cache
def problems(split: str) -> tuple[Problem, ...]:
    """All problems of a split; a and b differ, so that each problem has one answer.

    Examples
    --------
    >>> len(problems("train")) + len(problems("validation")) + len(problems("test")) == 23 * 23 * 8 * 7
    True
    """
    found = []
    for x in VALUES:
        for y in VALUES:
            for a in FACTORS:
                for b in FACTORS:
                    if a != b:
                        text = f"x+y={x + y},{a}*x+{b}*y={a * x + b * y}?"
                        found.append(Problem(f"pair:{text[:-1]}", text, str(x)))
    return in_split(found, split)


def worked_solution(problem: Problem, guess: int) -> str:
    """A solution that guesses x, checks it with correct arithmetic and states it.

    Examples
    --------
    >>> worked_solution(Problem("", "x+y=17,2*x+3*y=46?", "5"), 6)
    'x=6;17-6=11;2*6=12;3*11=33;12+33=45#6'
    """
    found = re.match(r"x\+y=(\d+),(\d+)\*x\+(\d+)\*y=", problem.text)
    if found is None:
        raise ValueError(f"{problem.text!r} is not a problem of this family")
    s, a, b = map(int, found.groups())
    y = s - guess
    left, right = a * guess, b * y
    return f"x={guess};{s}-{guess}={y};{a}*{guess}={left};{b}*{y}={right};{left}+{right}={left + right}#{guess}"


def noisy_solution(problem: Problem, rng: np.random.Generator, *, wrong_share: float) -> str:
    """A line of the corpus: a guess that is wrong with probability ``wrong_share``; y is never negative."""
    total = int(problem.text[4 : problem.text.index(",")])
    while (guess := sample_guess(problem, rng, wrong_share=wrong_share)) > total:
        pass
    return worked_solution(problem, guess)
