"""What a figure holds, to take away: its data as CSV, itself as one self-contained HTML file."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def figure_csv(fig: go.Figure, *, settings: Mapping[str, object] | None = None) -> str:
    """Every point a figure draws, one row each: the series' name, x, y, and for heatmaps z and the cell's text.

    Text that a spreadsheet would run as a formula gets an apostrophe in front; numbers are written in full.

    Parameters
    ----------
    fig : the figure.
    settings : what the figure was made with, such as the run and the threshold; one more column each, the same in
        every row, so that a table never parts from its settings.

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
    """The figure as one HTML page that needs no network: title, interactive chart, the sentence that says what to see.

    Parameters
    ----------
    fig : the figure.
    title, caption : plain text; escaped.
    settings : what the figure was made with; a last line.
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
    """Text unescaped from its label form and made harmless for spreadsheets; numbers as they are."""
    if not isinstance(value, str):
        return value.item() if isinstance(value, np.generic) else value
    text = html.unescape(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
