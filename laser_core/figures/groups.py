"""Figures about training steps: a step's groups, cell by cell, and what was measured at each step."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from laser_core.figures.drawn import Drawn
from laser_core.figures.theme import (
    ENTROPY_SCALE,
    INK,
    LASER,
    RULE,
    SCORE_SCALE,
    Scale,
    Style,
    add_line,
    empty,
    frame,
    plain,
    thin,
)

if TYPE_CHECKING:
    from laser_core.analysis import StepMetric, TrainingGroups

MAX_POINTS = 800  # of a curve
CELL_HEIGHT, CHARACTER = 24, 7  # pixels: of a row, and of a character of its label


@dataclass(frozen=True)
class CellQuantity:
    """What the cells of a step's groups are coloured by.

    Attributes
    ----------
    name : str
        With its unit.
    field : str
        Of :class:`~laser_core.analysis.TrainingGroups`.
    middle : float or None
        Where a diverging scale has its neutral colour; None for a scale that runs one way.
    """

    name: str
    field: str
    middle: float | None


CELL_QUANTITIES = {
    "advantage": CellQuantity("advantage A", "advantage", 0.0),
    "reward": CellQuantity("reward", "reward", 0.5),
    "score": CellQuantity("last-token score", "score", 0.5),
    "reward_advantage": CellQuantity("advantage from the reward", "reward_advantage", 0.0),
    "score_advantage": CellQuantity("advantage from the score", "score_advantage", 0.0),
    "class_weight": CellQuantity("class weight in the score loss", "class_weight", None),
}
#: A tick, a cross and, for an unknown verdict, a dash, as strokes: steps to the right and down from a cell's middle.
_STROKES: dict[float | None, tuple[tuple[tuple[float, float], ...], ...]] = {
    1.0: (((-0.2, 0.02), (-0.06, 0.2), (0.22, -0.22)),),
    0.0: (((-0.2, -0.2), (0.2, 0.2)), ((-0.2, 0.2), (0.2, -0.2))),
    None: (((-0.2, 0.0), (0.2, 0.0)),),
}
WIDE = 28  # solutions a group: with fewer, cells are wider than high


def groups_figure(
    groups: TrainingGroups, shown: Sequence[int], *, labels: Sequence[str], quantity: str = "advantage"
) -> Drawn:
    """A step's groups as rows and their solutions as cells; a tick is a correct solution, a cross an incorrect one.

    Parameters
    ----------
    groups : TrainingGroups
    shown : sequence of int
        The groups to draw, from top to bottom.
    labels : sequence of str
        The text of each of them, such as the beginning of its problem.
    quantity : str
        A key of :data:`CELL_QUANTITIES`.
    """
    if not len(shown):
        return empty("This step has no such groups.")
    about = CELL_QUANTITIES[quantity]
    values = getattr(groups, about.field)
    rows = [np.flatnonzero(groups.group == number) for number in shown]
    rows = [of[np.lexsort((of, -np.nan_to_num(groups.reward[of], nan=-np.inf)))] for of in rows]
    width = max(len(of) for of in rows)
    cells, details = np.full((len(rows), width), np.nan), []
    fig = Drawn()
    for i, (of, label) in enumerate(zip(rows, labels, strict=True)):
        cells[i, : len(of)] = values[of]
        details.append([_hover(groups, row) for row in of.tolist()] + [""] * (width - len(of)))
        fig.observe(
            group=label,
            solution=list(range(len(of))),
            **{name: getattr(groups, kind.field)[of] for name, kind in CELL_QUANTITIES.items()},
        )
    low, high = _limits(cells, about.middle)
    fig.add_trace(
        go.Heatmap(
            z=cells,
            x=list(range(1, width + 1)),
            y=list(range(len(rows))),
            customdata=details,
            hovertemplate="%{customdata}<extra></extra>",
            hoverongaps=False,
            colorscale=_scale(about.middle),
            zmin=low,
            zmax=high,
            xgap=2,
            ygap=2,
            colorbar={  # above: beside the cells it would leave a phone no room for them
                "title": {"text": about.name, "side": "top"},
                "orientation": "h",
                "thickness": 10,
                "x": 0.5,
                "y": 1.0,
                "yanchor": "bottom",
            },
        )
    )
    _draw_verdicts(fig, [groups.correct[of] for of in rows])
    frame(fig, x="solution of the group, by reward", y="", height=140 + CELL_HEIGHT * len(rows), legend=False)
    ticks = [f"{plain(label, 18)}  {_tally(groups, of)}" for label, of in zip(labels, rows, strict=True)]
    # Room for the labels is reckoned here: where Plotly measures it, it draws all labels three times.
    longest = max(len(html.unescape(tick)) for tick in ticks)
    axis = {"automargin": False, "ticks": "", "showgrid": False}
    fig.update_layout(
        margin={"l": 12 + CHARACTER * longest, "t": 70, "b": 52},
        hovermode="closest",
        xaxis=axis | {"dtick": 1 if width <= 16 else None, "range": [0.5, width + 0.5]},
        yaxis=axis | {"tickvals": list(range(len(rows))), "ticktext": ticks, "range": [len(rows) - 0.5, -0.5]},
    )
    return fig


def _draw_verdicts(fig: go.Figure, verdicts: Sequence[np.ndarray]) -> None:
    """A tick, a cross or a dash on every cell, as one path: a browser measures hundreds of texts one by one."""
    narrow = min(1.0, max(len(of) for of in verdicts) / WIDE)
    strokes = [
        "M" + " L".join(f"{column + narrow * dx:g},{row + dy:g}" for dx, dy in stroke)
        for row, of in enumerate(verdicts)
        for column, verdict in enumerate(of.tolist(), start=1)
        for stroke in _STROKES.get(verdict, _STROKES[None])
    ]
    fig.add_shape(type="path", path=" ".join(strokes), line={"color": INK, "width": 1.5})


def _tally(groups: TrainingGroups, of: np.ndarray) -> str:
    """Correct solutions of all verified ones."""
    verdicts = groups.correct[of]
    return f"{int((verdicts == 1).sum())}/{int(np.isfinite(verdicts).sum())}"


def _hover(groups: TrainingGroups, row: int) -> str:
    lines = [("reward", groups.reward[row]), ("advantage A", groups.advantage[row])]
    if np.isfinite(groups.score).any():
        lines += [
            ("score", groups.score[row]),
            ("advantage from the reward", groups.reward_advantage[row]),
            ("advantage from the score", groups.score_advantage[row]),
            ("class weight", groups.class_weight[row]),
        ]
    return "<br>".join(f"{name} {value:.3f}" if np.isfinite(value) else f"{name}: none" for name, value in lines)


def _limits(cells: np.ndarray, middle: float | None) -> tuple[float, float]:
    """Ends of the colours: as far on either side of a middle, or from 0 up."""
    known = cells[np.isfinite(cells)]
    if not len(known):
        return 0.0, 1.0
    if middle is None:
        return 0.0, float(known.max()) or 1.0
    reach = max(float(np.abs(known - middle).max()), 0.5 if middle else 0.0) or 1.0
    return middle - reach, middle + reach


def _scale(middle: float | None) -> Scale:
    return ENTROPY_SCALE if middle is None else SCORE_SCALE


def step_metrics_figure(metrics: Sequence[StepMetric], *, marked: int | None = None) -> Drawn:
    """What was measured at each training step, one panel a quantity.

    Parameters
    ----------
    metrics : sequence of StepMetric
        From top to bottom.
    marked : int, optional
        The step to mark in every panel.
    """
    if not metrics:
        return empty("Nothing was measured by step.")
    fig = Drawn()
    titles = [plain(metric.name, 80) for metric in metrics]
    make_subplots(figure=fig, rows=len(metrics), cols=1, shared_xaxes=True, subplot_titles=titles)
    style = Style("step", LASER, "solid", "circle")
    for row, metric in enumerate(metrics, start=1):
        fig.observe(metric=metric.name, step=metric.step, value=metric.value)
        shown = thin(len(metric.step), MAX_POINTS)
        few = len(shown) <= 60
        hover = "step %{x}: %{y:.4g}<extra></extra>"
        add_line(fig, metric.step[shown], metric.value[shown], style, markers=True, hovertemplate=hover)
        fig.data[-1].update(showlegend=False, xaxis=f"x{row}", yaxis=f"y{row}", marker={"size": 8 if few else 5})
        if marked is not None:
            fig.add_vline(x=marked, row=row, col=1, line={"color": RULE, "width": 1.5, "dash": "dot"})
    frame(fig, x="", y="", height=50 + 150 * len(metrics), hovermode="closest", legend=False)
    fig.update_annotations(x=0, xanchor="left", font={"size": 13})
    fig.update_layout(margin={"t": 28})
    fig.update_xaxes(title_text="training step", row=len(metrics), col=1)
    if max(int(metric.step.max()) - int(metric.step.min()) for metric in metrics) <= 10:
        fig.update_xaxes(dtick=1)  # there is no step 0.5
    return fig
