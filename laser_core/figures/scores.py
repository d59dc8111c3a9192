"""Figures about the scores of single solutions: their distribution, thresholds, calibration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from laser_core.figures import theme
from laser_core.figures.drawn import Drawn
from laser_core.figures.theme import (
    LASER,
    OUTCOMES,
    RULE,
    Style,
    above_plot,
    add_band,
    add_line,
    add_rule,
    fade,
    frame,
    thin,
)

if TYPE_CHECKING:
    from laser_core.analysis import Calibration, ScoreDistribution, Sweep


def score_histogram(
    distribution: ScoreDistribution, *, threshold: float | None = 0.5, signal: str = "last-token score"
) -> Drawn:
    """Histogram of the scores of correct (blue) and incorrect (vermilion, hatched) solutions on the same bins.

    Parameters
    ----------
    distribution : ScoreDistribution
        Counts per bin, from :func:`laser_core.analysis.score_distribution`.
    threshold : float, optional
        Where to draw the decision line; None for a signal without a natural threshold.
    signal : str
        The quantity on the horizontal axis, with its unit if it has one.
    """
    edges = np.asarray(distribution.edges, dtype=float)
    fig = Drawn()
    for outcome, counts in ((True, distribution.correct), (False, distribution.incorrect)):
        style = OUTCOMES[outcome]
        fig.observe(verdict=style.name, bin_low=edges[:-1], bin_high=edges[1:], count=counts)
        fig.add_trace(
            go.Bar(
                x=(edges[:-1] + edges[1:]) / 2,
                y=counts,
                width=np.diff(edges),
                customdata=np.stack([edges[:-1], edges[1:]], axis=1),
                name=f"{style.name} (n = {int(np.sum(counts)):,})",
                marker=theme.bar_marker(outcome),
                hovertemplate="%{y} solutions between %{customdata[0]:.2f} and %{customdata[1]:.2f}",
            )
        )
    fig.update_layout(barmode="overlay", bargap=0)
    frame(fig, x=signal, y="solutions per bin", hovermode="x unified")
    tallest = max(int(np.max(distribution.correct, initial=0)), int(np.max(distribution.incorrect, initial=0)), 1)
    fig.update_yaxes(range=[0, 1.06 * tallest])
    if threshold is not None:
        add_rule(fig, x=threshold, label=f"predicted correct above {threshold:.2g}")
        above_plot(fig)
    return fig


def threshold_figure(sweep: Sweep, *, threshold: float | None = 0.5, signal: str = "last-token score") -> Drawn:
    """TPR, TNR and their harmonic mean, the balanced F1, at every threshold, with the 95% band of the balanced F1.

    Parameters
    ----------
    sweep : Sweep
        From :func:`laser_core.analysis.threshold_sweep`.
    threshold : float, optional
        The threshold in use, drawn as a line; None leaves it to :func:`mark_threshold`.
    signal : str
        The quantity that the threshold applies to, for the axis title.

    Notes
    -----
    At most 400 of the distinct thresholds are drawn, both ends included; a screen cannot resolve more.
    """
    shown = thin(len(sweep.threshold))
    x = np.asarray(sweep.threshold, dtype=float)[shown]
    balanced = Style("balanced F1", LASER, "solid", "circle")
    fig = Drawn()
    add_band(fig, x, np.asarray(sweep.balanced_f1_low)[shown], np.asarray(sweep.balanced_f1_high)[shown], balanced)
    accepted = Style("TPR: correct, predicted correct", theme.CORRECT, "dash", "circle")
    rejected = Style("TNR: incorrect, predicted incorrect", theme.INCORRECT, "dot", "x")
    _observe_sweep(fig, sweep)
    for style, values in ((accepted, sweep.tpr), (rejected, sweep.tnr), (balanced, sweep.balanced_f1)):
        add_line(
            fig,
            x,
            np.asarray(values, dtype=float)[shown],
            style,
            markers=False,
            hovertemplate="%{y:.3f}",
        )
    if sweep.best_index >= 0:
        fig.add_trace(
            go.Scatter(
                x=[sweep.best],
                y=[sweep.balanced_f1[sweep.best_index]],
                mode="markers",
                cliponaxis=False,
                marker={"symbol": "star", "size": 14, "color": LASER, "line": {"color": "white", "width": 1}},
                name=f"best on this data: {sweep.best:.2f}",
                hovertemplate="best balanced F1 %{y:.3f} at %{x:.3f}<extra></extra>",
            )
        )
    frame(fig, x=f"threshold on the {signal}", y="share of solutions, or balanced F1")
    fig.update_yaxes(range=[0, 1.04])
    return fig if threshold is None else mark_threshold(fig, threshold)


def _observe_sweep(fig: Drawn, sweep: Sweep) -> None:
    """Every threshold of the sweep, also those that the curves skip."""
    n = {"n_solutions": sweep.n_scored, "n_problems": sweep.n_problems}
    for metric, values in (("TPR", sweep.tpr), ("TNR", sweep.tnr)):
        fig.observe(metric=metric, threshold=sweep.threshold, value=values, **n)
    low, high = sweep.balanced_f1_low, sweep.balanced_f1_high
    fig.observe(metric="balanced F1", threshold=sweep.threshold, value=sweep.balanced_f1, ci_low=low, ci_high=high, **n)
    if sweep.best_index >= 0:
        value = sweep.balanced_f1[sweep.best_index]
        fig.observe(metric="balanced F1 at the best threshold", threshold=sweep.best, value=value, **n)


def mark_threshold(fig: Drawn, threshold: float) -> Drawn:
    """A copy of :func:`threshold_figure`'s figure in which a line marks the threshold in use.

    The curves do not depend on it, and copying them takes less than half the time of drawing them again.

    Examples
    --------
    >>> from laser_core.analysis import Samples, threshold_sweep
    >>> curves = threshold_figure(threshold_sweep(Samples.from_arrays(correct=[[1, 0]], score=[[0.9, 0.2]])))
    >>> [len(mark_threshold(curves, x).layout.shapes) - len(curves.layout.shapes) for x in (0.3, 0.7)]
    [1, 1]
    """
    fig = Drawn(fig)
    ends = [edge for trace in fig.data for edge in (np.min(trace.x), np.max(trace.x))]
    side = _inward(threshold, min(ends), max(ends))
    add_rule(fig, x=threshold, label=f"in use: {threshold:.2f}", yanchor="bottom")
    fig.layout.annotations[-1].update(yref="paper", y=0, xanchor=side, xshift=4 if side == "left" else -4)
    return fig


def reliability_figure(calibration: Calibration, *, recalibrated: Calibration | None = None) -> Drawn:
    """Accuracy in each bin of the clipped score, with 95% intervals, and how many solutions are in each bin.

    Scores crowd near 0 and 1, so bins with few solutions are small and the counts have a panel of their own. No line
    joins the bins: there is nothing between them.

    Parameters
    ----------
    calibration : Calibration
        From :func:`laser_core.analysis.calibration`.
    recalibrated : Calibration, optional
        The same after :func:`laser_core.analysis.recalibrate`, drawn beside it.
    """
    fig = Drawn()
    make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.05, row_heights=[0.76, 0.24], figure=fig)
    diagonal = {"color": RULE, "dash": "dot", "width": 1.5}
    fig.add_trace(
        go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line=diagonal, name="a calibrated probability", hoverinfo="skip"),
        row=1,
        col=1,
    )
    before = "this run, 95% interval" if recalibrated is None else "the score, 95% interval"
    _reliability(fig, calibration, Style(before, LASER, "solid", "circle"))
    if recalibrated is not None:
        _reliability(fig, recalibrated, Style("recalibrated on held-out problems", theme.WEIGHTED, "dash", "diamond"))
    frame(fig, x="", y="", hovermode="closest", height=460)
    fig.update_xaxes(range=[-0.03, 1.03])
    fig.update_xaxes(title_text="mean clipped score in the bin", row=2, col=1)
    fig.update_yaxes(title_text="accuracy in the bin", range=[-0.05, 1.05], row=1, col=1)
    counts = np.concatenate([np.asarray(c.count, float) for c in (calibration, recalibrated) if c is not None])
    decades = int(np.ceil(np.log10(max(counts.max(initial=1), 10))))
    ticks = {"tickvals": [10**k for k in range(decades + 1)], "ticktext": [f"{10**k:,}" for k in range(decades + 1)]}
    fig.update_yaxes(title_text="solutions", type="log", range=[-0.3, decades + 0.1], row=2, col=1, **ticks)
    return fig


def _reliability(fig: Drawn, calibration: Calibration, style: Style) -> None:
    known = np.asarray(calibration.count) > 0
    mean_score = np.asarray(calibration.mean_score, dtype=float)[known]
    accuracy = np.asarray(calibration.accuracy, dtype=float)[known]
    low = np.asarray(calibration.ci_low, dtype=float)[known]
    high = np.asarray(calibration.ci_high, dtype=float)[known]
    count = np.asarray(calibration.count)[known]
    fig.observe(
        series=style.name.removesuffix(", 95% interval"),
        bin=np.flatnonzero(known) + 1,
        mean_score=mean_score,
        accuracy=accuracy,
        ci_low=low,
        ci_high=high,
        n_solutions=count,
    )
    fig.add_trace(
        go.Scatter(
            x=mean_score,
            y=accuracy,
            mode="markers",
            error_y=theme.interval_bars(accuracy, low, high, fade(style.color, 0.6), thickness=1.5, width=3),
            marker={"color": style.color, "size": 9, "symbol": style.symbol},
            customdata=np.stack([count, low, high], axis=1) if len(count) else None,
            hovertemplate=(
                "mean score %{x:.2f}: %{y:.3f} correct<br>95% CI [%{customdata[1]:.3f}, %{customdata[2]:.3f}], "
                "n = %{customdata[0]:,}<extra></extra>"
            ),
            name=style.name,
            legendgroup=style.name,
        ),
        row=1,
        col=1,
    )
    fig.add_trace(
        go.Bar(
            x=mean_score,
            y=count,
            width=0.01,
            offset=-0.01 if style.dash == "solid" else 0.0,
            marker={"color": style.color},
            hovertemplate="%{y:,} solutions with mean score %{x:.2f}<extra></extra>",
            name=f"{style.name}, solutions",
            legendgroup=style.name,
            showlegend=False,
        ),
        row=2,
        col=1,
    )


def solution_points_figure(
    scores: Mapping[bool, np.ndarray], *, threshold: float | None = 0.5, signal: str = "last-token score"
) -> Drawn:
    """Every solution of a problem as one point by its score; a density of so few would show its smoothing.

    Parameters
    ----------
    scores : mapping of bool to ndarray
        The scores of the correct (True) and of the incorrect (False) solutions; equal ones are stacked.
    threshold : float, optional
        Where to draw the decision line.
    signal : str
        The quantity on the horizontal axis.
    """
    fig = Drawn()
    known = {outcome: np.sort(values[np.isfinite(values)]) for outcome, values in scores.items()}
    every = np.concatenate([*known.values(), [0.0, 1.0] if threshold is not None else []])
    if not any(len(values) for values in known.values()):
        return theme.empty("No solution of this problem has a score and a verdict.")
    near = max(float(np.ptp(every)), 1e-9) / 60  # closer points are stacked
    tallest = 0
    for place, outcome in enumerate((True, False)):
        values, style = known.get(outcome, np.zeros(0)), OUTCOMES[outcome]
        if not len(values):
            continue
        heights = _stack(values, near)
        tallest = max(tallest, int(heights.max()))
        fig.observe(verdict=style.name, score=values)
        fig.add_trace(
            go.Scatter(
                x=values,
                y=heights * (1 if place == 0 else -1),
                mode="markers",
                name=f"{style.name} (n = {len(values):,})",
                marker={"color": style.color, "symbol": style.symbol, "size": 9},
                hovertemplate=f"{style.name}: %{{x:.3f}}<extra></extra>",
            )
        )
    frame(fig, x=signal, y="solutions of this score", hovermode="closest")
    ticks = [tick for tick in range(-tallest, tallest + 1) if tick % max(1, tallest // 4) == 0]
    fig.update_yaxes(range=[-tallest - 1, tallest + 1], tickvals=ticks, ticktext=[str(abs(tick)) for tick in ticks])
    if threshold is not None:
        add_rule(fig, x=threshold, label=f"predicted correct above {threshold:.2g}")
        above_plot(fig)
    return fig


def _stack(values: np.ndarray, near: float) -> np.ndarray:
    """Heights, from 1, of sorted values that are stacked where neighbours are closer than ``near``.

    >>> _stack(np.array([0.0, 0.01, 0.5]), 0.1).tolist()
    [1, 2, 1]
    """
    heights = np.ones(len(values), int)
    for i in range(1, len(values)):
        if values[i] - values[i - heights[i - 1]] < near:
            heights[i] = heights[i - 1] + 1
    return heights


def _inward(x: float, low: float, high: float) -> str:
    """The anchor that keeps the label of a vertical line inside the plot."""
    return "right" if x > (low + high) / 2 else "left"
