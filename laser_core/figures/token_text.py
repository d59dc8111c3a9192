"""A solution as running text, each token on its colour."""

from __future__ import annotations

import html

import numpy as np

from laser_core.figures.quantities import QUANTITIES, colour_at, colour_scale, scale_ends
from laser_core.figures.theme import INK, MONOSPACE, visible
from laser_core.figures.traces import Trace


def token_strip_html(trace: Trace, quantity: str, *, beta_v: float | None = None, c_ref: float | None = None) -> str:
    """The response as running text, each token on its colour, as escaped HTML for a page or a report.

    The text wraps at any width; hovering over a token shows its value. Beyond 6,000 tokens the rest is only counted,
    so that a hostile file cannot freeze the browser.

    Parameters
    ----------
    trace : Trace
        The solution.
    quantity : str
        A key of :data:`QUANTITIES`.
    beta_v, c_ref : float, optional
        The score's settings; they set the middle of the scale of z_c.

    Returns
    -------
    str
        One ``<div>``; all foreign text in it is escaped.

    Examples
    --------
    >>> trace = Trace("sample 0", True, ("<b>",), {"logprob": np.array([-0.5])})
    >>> "&lt;b&gt;" in token_strip_html(trace, "logprob")
    True
    """
    what, limit = QUANTITIES[quantity], 6000
    values = trace.values.get(quantity, np.full(len(trace.tokens), np.nan))
    low, high = scale_ends(what, values, beta_v, c_ref)
    unit = " nats" if what.unit == "nats" else ""
    spans = []
    for token, value in list(zip(trace.tokens, values, strict=False))[:limit]:
        color = colour_at(colour_scale(what, beta_v, c_ref), value, low, high)
        style = f"background:{color};color:{INK};" if color else ""
        title = html.escape(f"{visible(token[:80])}  {what.name} {value:.3f}{unit}", quote=True)
        shown = html.escape(visible(token[:400]), quote=True).replace("↵", "↵\n")
        if token.startswith("<") and len(token) < 24 and token.isprintable():
            style += "white-space:nowrap;"  # <eos> stays whole at the end of a line
        spans.append(f'<span title="{title}" style="{style}padding:0.1em 0.06em;border-radius:3px">{shown}</span>')
    more = len(trace.tokens) - limit
    rest = f"<span> … {more:,} more tokens</span>" if more > 0 else ""
    size = "1.15rem" if len(trace.tokens) <= 100 else "0.9rem"
    style = (
        f"font-family:{MONOSPACE};font-size:{size};line-height:1.9;white-space:pre-wrap;overflow-wrap:anywhere;"
        "unicode-bidi:isolate;direction:ltr"
    ).replace("'", "")
    return f'<div dir="ltr" style="{style}">{"".join(spans)}{rest}</div>'
