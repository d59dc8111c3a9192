"""A solution as running text, each token on its colour."""

from __future__ import annotations

import html
import re

import numpy as np

from laser_core.figures.quantities import QUANTITIES, colour_scale, colours_at, scale_ends
from laser_core.figures.theme import INK, MONOSPACE, visible
from laser_core.figures.token_decoding import token_label
from laser_core.figures.traces import Trace

LIMIT = 6000  # tokens; the others are only counted
_WITHIN_LINE = re.compile(r"[^\n\t]+")
# One rule for all tokens instead of a style in each: with 4,000 tokens that halves the page.
_STYLE = f"""<style>
.token-strip {{ font-family: {MONOSPACE}; line-height: 1.9; white-space: pre-wrap; overflow-wrap: anywhere;
  tab-size: 4; unicode-bidi: isolate; direction: ltr; }}
.token-strip > span {{ padding: 0.1em 0.06em; border-radius: 3px; }}
.token-strip > span[style] {{ color: {INK}; }}
.token-strip > span.special {{ white-space: nowrap; }}
</style>"""


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
        A ``<style>`` and one ``<div>`` with one ``<span>`` a token; all foreign text in it is escaped.

    Examples
    --------
    >>> trace = Trace("sample 0", True, ("<b>",), {"logprob": np.array([-0.5])})
    >>> "&lt;b&gt;" in token_strip_html(trace, "logprob")
    True
    """
    what = QUANTITIES[quantity]
    values = trace.values.get(quantity, np.full(len(trace.tokens), np.nan))
    low, high = scale_ends(what, values, beta_v, c_ref)
    unit = " nats" if what.unit == "nats" else ""
    colors = colours_at(colour_scale(what, beta_v, c_ref), values[:LIMIT], low, high)
    spans = []
    for token, value, color in zip(trace.tokens[:LIMIT], values.tolist(), colors, strict=False):
        title = html.escape(f"{token_label(token[:80])}  {what.name} {value:.3f}{unit}")
        style = f' style="background:{color}"' if color else ""
        # <eos> stays whole at the end of a line
        special = ' class="special"' if token.startswith("<") and len(token) < 24 and token.isprintable() else ""
        spans.append(f'<span title="{title}"{style}{special}>{_running_text(token[:400])}</span>')
    more = len(trace.tokens) - LIMIT
    rest = f"<span> … {more:,} more tokens</span>" if more > 0 else ""
    size = "1.15rem" if len(trace.tokens) <= 100 else "0.9rem"
    return f'{_STYLE}<div class="token-strip" dir="ltr" style="font-size:{size}">{"".join(spans)}{rest}</div>'


def _running_text(token: str) -> str:
    """A token as escaped HTML that flows like text: its line breaks break the line; only white space gets markers."""
    if not token:
        return token_label(token)
    if token.isspace():
        shown = html.escape(token_label(token))
        # Where a space is a token of its own, its marker must not glue two words together.
        return shown.replace("↵", "↵\n") if "\n" in token else f"{shown}<wbr>"
    return html.escape(_WITHIN_LINE.sub(lambda found: visible(found[0]), token))
