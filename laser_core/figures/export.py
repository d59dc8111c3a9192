"""Downloads of a figure: its data as CSV, and the figure as one self-contained HTML file."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def figure_csv(fig: go.Figure, *, settings: Mapping[str, object] | None = None) -> str:
    """The points of a figure, one row each: the series' name, x, y, and for heatmaps z and the cell's text.

    Text that a spreadsheet would run as a formula gets an apostrophe in front; numbers are written in full.

    Parameters
    ----------
    fig : Figure
        The figure.
    settings : mapping, optional
        The settings behind the figure, such as the run and the threshold. Each is a column of its own, the same in
        every row, so that the table keeps its settings.

    Examples
    --------
    >>> print(figure_csv(go.Figure(go.Scatter(x=[1, 2], y=[0.5, 0.25], name="accuracy"))))
    series,x,y,z,text
    accuracy,1,0.5,,
    accuracy,2,0.25,,
    <BLANKLINE>
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    constant = [_safe(value) for value in (settings or {}).values()]
    writer.writerow(["series", "x", "y", "z", "text", *(_safe(name) for name in settings or {})])
    for trace in fig.data:
        name = _safe(trace.name or "")
        if trace.type == "heatmap":
            labels = list(fig.layout.yaxis.ticktext or trace.y)
            for label, row, texts in zip(labels, np.asarray(trace.z), trace.text, strict=True):
                for x, z, text in zip(trace.x, row, texts, strict=True):
                    if np.isfinite(z):
                        writer.writerow([name, x, _safe(label), z, _safe(text), *constant])
        else:
            for x, y in zip(
                trace.x if trace.x is not None else [], trace.y if trace.y is not None else [], strict=False
            ):
                writer.writerow([name, _safe(x), _safe(y), "", "", *constant])
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
    """A label as plain text that no spreadsheet runs as a formula; numbers as they are."""
    if not isinstance(value, str):
        return value.item() if isinstance(value, np.generic) else value
    text = html.unescape(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
