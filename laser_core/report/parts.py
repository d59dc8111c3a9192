"""The parts of a report (sections of figures, tables, text and lists of solutions), and numbers as text.

Everything is plain text, which the template escapes; only :mod:`.equations` holds markup.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from laser_core.figures.theme import visible

if TYPE_CHECKING:
    from markupsafe import Markup

    from laser_core.analysis import Estimate

MINUS = "\N{MINUS SIGN}"
EXCERPT = 320  # characters of a response in a list


@dataclass(frozen=True)
class Figure:
    """A figure and its caption.

    Attributes
    ----------
    key : str
        Unique on the page.
    fig : Figure
        The Plotly figure.
    see : str
        One sentence about what to see.
    n : str
        The number of problems or solutions.
    interval : str
        The meaning of its bands or bars.
    equation : Markup
        What is drawn, from :mod:`.equations`.
    half : bool
        Whether two of its kind fit side by side on a wide screen.
    """

    key: str
    fig: go.Figure
    see: str
    n: str
    interval: str
    equation: Markup
    half: bool = False


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes
    ----------
    caption : str
        What it shows.
    head : sequence of str
        The column titles.
    rows : sequence of sequence of str
        The cells; the first column names the rows.
    foreign : frozenset of int
        The columns that hold text of the file.
    notes : sequence of str
        A note below the name of each row, or none.
    half : bool
        Whether two of its kind fit side by side on a wide screen.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    foreign: frozenset[int] = frozenset()
    notes: Sequence[str] = ()
    half: bool = False


@dataclass(frozen=True)
class Words:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Missing:
    """What a part needs and the file lacks, and how to get it."""

    needs: str


@dataclass(frozen=True)
class Solution:
    """One rollout in a list; text of the file is shortened, with invisible characters made visible."""

    problem_id: str
    sample: str
    row: int
    label: str
    score: str
    n_tokens: str
    problem: str
    response: str
    answer: str
    reference: str


@dataclass(frozen=True)
class SolutionList:
    """Rollouts worth reading: what they have in common, how many there are, and the first of them."""

    title: str
    why: str
    total: str
    solutions: Sequence[Solution]


Block = Figure | Table | Words | Missing | SolutionList


@dataclass(frozen=True)
class Section:
    """A question, its finding in a sentence, and the blocks that support it."""

    key: str
    title: str
    finding: str
    blocks: Sequence[Block] = ()


def excerpt(text: object, limit: int = EXCERPT) -> str:
    """Foreign text, shortened to its beginning and end, with invisible and direction characters made visible.

    >>> excerpt("x=2\\n\\u202eevil"), excerpt(None), excerpt("abcdefghij", 5)
    ('x=2↵\\\\u202eevil', '', 'ab … ij')
    """
    if text is None:
        return ""
    text = str(text)
    if len(text) > limit:
        text = f"{text[: limit // 2]} … {text[len(text) - limit // 2 :]}"
    return visible(text)


def number(value: float | None, digits: int = 3) -> str:
    """A value, or a word where it is undefined.

    >>> number(0.83651), number(float("nan")), number(-0.0001), number(-0.42, 2)
    ('0.837', 'undefined', '0.000', '−0.42')
    """
    if value is None or not math.isfinite(value):
        return "undefined"
    return f"{round(float(value), digits) + 0.0:.{digits}f}".replace("-", MINUS)


def points(value: float) -> str:
    """A difference of shares in percentage points.

    >>> points(0.1651), points(-0.04), points(-0.0001)
    ('+16.5', '−4.0', '0.0')
    """
    if not math.isfinite(value):
        return "undefined"
    shown = f"{100 * value:+.1f}"
    return "0.0" if float(shown) == 0 else shown.replace("-", MINUS)


def interval(estimate: Estimate, digits: int = 3) -> str:
    """An interval, as "[0.811, 0.860]"."""
    if not math.isfinite(estimate.ci_low):
        return "no interval"
    return f"[{number(estimate.ci_low, digits)}, {number(estimate.ci_high, digits)}]"


def estimate_cell(estimate: Estimate, *, digits: int = 3) -> str:
    """An estimate with its interval, for a table: "0.837 [0.811, 0.860]"."""
    if not math.isfinite(estimate.value):
        return "undefined"
    if not math.isfinite(estimate.ci_low):
        return number(estimate.value, digits)
    return f"{number(estimate.value, digits)} {interval(estimate, digits)}"


def estimate_text(estimate: Estimate, *, digits: int = 2, noun: str = "problem") -> str:
    """An estimate with its interval and n, for a sentence: "0.84 (95% CI [0.81, 0.86], n = 312 problems)"."""
    if not math.isfinite(estimate.value):
        return "undefined"
    spread = f"95% CI {interval(estimate, digits)}" if math.isfinite(estimate.ci_low) else "no interval"
    return f"{number(estimate.value, digits)} ({spread}, n = {count(estimate.n, noun)})"


def count(n: int, noun: str) -> str:
    """A number with its noun.

    >>> count(1, "problem"), count(1200, "solution")
    ('1 problem', '1,200 solutions')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def difference(value: float, low: float, high: float) -> str:
    """A difference in percentage points with its interval, for a table."""
    return f"{points(value)} {points_interval(low, high)}" if math.isfinite(value) else "undefined"


def points_interval(low: float, high: float) -> str:
    """An interval of a difference of shares, in percentage points."""
    return f"[{points(low)}, {points(high)}]"
