"""Figures about whole runs: training curves, and the findings of several runs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from laser_core.figures.drawn import Drawn, estimated
from laser_core.figures.theme import GRID, RULE, add_line, empty, frame, interval_bars, plain, run_style, thin

if TYPE_CHECKING:
    from laser_core.analysis import Estimate


@dataclass(frozen=True)
class Panel:
    """One quantity of the training events.

    Attributes
    ----------
    field : str
        Its name in the events.
    title : str
        The panel's title, with the unit.
    reference : float, optional
        Where to draw a reference line.
    signed : bool
        Whether negative values are possible.
    share : bool
        Whether it lies between 0 and 1; its axis then shows all of that, and stands still while a run goes on.
    """

    field: str
    title: str
    reference: float | None = None
    signed: bool = False
    share: bool = False


PANELS = (  # from top to bottom
    Panel("reward", "reward (share correct)", share=True),
    Panel("within_problem_auroc", "AUROC within a problem", 0.5, share=True),
    Panel("balanced_f1", "balanced F1 (TPR, TNR)", share=True),
    Panel("score_loss", "score loss"),
    Panel("laser/log_z", "log Z, which the score neglects, nats", 0.0),
    Panel("laser/c_ref_drift", "c_ref drift: log π_ref(z_c) minus c_ref, nats", 0.0, signed=True),
)


@dataclass(frozen=True)
class Phase:
    """A stretch of training steps, from ``first`` (counted from 0) up to but without ``end``, and what they train."""

    first: int
    end: int
    name: str


def training_figure(
    events: Mapping[str, Sequence[dict]],
    *,
    panels: Sequence[str] | None = None,
    phases: Sequence[Phase] = (),
    steps: int | None = None,
) -> Drawn:
    """Training curves from the events of one or more runs, one panel per quantity, LaSeR solid and GRPO dashed.

    Parameters
    ----------
    events : mapping of str to sequence of dict
        The events of each run, with ``step`` and any of the fields of :data:`PANELS`; a missing or null value is left
        out of its panel.
    panels : sequence of str, optional
        The fields to draw; by default all that any run has.
    phases : sequence of Phase, optional
        Drawn as shaded stretches, with their names in the first panel.
    steps : int, optional
        Steps that the run will have; the axis then stands still while it goes on.
    """
    wanted = [
        panel
        for panel in PANELS
        if (panels is None or panel.field in panels)
        and any(event.get(panel.field) is not None for run in events.values() for event in run)
    ]
    if not wanted:
        return empty("These runs hold no training events.")
    fig = Drawn()
    make_subplots(
        figure=fig,
        rows=len(wanted),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.09,
        subplot_titles=[panel.title for panel in wanted],
    )
    for row, panel in enumerate(wanted, start=1):
        for position, (run, run_events) in enumerate(events.items()):
            points = [(e["step"], e[panel.field]) for e in run_events if e.get(panel.field) is not None]
            if not points:
                continue
            fig.observe(run=run, step=[x for x, _ in points], metric=panel.title, value=[y for _, y in points])
            shown = thin(len(points), 800)
            x, y = (np.array([points[i][axis] for i in shown], dtype=float) for axis in (0, 1))
            few = len(points) <= 12  # a line through one point cannot be seen
            add_line(fig, x, y, run_style(plain(run), position), markers=few, hovertemplate="%{y:.3f}")
            fig.data[-1].update(showlegend=row == 1, xaxis=f"x{row}", yaxis=f"y{row}")
        if panel.share:
            fig.update_yaxes(range=[-0.03, 1.03], tickvals=[0, 0.25, 0.5, 0.75, 1], row=row, col=1)
        elif not panel.signed:
            fig.update_yaxes(rangemode="nonnegative", row=row, col=1)  # else a curve at 0 gets an axis from -1 to 1
        if panel.reference is not None:
            fig.add_hline(y=panel.reference, row=row, col=1, line={"color": RULE, "width": 1, "dash": "dot"})
    frame(fig, x="", y="", height=60 + 210 * len(wanted))
    fig.update_layout(legend={"y": 1.06}, margin={"t": 60})
    fig.update_annotations(x=0, xanchor="left", font={"size": 13})
    fig.update_xaxes(title_text="training step", row=len(wanted), col=1)
    if steps:
        fig.update_xaxes(range=[-0.5, max(steps - 0.5, 1)])
    _draw_phases(fig, phases, rows=len(wanted), steps=steps)
    if max((event["step"] for run in events.values() for event in run), default=0) <= 10:
        fig.update_xaxes(dtick=1)  # there is no step 0.5
    return fig


def _draw_phases(fig: Drawn, phases: Sequence[Phase], *, rows: int, steps: int | None) -> None:
    """Shade every second phase and name each where it begins in the first panel, as far as the axis reaches."""
    shown = [phase for phase in phases if phase.end > phase.first and (steps is None or phase.first < steps)]
    if len(shown) < 2:  # one phase alone needs no border
        return
    for place, phase in enumerate(shown):
        end = min(phase.end, steps) if steps else phase.end
        if place % 2:
            for row in range(1, rows + 1):
                box = {
                    "x0": phase.first - 0.5,
                    "x1": end - 0.5,
                    "y0": 0,
                    "y1": 1,
                    "yref": f"y{row if row > 1 else ''} domain",
                }
                xref = f"x{row if row > 1 else ''}"
                fig.add_shape(type="rect", xref=xref, layer="below", fillcolor=GRID, line={"width": 0}, **box)
        fig.add_annotation(
            text=phase.name,
            x=phase.first,
            xanchor="left",
            y=0,
            yshift=18 * (place % 2),  # neighbours at two heights: a short phase is narrower than its name
            yref="y domain",
            yanchor="bottom",  # curves of rewards rise, so the ground is free
            showarrow=False,
            font={"size": 12},
        )


def comparison_figure(rows: Mapping[str, Mapping[str, Estimate]], *, chance: float | None = None) -> Drawn:
    """Runs side by side: per finding one line, per run one marker with its 95% interval.

    Parameters
    ----------
    rows : mapping of str to mapping of str to Estimate
        The findings of each run; the first run gives their order from top to bottom. Undefined estimates are left out.
    chance : float, optional
        Where to draw a reference line in the rows of an AUROC.
    """
    findings = list(dict.fromkeys(name for estimates in rows.values() for name in estimates))
    fig = Drawn()
    spread = min(0.24, 0.8 / max(len(rows), 1))  # of one line's height, so that runs never reach the next finding
    for position, (run, estimates) in enumerate(rows.items()):
        style = run_style(plain(run), position)
        known = [(i, estimates[name]) for i, name in enumerate(findings) if name in estimates]
        known = [(i, estimate) for i, estimate in known if np.isfinite(estimate.value)]
        fig.observe(run=run, metric=[findings[i] for i, _ in known], **estimated(e for _, e in known))
        offset = (position - (len(rows) - 1) / 2) * spread
        value = np.array([estimate.value for _, estimate in known])
        low = np.array([estimate.ci_low for _, estimate in known])
        high = np.array([estimate.ci_high for _, estimate in known])
        fig.add_trace(
            go.Scatter(
                x=value,
                y=[i + offset for i, _ in known],
                mode="markers",
                name=style.name,
                marker={
                    "color": style.color,
                    "symbol": style.symbol,
                    "size": 12,
                    "line": {"width": 2, "color": style.color},
                },
                error_x=interval_bars(value, low, high, style.color),
                customdata=[[estimate.ci_low, estimate.ci_high, estimate.n, findings[i]] for i, estimate in known],
                hovertemplate=(
                    "%{customdata[3]}: %{x:.3f}<br>95% CI [%{customdata[0]:.3f}, %{customdata[1]:.3f}], "
                    f"n = %{{customdata[2]:,}}<extra>{style.name}</extra>"
                ),
            )
        )
    frame(fig, x="value and 95% interval", y="", height=90 + 58 * len(findings), hovermode="closest")
    fig.update_yaxes(tickvals=list(range(len(findings))), ticktext=findings, showgrid=False)
    fig.update_yaxes(range=[len(findings) - 0.5, -0.5])
    fig.update_xaxes(range=[-0.05, 1.05], tickvals=[0, 0.25, 0.5, 0.75, 1])
    rows_of_chance = [i for i, name in enumerate(findings) if "AUROC" in name]
    if chance is not None and rows_of_chance:  # a rule through an accuracy's row would mean nothing
        for i in rows_of_chance:
            line = {"color": RULE, "width": 1.5, "dash": "dot"}
            fig.add_shape(type="line", x0=chance, x1=chance, y0=i - 0.42, y1=i + 0.42, line=line)
        label = {"text": "chance", "font": {"size": 12}, "showarrow": False}
        fig.add_annotation(x=chance, y=rows_of_chance[-1] + 0.42, yanchor="top", **label)
    return fig
