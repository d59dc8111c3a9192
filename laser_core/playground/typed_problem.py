"""Read what somebody typed as a problem that the miniature models can solve."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from laser_core.errors import InputError
from laser_core.playground.protocol import MAX_CHARACTERS
from laser_core.tasks import Problem, load_problems
from laser_core.tasks.linear import A_RANGE, B_RANGE, X_RANGE
from laser_core.tasks.problems import SPLITS, split_of
from laser_core.tasks.words import skeleton

_SIGNS = str.maketrans({"×": "*", "·": "*", "∙": "*", "−": "-", "–": "-", "＝": "="})
_EQUATION = re.compile(r"([0-9]{1,4})\*?x\+([0-9]{1,4})=([0-9]{1,7})[?!]?", re.IGNORECASE)


@dataclass(frozen=True)
class TypedProblem:
    """Typed text, read as a problem of the miniature world.

    Attributes
    ----------
    problem : Problem
        With its reference answer.
    note : str
        What to know before trusting the outcome: whether it was trained on, or is out of the trained range.
    """

    problem: Problem
    note: str


def read_problem(text: str, tasks: Sequence[str] = ("linear",)) -> TypedProblem:
    """Read typed text as a problem that the miniature models can solve.

    Parameters
    ----------
    text : str
        Anything. Spaces, typographic signs and a missing ``*`` or ``?`` are forgiven.
    tasks : sequence of str
        The generated families that the models were trained on.

    Raises
    ------
    InputError
        If it is no such problem; says what is.

    Examples
    --------
    >>> typed = read_problem("5x + 7 = 52")
    >>> typed.problem.text, typed.problem.answer
    ('5*x+7=52?', '9')
    """
    marks = {"linear": "?", "chain": "!"}  # what an equation ends in, by the family it belongs to
    plain = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text[:MAX_CHARACTERS]).translate(_SIGNS))
    for task in tasks:
        if task in marks:  # recognised by its form below, which also covers problems that are not in the list
            continue
        for candidate in (text.strip(), plain, plain + "?"):
            if candidate in _by_text(task):
                return TypedProblem(_by_text(task)[candidate], _note(skeleton(candidate)))
    match = _EQUATION.fullmatch(plain)
    family = next((task for task in tasks if task in marks), None)
    if not match or family is None:
        kind = "equations" if tasks[0] in marks else "problems"
        raise InputError(
            f"These small models only solve {kind} like {example(tasks[0]).rstrip('?!')}",
            remedy="type one of that form, or take a random one",
        )
    return _equation(*map(int, match.groups()), family=family, mark=marks[family])


def _equation(a: int, b: int, c: int, *, family: str, mark: str) -> TypedProblem:
    """The equation a*x+b=c as a family writes it."""
    if a == 0 or c < b or (c - b) % a:
        factor = max(a, 1)
        near = f"{factor}*x+{b}={factor * max((c - b) // factor, 1) + b}{mark}"
        raise InputError("x must be a whole number", remedy=f"try {near}")
    x = (c - b) // a
    problem = Problem(f"{family}:{a}*x+{b}={c}", f"{a}*x+{b}={c}{mark}", str(x))
    if a in A_RANGE and x in X_RANGE and b in B_RANGE:
        return TypedProblem(problem, _note(f"{a}*x+{b}={c}?"))  # an equation's split is that of its first family
    return TypedProblem(
        problem,
        f"Outside the range of its training (factors {A_RANGE[0]} to {A_RANGE[-1]}, x {X_RANGE[0]} to {X_RANGE[-1]}, "
        f"added {B_RANGE[0]} to {B_RANGE[-1]}): expect mistakes, and see whether the score notices.",
    )


def _note(key: str) -> str:
    if split_of(key) == "train":
        return "One of the training problems: the models may have seen it."
    return "Held out: no model was trained on it."


def random_problem(task: str, seed: int) -> Problem:
    """A problem of the task's test split, which no training has seen."""
    problems = load_problems(task, "test")
    return problems[seed % len(problems)]


def example(task: str) -> str:
    """A problem of the task as one would type it."""
    return load_problems(task, "test")[0].text


@cache
def _by_text(task: str) -> dict[str, Problem]:
    return {problem.text: problem for split in SPLITS for problem in load_problems(task, split)}
