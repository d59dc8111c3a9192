"""Exercises for notebooks: a right answer is told why, a wrong one gets a hint, and none of them a stack trace.

An exercise that is not answered yet prints its task, so a notebook runs from top to bottom as it is shipped.
"""

from __future__ import annotations

import copy
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from laser_core.lessons.compare import Answer, Unusable, difference, plain, same

TOLERANCE = 0.005  # two decimals suffice
_OPEN = (None, ...)  # what an answer is before anybody has written one


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """A question whose answer is a number, a text, a truth value, or a list of these.

    Parameters
    ----------
    task : str
        What to do, in a sentence or two; printed while there is no answer.
    expected : float, str, bool or sequence
        The answer. NumPy arrays and tensors count as lists, here and in what is checked.
    tolerance : float
        How far a number may be from the expected one.
    hints : mapping of wrong answer to str
        For a wrong answer that people give: what they probably did. A list stands as a tuple.
    because : str
        Printed with a right answer: why it is right, or what follows.

    Raises
    ------
    ValueError
        If a hint is given for the right answer.

    Examples
    --------
    >>> exercise = Exercise(task="What is 0.1 * (-13 + 23)?", expected=1.0, hints={10.0: "Multiply by 0.1 as well."})
    >>> exercise.check(None)
    Not answered yet. What is 0.1 * (-13 + 23)?
    >>> exercise.check(10)
    Not yet: 10 is not it. Multiply by 0.1 as well.
    >>> exercise.check(-1)
    Not yet: -1 has the right size and the wrong sign.
    >>> exercise.check(1.0)
    Right.
    """

    task: str
    expected: Any
    tolerance: float = TOLERANCE
    hints: Mapping[Any, str] = field(default_factory=dict)
    because: str = ""

    def __post_init__(self) -> None:
        if wrong := [hint for hint in self.hints if same(plain(hint), plain(self.expected), self.tolerance)]:
            raise ValueError(f"a hint is given for the right answer: {wrong[0]!r}")

    def check(self, answer: object) -> None:
        """Print whether the answer is right, and if not, a hint.

        Parameters
        ----------
        answer : object
            Anything. None stands for "not answered yet".
        """
        print(f"Not answered yet. {self.task}" if _is_open(answer) else self._judge(answer))

    def _judge(self, answer: object) -> str:
        if callable(answer):
            return "Not yet: this is a function. Call it, and give what it returns."
        expected = plain(self.expected)
        try:
            given = plain(answer)
        except Unusable as reason:
            return f"Not yet: {reason}."
        if same(given, expected, self.tolerance):
            return _right(self.because)
        for wrong, why in self.hints.items():
            if same(given, plain(wrong), self.tolerance):
                return f"Not yet: {_shown(given)} is not it. {why}"
        return f"Not yet: {difference(given, expected, self.tolerance)}."


@dataclass(frozen=True, kw_only=True)
class FunctionExercise:
    """A function to write, checked on cases.

    Parameters
    ----------
    task : str
        What to write; printed while there is no function, or it returns None.
    cases : sequence of (arguments, expected)
        A tuple of positional arguments each, and what the function must return.
    tolerance : float
        How far a number may be from the expected one.
    mistakes : sequence of (function, str)
        Wrong functions that people write, and what to tell those who wrote one.
    because : str
        Printed with a right answer.

    Raises
    ------
    ValueError
        If a mistake gets every case right.

    Examples
    --------
    >>> exercise = FunctionExercise(
    ...     task="Write double(x).",
    ...     cases=[((1,), 2), ((3,), 6)],
    ...     mistakes=[(lambda x: x + 1, "That adds one.")],
    ... )
    >>> def double(x): ...
    >>> exercise.check(double)
    Not answered yet. Write double(x).
    >>> def double(x): return x**2
    >>> exercise.check(double)
    Not yet: double(1) gives 1, and should give 2.
    >>> def double(x): return x + 1
    >>> exercise.check(double)
    Not yet: double(3) gives 4, and should give 6. That adds one.
    >>> def double(x): return x / 0
    >>> exercise.check(double)
    Not yet: double(1) stops in its line 1 with ZeroDivisionError: division by zero.
    >>> def double(x): return x + x
    >>> exercise.check(double)
    Right. It agrees on all 2 cases.
    """

    task: str
    cases: Sequence[tuple[tuple[Any, ...], Any]]
    tolerance: float = TOLERANCE
    mistakes: Sequence[tuple[Callable[..., Any], str]] = ()
    because: str = ""

    def __post_init__(self) -> None:
        if not self.cases:
            raise ValueError("a function needs at least one case")
        for mistake, why in self.mistakes:
            if all(outcome.right for outcome in self._outcomes(mistake)):
                raise ValueError(f"this mistake gets every case right: {why}")

    def check(self, function: object) -> None:
        """Print whether the function returns what it should, and if not, the first case that differs.

        Parameters
        ----------
        function : object
            Anything. None stands for "not answered yet", and so does a function that returns None.
        """
        print(f"Not answered yet. {self.task}" if _is_open(function) else self._judge(function))

    def _judge(self, function: object) -> str:
        if not callable(function):
            return "Not yet: this is no function. Give the function itself, by its name, without calling it."
        outcomes = self._outcomes(function)
        if all(outcome.open for outcome in outcomes):
            return f"Not answered yet. {self.task}"
        first = next((outcome for outcome in outcomes if not outcome.right), None)
        if first is None:
            return _right(f"It agrees on all {len(self.cases)} cases. {self.because}".strip())
        why = next((why for mistake, why in self.mistakes if self._alike(outcomes, self._outcomes(mistake))), "")
        return f"Not yet: {first.sentence}. {why}".strip()

    def _outcomes(self, function: Callable[..., Any]) -> list[_Outcome]:
        return [_try(function, arguments, expected, self.tolerance) for arguments, expected in self.cases]

    def _alike(self, mine: Sequence[_Outcome], theirs: Sequence[_Outcome]) -> bool:
        pairs = zip(mine, theirs, strict=True)
        return all(a.returned is not None and same(a.returned, b.returned, self.tolerance) for a, b in pairs)


@dataclass(frozen=True)
class _Outcome:
    """One case: what came back (None where nothing usable did), whether it is right, and how to say that it is not."""

    returned: Answer | None
    right: bool
    sentence: str
    open: bool = False


def _try(function: Callable[..., Any], arguments: tuple[Any, ...], expected: object, tolerance: float) -> _Outcome:
    name = getattr(function, "__name__", "it")
    call = f"{name}({', '.join(_shown(argument) for argument in arguments)})"
    try:
        result = function(*copy.deepcopy(arguments))  # a function that changes its arguments must not change the case
    except Exception as error:  # a learner's mistake, whatever it is, is shown in a sentence
        return _Outcome(None, False, f"{call} stops{_where(function, error)} with {type(error).__name__}: {error}")
    if _is_open(result):
        return _Outcome(None, False, f"{call} returns nothing", open=True)
    try:
        returned = plain(result)
    except Unusable as reason:
        return _Outcome(None, False, f"what {call} returns does not fit: {reason}")
    wanted = plain(expected)
    sentence = f"{call} gives {_shown(returned)}, and should give {_shown(wanted)}"
    return _Outcome(returned, same(returned, wanted, tolerance), sentence)


def _where(function: Callable[..., Any], error: Exception) -> str:
    """`` in its line 2``: where in the learner's own function it happened; empty where that is unknown."""
    code = getattr(function, "__code__", None)
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code is code]
    return f" in its line {lines[-1] - code.co_firstlineno + 1}" if code and lines else ""


def _is_open(answer: object) -> bool:
    return any(answer is unanswered for unanswered in _OPEN)


def _right(because: str) -> str:
    return f"Right. {because}".strip()


def _shown(value: object) -> str:
    """A value in a sentence: numbers with four digits that count, nothing longer than a line.

    >>> _shown(2 / 3), _shown([1.0, 2 / 3]), _shown("a"), _shown(True)
    ('0.6667', '[1, 0.6667]', "'a'", 'True')
    """
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_shown(entry) for entry in value)}]"
    text = " ".join(repr(value).split())
    return text if len(text) <= 100 else f"{text[:99]}…"
