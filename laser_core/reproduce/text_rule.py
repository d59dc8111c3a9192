"""The baselines that read a solution's own text: a rule of one line, right arithmetic, and the number of attempts.

None needs a model. The first two together are what a calculator finds; a number that is not carried on escapes it. The
score has to be read beside them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from laser_core.rollouts import Rollouts
from laser_core.tasks import FAMILIES, arithmetic_rate
from laser_core.tasks.guess_and_check import RETRY

#: Columns beside the score: the rule's verdict, 1 or 0, and the share of written equations that are right.
TEXT_RULE, ARITHMETIC = "signal.text_rule", "signal.arithmetic"
#: Whether both are satisfied: the total fits, and every equation is right.
CALCULATOR = "signal.calculator"
#: Whether the solution accepts its first attempt: 1, or 0 where there is a second.
FIRST_ATTEMPT = "signal.first_attempt"
#: Each family's rule, from the problem's text and the response.
RULES = {family.name: family.text_rule for family in FAMILIES}


def with_text_rule(rollouts: Rollouts, family: str) -> Rollouts:
    """The table with the verdict of the family's one-line rule as a column.

    Parameters
    ----------
    rollouts : Rollouts
    family : str
        Of the problems.

    Returns
    -------
    Rollouts
        NaN where the solution is truncated, as the score is.
    """
    rule = RULES[family]
    return rollouts.with_column(TEXT_RULE, _each(rollouts, lambda problem, response: float(rule(problem, response))))


def with_arithmetic(rollouts: Rollouts) -> Rollouts:
    """The table with the share of right equations as a column; 0 where a solution writes none, NaN where truncated."""
    return rollouts.with_column(
        ARITHMETIC, _each(rollouts, lambda problem, response: float(np.nan_to_num(arithmetic_rate(response))))
    )


def with_calculator(rollouts: Rollouts, family: str) -> Rollouts:
    """The table with 1 where the rule accepts a solution and all its arithmetic is right; NaN where truncated."""
    rule = RULES[family]

    def holds(problem: str, response: str) -> float:
        return float(rule(problem, response) and arithmetic_rate(response) == 1)

    return rollouts.with_column(CALCULATOR, _each(rollouts, holds))


def with_first_attempt(rollouts: Rollouts) -> Rollouts:
    """The table with 1 where a solution accepts its first attempt, 0 where it tries again; NaN where truncated."""
    return rollouts.with_column(FIRST_ATTEMPT, _each(rollouts, lambda problem, response: float(RETRY not in response)))


def _each(rollouts: Rollouts, value_of: Callable[[str, str], float]) -> list[float]:
    """A value for each solution that ended, computed once for equal ones."""
    known: dict[tuple[str, str], float] = {}
    problems, responses = rollouts.text("problem"), rollouts.text("response")
    values = []
    for problem, response, cut in zip(problems, responses, rollouts.column("truncated") == 1, strict=True):
        pair = (problem or "", response or "")
        if not cut and pair not in known:
            known[pair] = value_of(*pair)
        values.append(np.nan if cut else known[pair])
    return values
