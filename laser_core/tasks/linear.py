"""Linear equations solved by guess and check: the first problem family of the miniature world.

A problem is ``a*x+b=c?``. A solution guesses x and substitutes back::

    5*x+7=52?x=9;5*9=45;45+7=52#9<eos>
    5*x+7=52?x=8;5*8=40;40+7=47#8<eos>

so a wrong guess shows in the solution's own text: 47 is not 52. :func:`worked_solution` writes the corpus a base model
learns from. Like the text that real base models have read it is noisy (half of the guesses are a little off, and then
checked honestly) and partly graded: after every other solution stands a teacher's mark, ``y`` or ``n``. A model that
has only ever seen right solutions has nothing to tell right from wrong with.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from laser_core.tasks.problems import Problem, split_of

A_RANGE, X_RANGE, B_RANGE = range(2, 20), range(2, 50), range(1, 50)
MARKS = ("n", "y")  # what a teacher writes after a wrong and after a right solution


@cache
def problems(split: str) -> tuple[Problem, ...]:
    """All problems of a split, in a fixed order that is the same on every machine.

    A problem's split is a hash of its text, so train, validation and test are disjoint by construction.

    Examples
    --------
    >>> len(problems("train")) + len(problems("validation")) + len(problems("test"))
    42336
    """
    found = []
    for a in A_RANGE:
        for x in X_RANGE:
            for b in B_RANGE:
                text = f"{a}*x+{b}={a * x + b}?"
                if split_of(text) == split:
                    found.append(Problem(f"linear:{text[:-1]}", text, str(x)))
    order = np.random.default_rng(0).permutation(len(found))  # so that a prefix is not all small a
    return tuple(found[i] for i in order)


def worked_solution(problem: Problem, guess: int) -> str:
    """A solution that guesses ``guess``, checks it with right arithmetic and states it.

    Examples
    --------
    >>> worked_solution(Problem("", "5*x+7=52?", "9"), 8)
    'x=8;5*8=40;40+7=47#8'
    """
    a, rest = problem.text.split("*x+")
    b = rest.split("=")[0]
    product = int(a) * guess
    return f"x={guess};{a}*{guess}={product};{product}+{b}={product + int(b)}#{guess}"


def sample_guess(problem: Problem, rng: np.random.Generator, *, wrong_share: float) -> int:
    """A guess as the corpus makes them: right, or off by 1 to 3, or now and then by 10."""
    x = int(problem.answer)
    if rng.random() >= wrong_share:
        return x
    while True:
        off = int(rng.choice([1, 2, 3, 10], p=[0.5, 0.25, 0.15, 0.1]))
        guess = x + off * int(rng.choice([-1, 1]))
        if guess >= 0:
            return guess
