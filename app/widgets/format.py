"""Numbers and foreign text as words on a page."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from laser_core.figures.theme import visible

if TYPE_CHECKING:
    from laser_core.analysis import Estimate

UNDEFINED = "undefined"


def literal(text: object, limit: int = 1000) -> str:
    r"""Foreign text as markdown that shows exactly that text: no formatting, LaTeX, HTML, links or directives.

    Examples
    --------
    >>> literal("<b> $x$ :red[a]")
    '\\<b\\> \\$x\\$ \\:red\\[a\\]'
    """
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", short(text, limit))


def short(text: object, limit: int = 300) -> str:
    """Foreign text for a place that shows text as it is, such as a table's cell: cut, and nothing in it invisible.

    >>> short("a\\u202eb"), short("abcdef", 4)
    ('a\\\\u202eb', 'abc…')
    """
    shown = visible(str(text)[: limit + 1])  # cut first: a text may be a megabyte long
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def unescaped(text: str) -> str:
    r"""Our own markdown sentence as plain text: what :func:`literal` escaped is as it was, and no bold.

    >>> unescaped(literal("2*x (a_b)") + " is **bold**")
    '2*x (a_b) is bold'
    """
    plain = re.sub(r"(?<!\\)\*\*", "", text)
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", plain)


def number(value: float, digits: int = 2) -> str:
    """A value to so many digits, or a word where it is undefined.

    >>> number(0.8349), number(-0.001), number(float("nan"))
    ('0.83', '0.00', 'undefined')
    """
    if value is None or not math.isfinite(value):
        return UNDEFINED
    return f"{round(value, digits) + 0.0:.{digits}f}"  # adding zero turns -0.0 into 0.0


def score_text(value: float) -> str:
    """A score, with a third digit where it is small: a score that was never trained lives within a few hundredths of 0.

    >>> score_text(0.8349), score_text(-0.0041), score_text(0.0)
    ('0.83', '-0.004', '0.000')
    """
    return number(value, 2 if value is None or abs(value) >= 0.1 else 3)


def mean_score(mean: Estimate) -> str:
    """A mean score with its interval, all to the same digits: "0.073 (0.062 to 0.083)"."""
    small = math.isfinite(mean.value) and abs(mean.value) < 0.1
    return f"{score_text(mean.value)} ({interval(mean, digits=3 if small else 2)})"


def small(value: float) -> str:
    """A number as short as it can be said, however small it is.

    >>> small(0), small(0.7712), small(0.0004), small(2.3e-07), small(2203.6)
    ('0', '0.77', '0.0004', '2 × 10⁻⁷', '2,204')
    """
    if value == 0:
        return "0"
    if value >= 0.0001:
        return f"{value:.2g}" if value < 100 else f"{value:,.0f}"
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa} × 10{str(int(exponent)).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def percent(value: float, digits: int = 0) -> str:
    """A share as a percentage.

    >>> percent(0.8349), percent(float("nan"))
    ('83%', 'undefined')
    """
    return UNDEFINED if value is None or not math.isfinite(value) else f"{100 * value:.{digits}f}%"


def interval(estimate: Estimate, *, scale: float = 1.0, digits: int = 2, sign: str = "") -> str:
    """The 95% interval of an estimate, as "0.81 to 0.87"."""
    if not (math.isfinite(estimate.ci_low) and math.isfinite(estimate.ci_high)):
        return "no interval"
    low, high = (f"{scale * bound:{sign}.{digits}f}" for bound in (estimate.ci_low, estimate.ci_high))
    return f"{low} to {high}"


def count(n: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun.

    >>> count(1, "problem"), count(1200, "problem")
    ('1 problem', '1,200 problems')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> duration(4.2), duration(75), duration(600), duration(7300)
    ('4 s', '75 s', '10 min', '2.0 h')
    """
    if seconds < 90:
        return f"{max(seconds, 0):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def estimate(value: Estimate, digits: int = 2, noun: str = "problem") -> str:
    """An estimate with its interval and n: "0.84 (95% interval 0.81 to 0.87, n = 312 problems)"."""
    if not math.isfinite(value.value):
        return UNDEFINED
    spread = f"95% interval {interval(value, digits=digits)}" if math.isfinite(value.ci_low) else "no interval"
    return f"{number(value.value, digits)} ({spread}, n = {count(value.n, noun)})"


def verdict(value: Estimate) -> str:
    """What an AUROC and its interval let one say about "does the score know?".

    An interval that covers chance (0.5) supports no answer, however far its middle lies from chance. One above chance
    says that the score knows something; whether that is much is said by the value: below 0.6, below 0.75, or above.
    """
    if math.isfinite(value.ci_high) and value.ci_high < 0.5:
        return "No, rather the reverse"
    if not (math.isfinite(value.ci_low) and value.ci_low > 0.5):
        return "Not shown"
    return "Barely" if value.value < 0.6 else "In part" if value.value < 0.75 else "Yes"
