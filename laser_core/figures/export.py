"""Downloads of a figure: its data as CSV, and the figure as one self-contained HTML file."""

from __future__ import annotations

import csv
import html
import io
import math
import re
from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from laser_core.figures.drawn import Drawn
from laser_core.figures.theme import visible

_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # also full-width, as Japanese input has them
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def figure_csv(fig: Drawn, *, settings: Mapping[str, object] | None = None) -> str:
    """What a figure shows as a tidy table: one row per observation, one named column per variable, then the settings.

    Numbers are written in full, undefined ones as empty cells. In text, control characters become visible signs, and
    what a spreadsheet would run as a formula gets an apostrophe in front.

    Parameters
    ----------
    fig : Drawn
        The figure.
    settings : mapping, optional
        The settings behind the figure, such as the run and the threshold. Each is a column of its own, the same in
        every row, so that the table keeps its settings; one named like a variable becomes ``setting_<name>``.

    Examples
    --------
    >>> fig = Drawn()
    >>> fig.observe(method="majority vote", n_solutions=[1, 2], accuracy=[0.5, 0.75])
    >>> print(figure_csv(fig, settings={"run": "LaSeR"}))
    method,n_solutions,accuracy,run
    majority vote,1,0.5,LaSeR
    majority vote,2,0.75,LaSeR
    <BLANKLINE>
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [f"setting_{name}" if name in fig.columns else name for name in settings or {}]
    writer.writerow([_safe(name) for name in (*fig.columns, *names)])
    constant = [_safe(value) for value in (settings or {}).values()]
    writer.writerows([*map(_safe, row), *constant] for row in fig.rows())
    return out.getvalue()


def figure_html(fig: go.Figure, *, title: str, caption: str, settings: Mapping[str, object] | None = None) -> str:
    """The figure as one HTML page that opens offline: title, interactive chart, caption, settings.

    Parameters
    ----------
    fig : Figure
        The figure.
    title, caption : str
        Plain text; it is escaped.
    settings : mapping, optional
        The settings behind the figure, for the last line.
    """
    chart = fig.to_html(full_html=False, include_plotlyjs=True, config={"displaylogo": False, "responsive": True})
    heading, sentence = html.escape(title), html.escape(caption)
    made_with = "; ".join(f"{html.escape(str(name))} = {html.escape(str(v))}" for name, v in (settings or {}).items())
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{heading}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<style>body{font-family:system-ui,sans-serif;"
        "max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1e1f29;background:#fff}</style></head>"
        f"<body><h1>{heading}</h1>{chart}<p>{sentence}</p><p><small>{made_with}</small></p></body></html>"
    )


def _safe(value: object) -> object:
    """A cell on one line that no spreadsheet runs as a formula.

    >>> _safe("=1+1"), _safe(" @SUM(A1)"), _safe("-5"), _safe("-x"), _safe(-2.5), _safe(float("nan"))
    ("'=1+1", "' @SUM(A1)", '-5', "'-x", -2.5, None)
    """
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if not isinstance(value, str):
        return value
    text = visible(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text
