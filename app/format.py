"""Numbers, intervals and foreign text as a page shows them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from laser_core.errors import InputError
from laser_core.figures.theme import visible

if TYPE_CHECKING:
    from laser_core.analysis import Estimate

UNDEFINED = "undefined"
JOINT = "\u2060"  # word joiner: invisible, and no line breaks at it


def fault(error: InputError) -> str:
    """An error about what was typed on the page, without the field's name.

    >>> fault(InputError("x must be a whole number", field="problem", remedy="try 5*x+7=52?"))
    'X must be a whole number. Try 5*x+7=52?'
    """
    sentences = [text[0].upper() + text[1:] for text in (error.problem, error.remedy) if text]
    return " ".join(text if text.endswith((".", "!", "?")) else f"{text}." for text in sentences)


def literal(text: object, limit: int = 1000) -> str:
    r"""Foreign text as markdown that shows exactly that text: no formatting, LaTeX, HTML, links or directives.

    Examples
    --------
    >>> literal("<b> $x$ :red[a]")
    '\\<b\\> \\$x\\$ \\:red\\[a\\]'
    """
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", unlinked(short(text, limit)))


def unlinked(text: str) -> str:
    """Text whose bare web and mail addresses Markdown shows as text.

    Streamlit's renderer links them wherever they stand, even escaped; an invisible joint keeps it from seeing them.

    >>> unlinked("https://a.b www.a.b a@b.c").count(JOINT), unlinked("2 / 3")
    (3, '2 / 3')
    """
    return re.sub(r"(?i)(?<=:)(?=//)|(?=@)|(?<=\bwww)(?=\.)", JOINT, text)


def short(text: object, limit: int = 300) -> str:
    """Foreign text for a place that renders no markdown, such as a table's cell: cut, invisible characters shown.

    >>> short("a\\u202eb"), short("abcdef", 4)
    ('a\\\\u202eb', 'abc…')
    """
    shown = visible(str(text)[: limit + 1])  # cut first: a text may be a megabyte long
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def unescaped(text: str) -> str:
    r"""A page's markdown sentence as plain text: without bold, and without the escapes of :func:`literal`.

    >>> unescaped(literal("2*x (a_b)") + " is **bold**")
    '2*x (a_b) is bold'
    """
    plain = re.sub(r"(?<!\\)\*\*", "", text)
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", plain).replace(JOINT, "")


def number(value: float | None, digits: int = 2) -> str:
    """A value rounded to ``digits``, or a word where it is undefined.

    >>> number(0.8349), number(-0.001), number(float("nan"))
    ('0.83', '0.00', 'undefined')
    """
    if value is None or not math.isfinite(value):
        return UNDEFINED
    return f"{round(value, digits) + 0.0:.{digits}f}"  # adding zero turns -0.0 into 0.0


def score_text(value: float | None) -> str:
    """A score, with a third digit where it is small: an untrained score stays within a few hundredths of 0.

    >>> score_text(0.8349), score_text(-0.0041), score_text(0.0)
    ('0.83', '-0.004', '0.000')
    """
    return number(value, 2 if value is None or abs(value) >= 0.1 else 3)


def mean_score(mean: Estimate) -> str:
    """A mean score with its interval, all to the same digits: "0.073 [0.062, 0.083]"."""
    return with_interval(mean, 3 if math.isfinite(mean.value) and abs(mean.value) < 0.1 else 2)


def small(value: float) -> str:
    """A number in two significant digits, however small it is.

    >>> small(0), small(0.7712), small(0.0004), small(2.3e-07), small(2203.6)
    ('0', '0.77', '0.0004', '2 × 10⁻⁷', '2,204')
    """
    if value == 0:
        return "0"
    if value >= 0.0001:
        return f"{value:.2g}" if value < 100 else f"{value:,.0f}"
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa} × 10{str(int(exponent)).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def percent(value: float | None, digits: int = 0) -> str:
    """A share as a percentage.

    >>> percent(0.8349), percent(float("nan"))
    ('83%', 'undefined')
    """
    return UNDEFINED if value is None or not math.isfinite(value) else f"{100 * value:.{digits}f}%"


def points(value: float) -> str:
    """A difference of shares in percentage points, signed.

    >>> points(0.0571), points(-0.012), points(-0.0001)
    ('+5.7', '-1.2', '0.0')
    """
    shown = f"{100 * value:+.1f}"
    return "0.0" if float(shown) == 0 else shown


def bounds(low: float, high: float, write: Callable[[float], str] = number) -> str:
    """Two ends of an interval.

    >>> bounds(0.811, 0.87), bounds(0.811, 0.87, percent), bounds(-0.012, 0.06, points)
    ('[0.81, 0.87]', '[81%, 87%]', '[-1.2, +6.0]')
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return "no interval"
    return f"[{write(low)}, {write(high)}]"


def interval(estimate: Estimate, digits: int = 2) -> str:
    """The 95% interval of an estimate, as "[0.81, 0.87]"."""
    return bounds(estimate.ci_low, estimate.ci_high, lambda end: number(end, digits))


def with_interval(value: Estimate, digits: int = 2) -> str:
    """An estimate with its 95% interval but without n: "0.84 [0.81, 0.87]"."""
    shown = interval(value, digits)
    return f"{number(value.value, digits)} {shown if shown.startswith('[') else f'({shown})'}"


def percent_interval(estimate: Estimate, digits: int = 0) -> str:
    """The 95% interval of a share, as "[81%, 87%]"."""
    return bounds(estimate.ci_low, estimate.ci_high, lambda end: percent(end, digits))


def ci(spread: str) -> str:
    """A 95% interval by its name; what is said instead of one stays as it is.

    >>> ci("[81%, 87%]"), ci("no interval")
    ('95% CI [81%, 87%]', 'no interval')
    """
    return f"95% CI {spread}" if spread.startswith("[") else spread


def points_interval(estimate: Estimate) -> str:
    """The 95% interval of a difference of shares in percentage points, as "[-1.2, +6.0]"."""
    return bounds(estimate.ci_low, estimate.ci_high, points)


def count(n: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun.

    >>> count(1, "problem"), count(1200, "problem")
    ('1 problem', '1,200 problems')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """A time in the unit that suits it.

    >>> duration(4.2), duration(75), duration(600), duration(7300)
    ('4 s', '75 s', '10 min', '2.0 h')
    """
    if seconds < 90:
        return f"{max(seconds, 0):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def estimate(value: Estimate, digits: int = 2, noun: str = "problem") -> str:
    """An estimate with its interval and n: "0.84 (95% CI [0.81, 0.87], n = 312 problems)"."""
    if not math.isfinite(value.value):
        return UNDEFINED
    spread = f"95% CI {interval(value, digits)}" if math.isfinite(value.ci_low) else "no interval"
    return f"{number(value.value, digits)} ({spread}, n = {count(value.n, noun)})"


def knows(auroc: Estimate) -> str:
    """The answer to "does the score know which solutions are correct?" that an AUROC supports.

    An interval that includes chance (0.5) supports no answer, wherever its middle lies. Above chance the value decides:
    below 0.6 "Barely", below 0.75 "In part".
    """
    if math.isfinite(auroc.ci_high) and auroc.ci_high < 0.5:
        return "No, the opposite"
    if not (math.isfinite(auroc.ci_low) and auroc.ci_low > 0.5):
        return "Inconclusive"
    return "Barely" if auroc.value < 0.6 else "In part" if auroc.value < 0.75 else "Yes"
