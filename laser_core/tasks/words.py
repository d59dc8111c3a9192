"""Multi-step word problems from generated text: the third problem family.

Here nothing is guessed. A solution works forward, and an incorrect one contains a slip: a sum that is off, or "more"
read as "fewer"::

    Ann has 7 pens. Ben has 5 more than Ann. How many do they have?7+5=12;7+12=19#19<eos>
    Ann has 7 pens. Ben has 5 more than Ann. How many do they have?7-5=2;7+2=9#9<eos>

so that checking means solving the problem again, while in the other families it means comparing two numbers.
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np

from laser_core.tasks.problems import Problem, draw_until, in_split

NAMES = ("Ann", "Ben", "Cy", "Dee", "Eli", "Fay")
THINGS = ("pens", "books", "coins", "shells")
RELATIONS = {" more than ": "+", " fewer than ": "-", " times as many as ": "*"}
QUESTION = " How many do they have?"
#: One token each for the miniature tokenizer, as common words are for a large one.
WORDS = (*NAMES, *(f" {name}" for name in NAMES), *(f" {t}." for t in THINGS), " has ", *RELATIONS, QUESTION)
POOL = 30_000
SLIPS = np.array([-10, -2, -1, 1, 2, 10])


@cache
def problems(split: str) -> tuple[Problem, ...]:
    """Problems about two people."""
    return in_split(_pool("words", 2), split)


@cache
def long_problems(split: str) -> tuple[Problem, ...]:
    """Problems about three people, each compared with the one before."""
    return in_split(_pool("words-long", 3), split)


def worked_solution(problem: Problem, *, slip_at: int | None = None, slip: int = 0, misread: bool = False) -> str:
    """A solution that solves the problem step by step.

    Parameters
    ----------
    problem : Problem
    slip_at : int, optional
        The step, counted from 0, that goes wrong.
    slip : int
        How far that step's result is off.
    misread : bool
        Whether that step uses the opposite relation instead.

    Examples
    --------
    >>> problem = Problem("", "Ann has 7 pens. Ben has 5 more than Ann. How many do they have?", "19")
    >>> worked_solution(problem)
    '7+5=12;7+12=19#19'
    >>> worked_solution(problem, slip_at=0, misread=True)
    '7-5=2;7+2=9#9'
    >>> worked_solution(problem, slip_at=1, slip=-1)
    '7+5=12;7+12=18#18'
    """
    first, relations = _parse(problem.text)
    counts = [first]
    lines: list[str] = []

    def work(left: int, sign: str, right: int) -> int:
        here = len(lines) == slip_at
        if here and misread and sign in "+-":
            sign = "-" if sign == "+" and left >= right else "+"
        result = {"+": left + right, "-": left - right, "*": left * right}[sign] + (slip if here else 0)
        lines.append(f"{left}{sign}{right}={max(result, 0)}")
        return max(result, 0)

    for sign, amount in relations:
        counts.append(work(counts[-1], sign, amount))
    total = counts[0]
    for count in counts[1:]:
        total = work(total, "+", count)
    return ";".join(lines) + f"#{total}"


def noisy_solution(problem: Problem, rng: np.random.Generator, *, wrong_share: float) -> str:
    """A line of the corpus: with one slip or misread relation, with probability ``wrong_share``."""
    if rng.random() >= wrong_share:
        return worked_solution(problem)
    _, relations = _parse(problem.text)
    additive = [i for i, (sign, _) in enumerate(relations) if sign in "+-"]
    if additive and rng.random() < 0.5:
        return worked_solution(problem, slip_at=int(rng.choice(additive)), misread=True)
    return worked_solution(problem, slip_at=int(rng.integers(2 * len(relations))), slip=int(rng.choice(SLIPS)))


@cache
def _pool(family: str, people: int) -> list[Problem]:
    return draw_until(lambda rng: _draw(rng, family, people=people), POOL, keep=_is_small)


def _draw(rng: np.random.Generator, family: str, *, people: int) -> Problem:
    names = [NAMES[i] for i in rng.permutation(len(NAMES))[:people]]
    first = int(rng.integers(2, 40))
    sentences = [f"{names[0]} has {first} {THINGS[rng.integers(len(THINGS))]}."]
    counts = [first]
    for before, name in zip(names, names[1:], strict=False):
        relation, sign = list(RELATIONS.items())[int(rng.integers(3))]
        amount = int(rng.integers(2, 5) if sign == "*" else rng.integers(2, 30))
        counts.append({"+": counts[-1] + amount, "-": counts[-1] - amount, "*": counts[-1] * amount}[sign])
        sentences.append(f"{name} has {amount}{relation}{before}.")
    text = " ".join(sentences) + QUESTION
    return Problem(f"{family}:{text[: -len(QUESTION)]}", text, str(sum(counts) if min(counts) >= 0 else -1))


def _is_small(problem: Problem) -> bool:
    return 0 <= int(problem.answer) < 400


def _parse(text: str) -> tuple[int, list[tuple[str, int]]]:
    """The first count, and each later person's relation and amount."""
    sentences = text.removesuffix(QUESTION).split(". ")
    first = _number(sentences[0])
    found = []
    for sentence in sentences[1:]:
        sign = next(sign for relation, sign in RELATIONS.items() if relation in sentence)
        found.append((sign, _number(sentence)))
    return first, found


def _number(sentence: str) -> int:
    found = re.search(r"\d+", sentence)
    if found is None:
        raise ValueError(f"no number in {sentence!r}")
    return int(found.group())
