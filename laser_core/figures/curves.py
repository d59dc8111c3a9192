"""Figures about separation: ROC and precision-recall curves, cumulative shares, violins, the confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np
import plotly.graph_objects as go

from laser_core.figures.drawn import Drawn, estimated
from laser_core.figures.theme import (
    INK,
    LASER,
    OUTCOMES,
    RULE,
    Style,
    add_band,
    add_line,
    add_rule,
    empty,
    fade,
    frame,
    interval_bars,
    plain,
    thin,
)

if TYPE_CHECKING:
    from laser_core.analysis import Confusion, Estimate, RocPr, ScoreShape, Side

NO_CURVE = "Needs correct and incorrect solutions with a score."
NO_LABELS = "No solution with a score has been verified."
CURVE = Style("this run, 95% band", LASER, "solid", "circle")


def roc_pr_figure(curves: RocPr, which: Literal["roc", "pr"] = "roc", *, threshold: float | None = None) -> Drawn:
    """The ROC or the precision-recall curve with its 95% band over problems, and the line of chance.

    Parameters
    ----------
    curves : RocPr
        From :func:`laser_core.analysis.roc_pr`.
    which : {"roc", "pr"}
        The curve to draw.
    threshold : float, optional
        Marks this threshold's point on the curve.
    """
    if not len(curves.threshold):
        return empty(NO_CURVE)
    roc = which == "roc"
    fig = Drawn()
    _observe_curve(fig, curves, roc)
    low, high = (curves.tpr_low, curves.tpr_high) if roc else (curves.precision_low, curves.precision_high)
    add_band(fig, curves.grid, low, high, CURVE)
    x, y = (curves.fpr, curves.tpr) if roc else (curves.tpr, curves.precision)
    shown = thin(len(x))
    names = ("FPR", "TPR") if roc else ("recall", "precision")
    add_line(
        fig,
        x[shown],
        y[shown],
        CURVE,
        markers=False,
        customdata=curves.threshold[shown],
        hovertemplate=f"{names[0]} %{{x:.3f}}, {names[1]} %{{y:.3f}}<br>threshold %{{customdata:.3f}}<extra></extra>",
    )
    if threshold is not None:
        # Scores above the threshold are accepted: the largest listed threshold that is not above it is equivalent.
        at = max(int(np.searchsorted(curves.threshold, threshold, side="right")) - 1, 0)
        fig.add_trace(
            go.Scatter(
                x=[x[at]],
                y=[y[at]],
                mode="markers",
                cliponaxis=False,
                marker={"symbol": "star", "size": 14, "color": LASER, "line": {"color": "white", "width": 1}},
                name=f"at threshold {threshold:.2g}",
                hovertemplate=f"{names[0]} %{{x:.3f}}, {names[1]} %{{y:.3f}}<extra>threshold {threshold:.3g}</extra>",
            )
        )
    chance = {"color": RULE, "dash": "dot", "width": 1.5}
    ends = ([0, 1], [0, 1]) if roc else ([0, 1], [curves.share_correct] * 2)
    fig.add_trace(go.Scatter(x=ends[0], y=ends[1], mode="lines", line=chance, name="chance", hoverinfo="skip"))
    titles = (
        ("FPR: incorrect, predicted correct", "TPR: correct, predicted correct")
        if roc
        else ("recall: correct, predicted correct", "precision: predicted correct, correct")
    )
    frame(fig, x=titles[0], y=titles[1], hovermode="closest")
    fig.update_xaxes(range=[-0.04, 1.04])
    fig.update_yaxes(range=[-0.04, 1.06])
    return fig


def _observe_curve(fig: Drawn, curves: RocPr, roc: bool) -> None:
    """The curve at every threshold, and its band, which is given at other places."""
    n = {"n_problems": curves.n_problems, "n_correct": curves.n_correct, "n_incorrect": curves.n_incorrect}
    if roc:
        fig.observe(series="ROC", threshold=curves.threshold, fpr=curves.fpr, tpr=curves.tpr, **n)
        fig.observe(series="95% band of the TPR", fpr=curves.grid, ci_low=curves.tpr_low, ci_high=curves.tpr_high, **n)
    else:
        precision, low, high = curves.precision, curves.precision_low, curves.precision_high
        fig.observe(series="PR", threshold=curves.threshold, recall=curves.tpr, precision=precision, **n)
        fig.observe(series="95% band of the precision", recall=curves.grid, ci_low=low, ci_high=high, **n)


def ecdf_figure(shape: ScoreShape, *, threshold: float | None = 0.5, signal: str = "last-token score") -> Drawn:
    """Share of correct and of incorrect solutions that score at most x, with 95% bands; no bins to choose.

    Parameters
    ----------
    shape : ScoreShape
        From :func:`laser_core.analysis.score_shape`.
    threshold : float, optional
        Where to draw the decision line.
    signal : str
        The quantity on the horizontal axis.
    """
    sides = [(OUTCOMES[True], shape.correct), (OUTCOMES[False], shape.incorrect)]
    sides = [(style, side) for style, side in sides if side.n]
    if not sides:
        return empty(NO_LABELS)
    fig = Drawn()
    for style, side in sides:
        fig.observe(
            verdict=style.name,
            score=shape.x,
            share_at_or_below=side.ecdf,
            ci_low=side.ecdf_low,
            ci_high=side.ecdf_high,
            n_solutions=side.n,
            n_problems=side.n_problems,
        )
        add_band(fig, shape.x, side.ecdf_low, side.ecdf_high, style)
    for style, side in sides:
        named = Style(f"{style.name} (n = {side.n:,})", style.color, style.dash, style.symbol)
        add_line(
            fig,
            shape.x,
            side.ecdf,
            named,
            markers=False,
            customdata=np.stack([side.ecdf_low, side.ecdf_high], axis=1),
            hovertemplate="%{y:.3f} [%{customdata[0]:.3f}, %{customdata[1]:.3f}]",
        )
    frame(fig, x=signal, y="share of solutions at or below")
    fig.update_yaxes(range=[0, 1.04])
    if threshold is not None:
        add_rule(fig, x=threshold, label=f"threshold {threshold:.2g}", yanchor="bottom")
        fig.layout.annotations[-1].update(yref="paper", y=0)
    return fig


def violin_figure(
    shapes: Mapping[str, ScoreShape], *, threshold: float | None = 0.5, signal: str = "last-token score"
) -> Drawn:
    """One violin per run: the density of incorrect scores on the left, of correct ones on the right, with quartiles.

    Parameters
    ----------
    shapes : mapping of str to ScoreShape
        The shape of each run, from :func:`laser_core.analysis.score_shape`.
    threshold : float, optional
        Where to draw the decision line.
    signal : str
        The quantity on the vertical axis.
    """
    fig = Drawn()
    known = {name: shape for name, shape in shapes.items() if shape.correct.n or shape.incorrect.n}
    if not known:
        return empty(NO_LABELS)
    for place, (run, shape) in enumerate(known.items()):
        for outcome, side, sign in ((False, shape.incorrect, -1), (True, shape.correct, 1)):
            if side.n:
                of: dict[str, str | int] = {"run": run, "verdict": OUTCOMES[outcome].name, "n_solutions": side.n}
                fig.observe(**of, score=shape.x, density=side.density)
                fig.observe(**of, score=side.quantiles, quantile=list(shape.quantile_levels))
                _half(fig, place, shape, side, OUTCOMES[outcome], sign)
    frame(fig, x="", y=signal, hovermode="closest", height=420)
    names = [plain(name, 30) for name in known]
    fig.update_xaxes(tickvals=list(range(len(known))), ticktext=names, range=[-0.6, len(known) - 0.4], showgrid=False)
    if threshold is not None:
        add_rule(fig, y=threshold, label=f"threshold {threshold:.2g}")
    return fig


def _half(fig: go.Figure, place: int, shape: ScoreShape, side: Side, style: Style, sign: int) -> None:
    """One side of a violin, scaled to its own peak: beside a sharp peak a broad side would be a mere line."""
    width = 0.42 * side.density / np.nanmax(side.density)
    edge = {"color": style.color, "width": 2, "dash": style.dash}
    fig.add_trace(
        go.Scatter(
            x=np.concatenate([place + sign * width, np.full(2, place), [place + sign * width[0]]]),
            y=np.concatenate([shape.x, [shape.x[-1], shape.x[0]], [shape.x[0]]]),
            mode="lines",
            fill="toself",
            fillcolor=fade(style.color, 0.3),
            line=edge,
            name=style.name,
            legendgroup=style.name,
            showlegend=place == 0,
            hoverinfo="skip",
        )
    )
    low, median, high = (float(side.quantiles[shape.quantile_levels.index(level)]) for level in (0.25, 0.5, 0.75))
    at = place + sign * 0.06
    text = f"{style.name}: median %{{y:.3f}}, middle half [{low:.3f}, {high:.3f}], n = {side.n:,}<extra></extra>"
    fig.add_trace(
        go.Scatter(
            x=[at],
            y=[median],
            mode="markers",
            marker={"symbol": style.symbol, "size": 9, "color": style.color},
            error_y=interval_bars(np.array([median]), np.array([low]), np.array([high]), style.color, thickness=3),
            legendgroup=style.name,
            showlegend=False,
            name=f"{style.name}, median and middle half",
            hovertemplate=text,
        )
    )


def confusion_figure(cells: Confusion) -> Drawn:
    """Predicted against verified at one threshold: counts, and rates with their 95% intervals.

    Parameters
    ----------
    cells : Confusion
        From :func:`laser_core.analysis.confusion`.
    """
    rows: dict[str, list[tuple[int, Estimate, str]]] = {
        "correct": [(cells.tp, cells.tpr, "TPR"), (cells.fn, cells.fnr, "FNR")],
        "incorrect": [(cells.fp, cells.fpr, "FPR"), (cells.tn, cells.tnr, "TNR")],
    }
    if not any(count for row in rows.values() for count, _, _ in row):
        return empty(NO_LABELS)
    text = [
        [
            f"<b>{count:,}</b><br>{name} {estimate.value:.3f}<br>[{estimate.ci_low:.3f}, {estimate.ci_high:.3f}]"
            if np.isfinite(estimate.value)
            else f"<b>{count:,}</b>"
            for count, estimate, name in row
        ]
        for row in rows.values()
    ]
    # Right predictions in the colour of correct, wrong ones in that of incorrect, deeper with the rate.
    share = np.array([[estimate.value for _, estimate, _ in row] for row in rows.values()], float)
    signed = np.nan_to_num(share) * np.array([[1, -1], [-1, 1]])
    fig = Drawn(
        go.Heatmap(
            z=signed,
            x=[f"predicted correct<br>(above {cells.threshold:.3g})", "predicted incorrect"],
            y=[f"{name}<br>({sum(count for count, _, _ in row):,})" for name, row in rows.items()],
            text=text,
            texttemplate="%{text}",
            textfont={"color": INK, "size": 14},
            colorscale=[[0, "#E0752D"], [0.5, "#F4F1EC"], [1, "#3D94CC"]],
            zmin=-1,
            zmax=1,
            showscale=False,
            hoverinfo="skip",
            xgap=3,
            ygap=3,
        )
    )
    for verdict, row in rows.items():
        for predicted, (count, estimate, name) in zip(("correct", "incorrect"), row, strict=True):
            fig.observe(verdict=verdict, predicted=predicted, count=count, rate=name, **estimated([estimate]))
    frame(fig, x="", y="verified", height=300, hovermode=False, legend=False)
    fig.update_yaxes(autorange="reversed", showgrid=False)
    fig.update_xaxes(showgrid=False, side="top")
    return fig
