"""Rules that decide whether a row of the table holds: the words a reader sees beside the test they stand for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from laser_core.analysis.estimates import Estimate

#: Within this of a limit counts as at the limit: a sum of zeros may end at 4e-16. Written after the first results, and
#: kept, for it can only turn "holds" into "does not hold".
ROUNDING = 1e-9


@dataclass(frozen=True)
class Rule:
    """When a claim holds.

    Attributes
    ----------
    words : str
        The rule as the table states it.
    holds : callable
        Takes the measured :class:`Estimate` and returns whether the claim holds.
    """

    words: str
    holds: Callable[[Estimate], bool]


def at_least(limit: float) -> Rule:
    """The value, with all its digits, is at least ``limit``; its interval does not matter.

    >>> at_least(0.85).holds(Estimate(0.86, 0.80, 0.92, 100)), at_least(0).holds(Estimate(-0.00001, -0.1, 0.1, 100))
    (True, False)
    """
    return Rule(f"at least {limit:g}", lambda e: e.value >= limit)


def at_most(limit: float) -> Rule:
    """The value, with all its digits, is at most ``limit``; its interval does not matter."""
    return Rule(f"at most {limit:g}", lambda e: e.value <= limit)


def near_zero(limit: float) -> Rule:
    """The value is within ``limit`` of 0."""
    return Rule(f"within {limit:g} of 0", lambda e: abs(e.value) <= limit)


def above(limit: float, where: str = "") -> Rule:
    """The whole interval is above ``limit``: "better than".

    >>> above(0).words, above(0).holds(Estimate(0.2, -0.1, 0.5, 100))
    ('95% CI above 0', False)
    """
    return Rule(f"95% CI above {limit:g}{where}", lambda e: e.ci_low > limit + ROUNDING)


def below(limit: float) -> Rule:
    """The whole interval is below ``limit``: "collapses"."""
    return Rule(f"95% CI below {limit:g}", lambda e: e.ci_high < limit - ROUNDING)


def clearly_at_least(limit: float) -> Rule:
    """The value is at least ``limit``, and its interval excludes 0."""
    words = f"at least {limit:g}, 95% CI above 0"
    return Rule(words, lambda e: e.value >= limit and e.ci_low > ROUNDING)


def not_worse() -> Rule:
    """The interval includes 0 or more, so that "as good" is not excluded.

    >>> not_worse().holds(Estimate(-0.01, -0.02, 0.0, 100))
    True
    """
    return Rule("not worse: the 95% CI includes 0 or more", lambda e: e.ci_high >= 0)


def no_difference() -> Rule:
    """The interval includes 0."""
    return Rule("no difference: the 95% CI includes 0", lambda e: e.ci_low <= 0 <= e.ci_high)
