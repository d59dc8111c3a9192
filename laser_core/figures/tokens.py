"""The solutions of one problem on a common token axis, and the mean traces of many problems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from laser_core.figures.drawn import Drawn
from laser_core.figures.quantities import QUANTITIES
from laser_core.figures.theme import LASER, OUTCOMES, Style, add_band, add_line, add_rule, empty, fade, frame
from laser_core.figures.traces import Trace, observe_tokens, token_heatmap, trace_figure
from laser_core.score import z_logprob_from_score

if TYPE_CHECKING:
    from laser_core.analysis import Change, MeanTraces

LINE_HEIGHT, ROW_HEIGHT, GAP = 250, 27, 64  # pixels


def linked_figure(
    traces: Sequence[Trace],
    chosen: Sequence[int],
    heat: str,
    line: str,
    *,
    beta_v: float | None = None,
    c_ref: float | None = None,
    changes: Sequence[Change | None] = (),
    marked: int | None = None,
    window: tuple[int, int] | None = None,
    line_height: int = LINE_HEIGHT,
) -> Drawn:
    """A heatmap of all solutions above the lines of some of them, on a common token axis.

    Parameters
    ----------
    traces : sequence of Trace
        The heatmap's rows from top to bottom.
    chosen : sequence of int
        Positions of those drawn as lines, at most two; their rows are framed.
    heat, line : str
        The quantities of the heatmap and of the lines, keys of :data:`QUANTITIES`.
    beta_v, c_ref : float, optional
        The score's settings.
    changes : sequence of Change
        The sharpest change of each chosen trace in the quantity ``line``, marked with a star; may be empty.
    marked : int, optional
        The token that is marked in both parts, counted from 1.
    window : tuple of int, optional
        First and last token to show, counted from 1; by default all.
    line_height : int
        Height of the lines' part, in pixels; a row of the heatmap has 27.

    Returns
    -------
    plotly.graph_objects.Figure
        ``y`` of the heatmap's cells is the position in ``traces``.
    """
    first, last = window or (1, max((len(t.tokens) for t in traces), default=1))
    parts = [trace.part(first, last) for trace in traces]
    fig = token_heatmap(parts, heat, beta_v=beta_v, c_ref=c_ref, first=first)
    lines = trace_figure([parts[i] for i in chosen], line, beta_v=beta_v, c_ref=c_ref, first=first)
    if not len(fig.data) or not len(lines.data):
        return fig if len(fig.data) else lines
    if line != heat:
        observe_tokens(fig, [parts[i] for i in chosen if line in parts[i].values], line, first)
    _append_lines(fig, lines, first, last, line_height)
    _frame_rows(fig, [trace for trace in traces if heat in trace.values], [traces[i] for i in chosen], first, last)
    for i, change in zip(chosen, changes, strict=False):
        if change is not None and first <= change.token <= last and line in traces[i].values:
            _star(fig, change, OUTCOMES[traces[i].correct])
    if marked is not None and first <= marked <= last:
        reach = 2.5 if max(len(part.tokens) for part in parts) > 400 else 0.5  # one of many tokens cannot be seen
        box = {"type": "rect", "x0": marked - reach, "x1": marked + reach, "yref": "paper", "y0": 0, "y1": 1}
        fig.add_shape(box | {"line": {"color": LASER, "width": 2}, "fillcolor": fade(LASER, 0.12)})
    return fig


def _append_lines(fig: go.Figure, lines: go.Figure, first: int, last: int, line_height: int) -> None:
    """Put the lines below the heatmap, on a vertical axis of their own."""
    rows = len(fig.data[0].z)
    for trace in lines.data:
        fig.add_trace(trace.update(yaxis="y2"))
    parts = ROW_HEIGHT * rows + GAP + line_height
    top = (line_height + GAP) / parts
    fig.update_layout(
        height=100 + parts,
        showlegend=True,
        legend={"y": top - 0.02, "yanchor": "top", "x": 0},
        yaxis={"domain": [top, 1.0]},
        yaxis2={
            "domain": [0.0, top - GAP / parts],
            "anchor": "x",
            "title": lines.layout.yaxis.title,
            "gridcolor": fig.layout.yaxis.gridcolor,
            "zeroline": False,
            "automargin": True,
        },
        hovermode="closest",
    )
    fig.update_xaxes(
        range=[first - 0.7, last + 0.7],
        anchor="y2",
        showspikes=True,
        spikemode="across",
        spikesnap="cursor",
        spikethickness=1,
        spikedash="solid",
    )
    for shape in lines.layout.shapes:
        fig.add_shape(shape.update(yref="y2"))
    for note in lines.layout.annotations:
        fig.add_annotation(note.update(yref="y2"))


def _frame_rows(fig: go.Figure, drawn: Sequence[Trace], chosen: Sequence[Trace], first: int, last: int) -> None:
    """Frame the heatmap's rows of the chosen traces in the colour of their lines."""
    for trace in chosen:
        if trace in drawn:
            row = drawn.index(trace)
            box = {"type": "rect", "x0": first - 0.5, "x1": last + 0.5, "y0": row - 0.5, "y1": row + 0.5}
            fig.add_shape(box | {"line": {"color": OUTCOMES[trace.correct].color, "width": 2}})


def _star(fig: go.Figure, change: Change, style: Style) -> None:
    fig.add_trace(
        go.Scatter(
            x=[change.token],
            y=[change.after],
            yaxis="y2",
            mode="markers",
            cliponaxis=False,
            name="sharpest change",
            legendgroup="sharpest change",
            showlegend=not any(trace.name == "sharpest change" for trace in fig.data),
            marker={"symbol": "star", "size": 16, "color": style.color, "line": {"color": "white", "width": 1}},
            hovertemplate=f"sharpest change: {change.before:.2f} to {change.after:.2f} at token %{{x}}<extra></extra>",
        )
    )


def mean_trace_figure(
    means: MeanTraces, *, beta_v: float | None = None, c_ref: float | None = None, unit: str = "problems"
) -> Drawn:
    """Mean values along correct and along incorrect solutions, with their 95% bands.

    Parameters
    ----------
    means : MeanTraces
        From :func:`laser_core.analysis.mean_traces`.
    beta_v, c_ref : float, optional
        The score's settings, for the decision line.
    unit : str
        What the bands are computed over, for the hover text.
    """
    what = QUANTITIES[means.quantity]
    if not (np.isfinite(means.correct[0]).any() or np.isfinite(means.incorrect[0]).any()):
        return empty("Too few verified solutions with per-token values for a mean.")
    fig = Drawn()
    for outcome, (mean, low, high), n in (
        (True, means.correct, means.n_correct),
        (False, means.incorrect, means.n_incorrect),
    ):
        style = OUTCOMES[outcome]
        by_token = means.by == "token"
        position = {"token_index": means.position.astype(int)} if by_token else {"fraction": means.position}
        fig.observe(
            verdict=style.name, **position, quantity=what.name, value=mean, ci_low=low, ci_high=high, n_solutions=n
        )
        add_band(fig, means.position, low, high, style)
        add_line(
            fig,
            means.position,
            mean,
            style,
            markers=False,
            customdata=np.stack([low, high, n], axis=1),
            hovertemplate="%{y:.3f} [%{customdata[0]:.3f}, %{customdata[1]:.3f}], n = %{customdata[2]:,}"
            + f"<extra>{style.name}, 95% CI over {unit}</extra>",
        )
    x = "response token" if means.by == "token" else "fraction of the solution"
    frame(fig, x=x, y=f"mean {what.name}" + (", nats" if what.unit == "nats" else ""), height=340)
    known = np.isfinite(means.correct[0]) | np.isfinite(means.incorrect[0])
    drawn = means.position[known]
    fig.update_xaxes(range=[drawn[0] - 0.01 * np.ptp(drawn), drawn[-1] + 0.01 * np.ptp(drawn)])  # no empty end
    decision = 0.5 if means.quantity == "score" else None
    if means.quantity == "z_logprob" and beta_v and c_ref is not None:
        decision = z_logprob_from_score(0.5, beta_v=beta_v, c_ref=c_ref)
    if decision is not None:
        add_rule(fig, y=decision, label="score 0.5")
        # In the middle: the first guess of a solution often reaches the line at its beginning.
        fig.layout.annotations[-1].update(x=0.5, xref="paper", xanchor="center", yanchor="bottom")
    return fig
