"""The table of claims as a figure: each row's value with its interval, and the paper's number beside it."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from laser_core.figures.drawn import Drawn
from laser_core.figures.labels import symbols
from laser_core.figures.theme import CORRECT, INCORRECT, RULE, UNKNOWN, empty, frame, interval_bars, plain

if TYPE_CHECKING:
    from laser_core.reproduce.table import Claim

#: By verdict; a row without a rule has none.
_STYLES = {
    "holds": ("holds", CORRECT, "circle"),
    "does not hold": ("does not hold", INCORRECT, "x"),
    "undecided": ("undecided", UNKNOWN, "circle-open"),
    "": ("for comparison", UNKNOWN, "diamond"),
}
ROW_HEIGHT, LINE = 40, 16  # pixels: a marker with one line of text above it, and each further line
MEASURED = ("value", "ci_low", "ci_high", "paper", "seeds", "n_problems")  # a claim's numbers
LINE_LENGTH, BESIDE_LENGTH = 52, 60  # characters of a name that fit across a phone, and beside a marker
ABOVE, AXIS = 24, 64  # pixels above a panel's first row, and for the axis below the panel

SLIDE_AXIS = 0.28  # share of the height of a slide's figure, whose text is large, for the axis between two panels


def scale_of(claim: Claim) -> str:
    """What a claim's value counts in: the title of the axis that it is drawn on."""
    if claim.claim.endswith("nats"):
        return "nats"
    if claim.claim.endswith("seconds"):
        return "ratio of times"
    if "different solutions" in claim.claim:
        return "number of solutions"
    if "Spearman" in claim.claim:
        return "rank correlation"
    return "difference" if claim.signed else "value"


def claims_figure(claims: Sequence[Claim], *, beside: bool = False) -> Drawn:
    """Values of one section's rows, with 95% intervals over seeds and problems: a panel and an axis for each unit.

    Parameters
    ----------
    claims : sequence of Claim
        The rows of one section and family, from top to bottom; their names differ.
    beside : bool
        Whether names are beside the markers, which takes a wide figure but less height; otherwise above them, which
        leaves room on a phone.
    """
    rows = [claim for claim in claims if math.isfinite(claim.value)]
    if not rows:
        return empty("Nothing was measured for this claim.")
    fig = Drawn()
    fig.observe(
        section=[str(claim.section) for claim in rows],
        claim=[claim.claim for claim in rows],
        **{name: [getattr(claim, name) for claim in rows] for name in MEASURED},
        family=[claim.family for claim in rows],
        verdict=[_verdict(claim) for claim in rows],
        rule=[claim.rule for claim in rows],
        margin=[claim.margin for claim in rows],
    )
    panels: dict[str, list[Claim]] = {}
    for claim in rows:
        panels.setdefault(scale_of(claim), []).append(claim)
    heights = [ABOVE + sum(map(_row_height, panel)) for panel in panels.values()]
    axis = SLIDE_AXIS if beside else AXIS / (sum(heights) + AXIS)
    gap = min(axis, 0.9 / max(len(panels) - 1, 1))
    make_subplots(rows=len(panels), cols=1, row_heights=heights, vertical_spacing=gap, figure=fig)
    for number, (scale, panel) in enumerate(panels.items(), start=1):
        _panel(fig, panel, scale, number, beside)
    frame(fig, x="", y="", height=60 + sum(heights) + AXIS * len(panels), hovermode="closest")
    for number, scale in enumerate(panels, start=1):
        fig.update_xaxes(title_text=scale, row=number, col=1)
    seen: set[str] = set()
    for trace in fig.data:  # one legend for all panels
        trace.update(legendgroup=trace.name, showlegend=trace.name not in seen)
        seen.add(trace.name)
    return fig


def _verdict(claim: Claim) -> str:
    from laser_core.reproduce.table import verdict  # at the top it would make every figure load the analyses

    return verdict(claim)


def _words(claim: Claim) -> list[str]:
    """A claim's name, in lines that fit across a phone."""
    return textwrap.wrap(plain(symbols(claim.claim)), LINE_LENGTH)


def _row_height(claim: Claim) -> int:
    return ROW_HEIGHT + LINE * (len(_words(claim)) - 1)


def _panel(fig: Drawn, claims: Sequence[Claim], scale: str, number: int, beside: bool) -> None:
    """One panel: each claim's marker with its name above or beside it, where no line runs."""
    # A row's place is in pixels from the panel's lower end, since names of two lines take more room than others.
    tall = [ROW_HEIGHT if beside else _row_height(claim) for claim in claims]
    places = {claim.claim: float(sum(tall[i + 1 :])) for i, claim in enumerate(claims)}
    for verdict, style in _STYLES.items():
        if chosen := [claim for claim in claims if _verdict(claim) == verdict]:
            fig.add_trace(_measured(chosen, places, *style), row=number, col=1)
    paper = [claim for claim in claims if claim.paper is not None]
    if paper:
        marker = {"symbol": "line-ns-open", "size": 18, "color": UNKNOWN, "line": {"width": 3}}
        at = {"x": [claim.paper for claim in paper], "y": [places[claim.claim] for claim in paper]}
        text = "paper: %{x:.3f}<extra></extra>"
        fig.add_trace(
            go.Scatter(mode="markers", marker=marker, name="paper", hovertemplate=text, **at), row=number, col=1
        )
    ends = [end for c in claims for end in (c.value, c.ci_low, c.ci_high, c.paper) if end is not None]
    if min(end for end in ends if math.isfinite(end)) < 0 or scale == "difference":
        for place in places.values():  # at the markers only: a line from top to bottom would cross the names
            line = {"color": RULE, "width": 1.5, "dash": "dot"}
            box = {"type": "line", "x0": 0, "x1": 0, "y0": place - 9, "y1": place + 5, "line": line}
            fig.add_shape(box, row=number, col=1)
    names = {name: plain(symbols(name), BESIDE_LENGTH) for name in places}
    ticks = {"tickvals": list(places.values()), "ticktext": list(names.values()), "showticklabels": beside}
    fig.update_yaxes(range=[-16, sum(tall) - tall[-1] + tall[0] - 10], row=number, col=1, **ticks)
    if not beside:
        for claim in claims:
            name = {"text": "<br>".join(_words(claim)), "font": {"size": 13}, "align": "left", "showarrow": False}
            fig.add_annotation(name, y=places[claim.claim], yanchor="bottom", yshift=7, row=number, col=1)
            fig.layout.annotations[-1].update(x=0, xref="paper", xanchor="left")


def _measured(claims: Sequence[Claim], places: Mapping[str, float], label: str, color: str, symbol: str) -> go.Scatter:
    """The values of these rows, with the intervals of those that have one."""
    value, low, high = (np.array([getattr(claim, end) for claim in claims]) for end in ("value", "ci_low", "ci_high"))
    bounded = np.isfinite(low) & np.isfinite(high)
    low, high = np.where(bounded, low, value), np.where(bounded, high, value)
    return go.Scatter(
        x=value,
        y=[places[claim.claim] for claim in claims],
        error_x=interval_bars(value, low, high, color, width=4),
        mode="markers",
        marker={"color": color, "symbol": symbol, "size": 10},
        name=label,
        customdata=[[c.ci_low, c.ci_high, c.seeds, c.n_problems, c.rule or "-"] for c in claims],
        hovertemplate="%{x:.3f} [%{customdata[0]:.3f}, %{customdata[1]:.3f}]<br>%{customdata[2]} seeds, "
        "%{customdata[3]} problems<br>rule: %{customdata[4]}<extra></extra>",
    )
