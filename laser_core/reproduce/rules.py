"""The rules by which a row of the table holds: the words a reader sees and the test they stand for, in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from laser_core.analysis.estimates import Estimate

DIGITS = 3  # of a value in the table
ROUNDING = 1e-9  # what is this near to a limit is at it: a sum of zeros may end at 4e-16


@dataclass(frozen=True)
class Rule:
    """When a claim holds.

    Attributes
    ----------
    words : what the table says.
    holds : decides, from what was measured.
    """

    words: str
    holds: Callable[[Estimate], bool]


def at_least(limit: float) -> Rule:
    """The value itself, to the digits that the table shows, whatever its interval.

    >>> at_least(0.85).holds(Estimate(0.86, 0.80, 0.92, 100)), at_least(0).holds(Estimate(-0.0006, -0.1, 0.1, 100))
    (True, False)
    """
    return Rule(f"at least {limit:g}", lambda e: round(e.value, DIGITS) >= limit)


def at_most(limit: float) -> Rule:
    """The value itself, to the digits that the table shows, whatever its interval."""
    return Rule(f"at most {limit:g}", lambda e: round(e.value, DIGITS) <= limit)


def near_zero(limit: float) -> Rule:
    """The value lies within ``limit`` of 0."""
    return Rule(f"within {limit:g}", lambda e: abs(e.value) <= limit)


def above(limit: float, where: str = "") -> Rule:
    """The whole interval, as for "better than".

    >>> above(0).words, above(0).holds(Estimate(0.2, -0.1, 0.5, 100))
    ('interval above 0', False)
    """
    return Rule(f"interval above {limit:g}{where}", lambda e: e.ci_low > limit + ROUNDING)


def below(limit: float) -> Rule:
    """The whole interval, as for "collapses"."""
    return Rule(f"interval below {limit:g}", lambda e: e.ci_high < limit - ROUNDING)


def clearly_at_least(limit: float) -> Rule:
    """The value reaches ``limit``, and its interval excludes 0."""
    words = f"at least {limit:g}, interval above 0"
    return Rule(words, lambda e: e.value >= limit and e.ci_low > ROUNDING)


def not_worse() -> Rule:
    """The interval does not exclude "as good".

    >>> not_worse().holds(Estimate(-0.01, -0.02, 0.0, 100))
    True
    """
    return Rule("interval reaches 0 or above", lambda e: e.ci_high >= 0)


def no_difference() -> Rule:
    """The interval includes 0."""
    return Rule("interval includes 0", lambda e: e.ci_low <= 0 <= e.ci_high)
