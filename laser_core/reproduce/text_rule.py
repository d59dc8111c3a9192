"""The baseline that reads a solution's own text: is its last total the equation's right side?

In the families that guess and check, the check is written out, so one line of text processing says whether a solution
is correct unless its arithmetic slipped. The score has to be read beside it.
"""

from __future__ import annotations

import re

import numpy as np

from laser_core.rollouts import Rollouts

#: Column of the rule's outcome, 1 or 0, beside the score.
TEXT_RULE = "signal.text_rule"
#: Families whose solutions write out a check against the equation's right side. Word problems have none to match.
CHECKED = ("linear", "linear-long", "pair")

_RIGHT_SIDE = re.compile(r"=(-?\d+)\?\s*$")
_TOTAL = re.compile(r"\d=(-?\d+)")  # after a digit: "x=9" is the guess, "5*9=45" a total


def last_total_matches(problem: str, response: str) -> bool | None:
    """Whether the last total a solution computes equals the right side of the problem's equation.

    Parameters
    ----------
    problem : str
        Ending in ``=c?``.
    response : str
        The worked solution; totals count up to its final answer, which follows ``#``.

    Returns
    -------
    bool or None
        None where the problem has no right side. A solution without a total does not match.

    Examples
    --------
    >>> last_total_matches("5*x+7=52?", "x=9;5*9=45;45+7=52#9")
    True
    >>> last_total_matches("5*x+7=52?", "x=8;5*8=40;40+7=47#8")
    False
    >>> last_total_matches("5*x+7=52?", "x=8;5*8=45;45+7=52#8")  # an arithmetic slip fools it
    True
    >>> print(last_total_matches("Ann has 7 pens. How many do they have?", "7+5=12#12"))
    None
    """
    right_side = _RIGHT_SIDE.search(problem)
    if right_side is None:
        return None
    totals = _TOTAL.findall(response.partition("#")[0])
    return bool(totals) and totals[-1] == right_side[1]


def with_text_rule(rollouts: Rollouts) -> Rollouts:
    """The table with the rule's outcome as a column; null where the solution is truncated, as the score is."""
    problems, responses = rollouts.text("problem"), rollouts.text("response")
    truncated = rollouts.column("truncated") == 1
    values = [
        np.nan if cut or (matches := last_total_matches(problem or "", response or "")) is None else float(matches)
        for problem, response, cut in zip(problems, responses, truncated, strict=True)
    ]
    return rollouts.with_column(TEXT_RULE, values)
