"""Whether two answers are the same, and if not, what to say about it."""

from __future__ import annotations

import math
from numbers import Real

Answer = bool | int | float | str | list["Answer"]


class Unusable(Exception):
    """What was given cannot be an answer; the message says why, as part of a sentence."""


def plain(value: object) -> Answer:
    """An answer as plain Python: arrays, tensors and tuples as lists, every number as a bool, an int or a float.

    Parameters
    ----------
    value : object

    Raises
    ------
    Unusable
        If it is none of these.

    Examples
    --------
    >>> import numpy as np
    >>> plain(np.array([1, 2])), plain(np.float32(0.5)), plain((True, "a"))
    ([1, 2], 0.5, [True, 'a'])
    """
    if hasattr(value, "tolist"):  # NumPy, pandas and torch alike
        try:
            value = value.tolist()
        except Exception as error:
            raise Unusable(f"its values cannot be read ({error})") from error
    if isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, Real):
        return float(value)  # a fraction
    if value is None or value is ...:
        raise Unusable("an entry is still empty")
    raise Unusable(f"this is of type {type(value).__name__}, and a number, a text or a list is asked for")


def same(given: Answer | None, expected: Answer | None, tolerance: float) -> bool:
    """Whether an answer is the expected one: numbers within the tolerance, text whatever its case and spaces.

    Examples
    --------
    >>> same(0.333, 1 / 3, 0.005), same(" Yes", "yes", 0), same([1, 2], [1.0, 2.0], 0), same("1", 1, 0)
    (True, True, True, False)
    """
    if isinstance(given, list) and isinstance(expected, list):
        return len(given) == len(expected) and all(same(a, b, tolerance) for a, b in zip(given, expected, strict=True))
    if isinstance(given, str) and isinstance(expected, str):
        return _tidy(given) == _tidy(expected)
    if isinstance(given, (int, float)) and isinstance(expected, (int, float)):
        # The small share is for the rounding of floats: 0.1 + 0.2 is 0.3 even at a tolerance of 0.
        return math.isclose(given, expected, rel_tol=1e-9, abs_tol=tolerance)
    return False


def difference(given: Answer, expected: Answer, tolerance: float) -> str:
    """What is wrong with an answer that is not the expected one, without giving that away.

    Examples
    --------
    >>> difference("2", 2.0, 0), difference(1.0, 2.0, 0), difference(-2.0, 2.0, 0)
    ('this is text, and a number is asked for', '1 is too small', '-2 has the right size and the wrong sign')
    >>> difference([1.0, 2.0], [1.0, 3.0], 0), difference([1.0], [1.0, 3.0], 0)
    ('in place 2 of 2, 2 is too small', '2 entries are asked for, and this has 1')
    """
    if _kind(given) != _kind(expected):
        return f"this is {_kind(given)}, and {_kind(expected)} is asked for"
    if isinstance(given, list) and isinstance(expected, list):
        if len(given) != len(expected):
            return f"{len(expected)} entries are asked for, and this has {len(given)}"
        pairs = enumerate(zip(given, expected, strict=True), start=1)
        place, (a, b) = next((at, pair) for at, pair in pairs if not same(*pair, tolerance))
        return f"in place {place} of {len(expected)}, {difference(a, b, tolerance)}"
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not isinstance(expected, (int, float)):
        return f"{given!r} is not it"  # text, or a truth value
    if not math.isfinite(given):
        return f"{given} is no number to work with: was something divided by zero?"
    if same(-given, expected, tolerance):
        return f"{given:.4g} has the right size and the wrong sign"
    return f"{given:.4g} is too {'small' if given < expected else 'large'}"


def _kind(value: Answer) -> str:
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return "text"
    return "True or False" if isinstance(value, bool) else "a number"


def _tidy(text: str) -> str:
    return " ".join(text.split()).casefold()
