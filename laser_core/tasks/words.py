"""Word problems, solved by guess and check: the relations stand in sentences.

    Ann has some pens. Ben has 3 times as many and 7 more. They have 43 in all. How many has Ann?
    9;3*9=27;27+7=34;9+34=43#9<eos>

A problem's skeleton is its numbers and relations: 3 times, 7 more, 43. It decides the split, so that no test problem
is a training problem with other names.
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np

from laser_core.tasks.guess_and_check import Family, last_result
from laser_core.tasks.problems import Problem, in_split

NAMES = ("Ann", "Ben", "Cy", "Dee", "Eli", "Fay")
THINGS = ("pens", "books", "coins", "shells")
MORE, FEWER = " more.", " fewer."
#: One token each for the miniature tokenizer, as common words are for a large one.
PHRASES = (
    *NAMES,
    " has some ",
    *(f"{thing}. " for thing in THINGS),
    " has ",
    " times as many and ",
    MORE,
    FEWER,
    " They have ",
    " in all. How many has ",
)
FACTORS, COUNTS, EXTRAS = range(2, 7), range(3, 50), range(1, 31)
_PROBLEM = re.compile(r"has (\d+) times as many and (\d+) (more|fewer)\. They have (\d+) in all")


@cache
def problems(split: str) -> tuple[Problem, ...]:
    """All skeletons of a split, each told once, with names and things drawn for it.

    Examples
    --------
    >>> problems("test")[0].text.endswith("?")
    True
    """
    rng = np.random.default_rng(0)
    found = []
    for factor in FACTORS:
        for count in COUNTS:
            for extra in EXTRAS:
                for ending, other in ((MORE, factor * count + extra), (FEWER, factor * count - extra)):
                    first, second = (NAMES[i] for i in rng.permutation(len(NAMES))[:2])
                    thing = THINGS[rng.integers(len(THINGS))]
                    if other > 0:
                        text = (
                            f"{first} has some {thing}. {second} has {factor} times as many and {extra}{ending}"
                            f" They have {count + other} in all. How many has {first}?"
                        )
                        found.append(Problem(f"words:{skeleton(text)}", text, str(count)))
    return in_split(found, split, key=lambda problem: skeleton(problem.text))


def skeleton(text: str) -> str:
    """A problem's numbers and relations, without names and things.

    Examples
    --------
    >>> skeleton("Ann has some pens. Ben has 3 times as many and 7 more. They have 43 in all. How many has Ann?")
    'x+3*x+7=43'
    """
    factor, extra, sign, total = _parse(text)
    return f"x+{factor}*x{sign}{extra}={total}"


def _parse(text: str) -> tuple[int, int, str, int]:
    found = _PROBLEM.search(text)
    if found is None:
        raise ValueError(f"{text!r} is not a word problem of this family")
    factor, extra, ending, total = found.groups()
    return int(factor), int(extra), {"more": "+", "fewer": "-"}[ending], int(total)


def attempt(problem: Problem, guess: int) -> str:
    """A guess and its check.

    Examples
    --------
    >>> text = "Ann has some pens. Ben has 3 times as many and 7 more. They have 43 in all. How many has Ann?"
    >>> attempt(Problem("", text, "9"), 8)
    '8;3*8=24;24+7=31;8+31=39'
    """
    return f"{guess};{recheck(problem, guess)}"


def recheck(problem: Problem, guess: int) -> str:
    """The check of a guess: the second count, and the sum."""
    factor, extra, sign, _ = _parse(problem.text)
    product = factor * guess
    other = product + extra if sign == "+" else product - extra
    return f"{factor}*{guess}={product};{product}{sign}{extra}={other};{guess}+{other}={guess + other}"


def total_matches(problem_text: str, response: str) -> bool:
    """Whether the last total that a solution writes is the one in the problem."""
    return last_result(response) == _parse(problem_text)[3]


FAMILY = Family("words", "relations in sentences", problems, attempt, recheck, total_matches, 76)
