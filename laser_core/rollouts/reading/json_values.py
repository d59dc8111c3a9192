"""Narrow untyped JSON values to the type a reader needs."""

from __future__ import annotations

import math


def as_object(value: object) -> dict[str, object]:
    """An object's fields; none where it is something else."""
    return value if isinstance(value, dict) else {}


def as_number(value: object) -> float | None:
    """A finite number; None for anything else, booleans among them.

    Examples
    --------
    >>> as_number(2), as_number(True), as_number("2"), as_number(float("nan")), as_number(10**400)
    (2, None, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:
        return None


def zero_or_one(value: object) -> bool | None:
    """A verdict written as a boolean, 0 or 1; None for anything else, such as a partial score.

    Examples
    --------
    >>> zero_or_one(True), zero_or_one(0.0), zero_or_one(0.5), zero_or_one("1")
    (True, False, None, None)
    """
    if isinstance(value, bool):
        return value
    number = as_number(value)
    return bool(number) if number in (0, 1) else None
