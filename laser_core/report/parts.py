"""What a report is made of: sections of figures, tables, words and lists of solutions; and numbers as text.

Everything is plain text until the template escapes it; only :mod:`.equations` holds markup.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from laser_core.figures.theme import visible

if TYPE_CHECKING:
    from markupsafe import Markup

    from laser_core.analysis import Estimate

MINUS = "\N{MINUS SIGN}"
EXCERPT = 320  # characters of a response that a list shows


@dataclass(frozen=True)
class Figure:
    """A figure and what belongs under it.

    Attributes
    ----------
    key : unique in the page.
    fig : the figure.
    see : one sentence that says what to see.
    n : what it rests on.
    interval : what its bands or bars are.
    equation : what is drawn, as markup of :mod:`.equations`.
    half : whether two of its kind fit side by side on a wide screen.
    """

    key: str
    fig: go.Figure
    see: str
    n: str
    interval: str
    equation: Markup
    half: bool = False
    kind: str = "figure"


@dataclass(frozen=True)
class Table:
    """A table of text; the first column names the rows, with a note where ``notes`` has one for it.

    ``foreign`` columns hold text of the file. ``half``: two of its kind fit side by side on a wide screen.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    foreign: frozenset[int] = frozenset()
    notes: Sequence[str] = ()
    half: bool = False
    kind: str = "table"


@dataclass(frozen=True)
class Words:
    """A paragraph."""

    text: str
    kind: str = "words"


@dataclass(frozen=True)
class Missing:
    """What the file lacks for this part, and how to get it."""

    needs: str
    kind: str = "missing"


@dataclass(frozen=True)
class Solution:
    """One rollout in a list; every field is text of the file, shortened and with invisible characters shown."""

    problem_id: str
    sample: str
    row: int
    verdict: str
    score: str
    n_tokens: str
    problem: str
    response: str
    answer: str
    reference: str


@dataclass(frozen=True)
class SolutionList:
    """Rollouts to look at: what they have in common, how many there are, and the first of them."""

    title: str
    why: str
    total: str
    solutions: Sequence[Solution]
    kind: str = "solutions"


@dataclass(frozen=True)
class Section:
    """A question, its finding in a sentence, and the blocks behind it."""

    key: str
    title: str
    finding: str
    blocks: Sequence[object] = field(default_factory=tuple)


def excerpt(text: object, limit: int = EXCERPT) -> str:
    """Foreign text of bounded length: its beginning and its end, with invisible and direction characters made visible.

    >>> excerpt("x=2\\n\\u202eevil"), excerpt(None), excerpt("abcdefghij", 5)
    ('x=2↵\\\\u202eevil', '', 'ab … ij')
    """
    if text is None:
        return ""
    text = str(text)
    if len(text) > limit:
        text = f"{text[: limit // 2]} … {text[len(text) - limit // 2 :]}"
    return visible(text)


def number(value: float, digits: int = 3) -> str:
    """A value, or a word where it is undefined.

    >>> number(0.83651), number(float("nan")), number(-0.0001), number(-0.42, 2)
    ('0.837', 'undefined', '0.000', '−0.42')
    """
    if value is None or not math.isfinite(value):
        return "undefined"
    return f"{round(float(value), digits) + 0.0:.{digits}f}".replace("-", MINUS)


def points(value: float) -> str:
    """A difference of shares in points.

    >>> points(0.1651), points(-0.04), points(-0.0001)
    ('+16.5', '−4.0', '0.0')
    """
    if not math.isfinite(value):
        return "undefined"
    shown = f"{100 * value:+.1f}"
    return "0.0" if float(shown) == 0 else shown.replace("-", MINUS)


def interval(estimate: Estimate, digits: int = 3) -> str:
    """The ends of an interval, as "0.811 to 0.860"."""
    if not math.isfinite(estimate.ci_low):
        return "no interval"
    return f"{number(estimate.ci_low, digits)} to {number(estimate.ci_high, digits)}"


def told(estimate: Estimate, *, digits: int = 3) -> str:
    """An estimate with its interval, for a table: "0.837 [0.811, 0.860]"."""
    if not math.isfinite(estimate.value):
        return "undefined"
    if not math.isfinite(estimate.ci_low):
        return number(estimate.value, digits)
    low, high = number(estimate.ci_low, digits), number(estimate.ci_high, digits)
    return f"{number(estimate.value, digits)} [{low}, {high}]"


def sentence(estimate: Estimate, *, digits: int = 2, noun: str = "problem") -> str:
    """An estimate with its interval and n, for a sentence."""
    if not math.isfinite(estimate.value):
        return "undefined"
    return f"{number(estimate.value, digits)} ({interval(estimate, digits)}, n = {count(estimate.n, noun)})"


def count(n: int, noun: str) -> str:
    """A number with its noun.

    >>> count(1, "problem"), count(1200, "solution")
    ('1 problem', '1,200 solutions')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def difference(value: float, low: float, high: float) -> str:
    """A difference in points with its interval, for a table."""
    return f"{points(value)} [{points(low)}, {points(high)}]" if math.isfinite(value) else "undefined"
