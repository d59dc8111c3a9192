"""The table of claims as a figure: each row's value with its interval, and the paper's number beside it."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from laser_core.figures.drawn import Drawn
from laser_core.figures.theme import CORRECT, INCORRECT, UNKNOWN, add_rule, empty, frame, interval_bars, plain

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
LINE_LENGTH = 52  # characters that fit across a phone


def claims_figure(claims: Sequence[Claim]) -> Drawn:
    """Values of one section's rows, top to bottom, with 95% intervals over seeds and problems.

    Parameters
    ----------
    claims : sequence of Claim
        Rows that share a scale and have different names, as those of one section and family do.
    """
    rows = [claim for claim in claims if math.isfinite(claim.value)]
    if not rows:
        return empty("Nothing was measured for this claim.")
    names = [claim.claim for claim in rows]
    fig = Drawn()
    fig.observe(
        section=[str(claim.section) for claim in rows],
        claim=names,
        **{name: [getattr(claim, name) for claim in rows] for name in MEASURED},
        family=[claim.family for claim in rows],
        verdict=[_verdict(claim) for claim in rows],
        rule=[claim.rule for claim in rows],
        margin=[claim.margin for claim in rows],
    )
    for verdict, style in _STYLES.items():
        if chosen := [claim for claim in rows if _verdict(claim) == verdict]:
            fig.add_trace(_measured(chosen, *style))
    paper = [claim for claim in rows if claim.paper is not None]
    if paper:
        fig.add_trace(
            go.Scatter(
                x=[claim.paper for claim in paper],
                y=[claim.claim for claim in paper],
                mode="markers",
                marker={"symbol": "line-ns-open", "size": 18, "color": UNKNOWN, "line": {"width": 3}},
                name="paper",
                hovertemplate="paper: %{x:.3f}<extra></extra>",
            )
        )
    low = min(claim.ci_low if math.isfinite(claim.ci_low) else claim.value for claim in rows)
    if low < 0:
        add_rule(fig, x=0, label="")
    # The names are above their markers: beside the axis they would leave no room on a phone.
    words = [textwrap.wrap(plain(name), LINE_LENGTH) for name in names]
    for name, lines in zip(names, words, strict=True):
        text = {"text": "<br>".join(lines), "font": {"size": 13}, "align": "left", "showarrow": False}
        fig.add_annotation(x=0, xref="paper", xanchor="left", y=name, yref="y", yanchor="bottom", yshift=5, **text)
    row = ROW_HEIGHT + LINE * (max(map(len, words)) - 1)
    frame(fig, x="value", y="", height=110 + row * len(rows), hovermode="closest")
    fig.update_yaxes(categoryorder="array", categoryarray=names[::-1], showticklabels=False, range=[-0.4, len(rows)])
    return fig


def _verdict(claim: Claim) -> str:
    from laser_core.reproduce.table import verdict  # at the top it would make every figure load the analyses

    return verdict(claim)


def _measured(claims: Sequence[Claim], label: str, color: str, symbol: str) -> go.Scatter:
    """The values of these rows, with the intervals of those that have one."""
    value, low, high = (np.array([getattr(claim, end) for claim in claims]) for end in ("value", "ci_low", "ci_high"))
    bounded = np.isfinite(low) & np.isfinite(high)
    low, high = np.where(bounded, low, value), np.where(bounded, high, value)
    return go.Scatter(
        x=value,
        y=[claim.claim for claim in claims],
        error_x=interval_bars(value, low, high, color, width=4),
        mode="markers",
        marker={"color": color, "symbol": symbol, "size": 10},
        name=label,
        customdata=[[c.ci_low, c.ci_high, c.seeds, c.n_problems, c.rule or "-"] for c in claims],
        hovertemplate="%{x:.3f} [%{customdata[0]:.3f}, %{customdata[1]:.3f}]<br>%{customdata[2]} seeds, "
        "%{customdata[3]} problems<br>rule: %{customdata[4]}<extra></extra>",
    )
