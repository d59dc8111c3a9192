"""Figures about what the score goes with: length, training steps, and the confidence signals that cost nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from laser_core.figures import theme
from laser_core.figures.theme import LASER, OUTCOMES, RULE, Style, add_band, add_line, add_rule, empty, fade, frame

if TYPE_CHECKING:
    from laser_core.analysis import LengthRelation, SignalTable, StepScores

GL_ABOVE = 3000  # points that are drawn one by one; a browser needs its graphics card for more
_JITTER = 0.35  # tokens, to either side: lengths are whole numbers, and points of one length would hide each other
MAX_FRAMES = 60  # of an animation: a minute at most

#: What :func:`signals_figure` can draw: its axis, and the value that an uninformed signal would have.
SIGNAL_METRICS = {
    "within_problem_auroc": ("AUROC within a problem", 0.5),
    "auroc": ("AUROC, all solutions", 0.5),
    "average_precision": ("average precision", None),
    "balanced_f1": ("balanced F1, threshold from other problems", None),
    "weighted": ("accuracy of the weighted vote", None),
    "best_of_n": ("accuracy of best-of-N", None),
    "within_difference": ("AUROC within a problem, minus the score's", 0.0),
    "auroc_difference": ("AUROC, minus the score's", 0.0),
    "weighted_difference": ("weighted vote, minus the score's", 0.0),
}


def score_length_figure(
    relation: LengthRelation, *, signal: str = "last-token score", x: str = "length, tokens"
) -> go.Figure:
    """Score against number of tokens by verdict: the solutions, and their mean score by length with its 95% interval.

    Parameters
    ----------
    relation : from :func:`laser_core.analysis.length_relation`, which draws a sample where there are many solutions;
        the legend then says how many of how many are shown. The means always use all.
    signal : what the vertical axis measures.
    x : what the horizontal axis measures, where another quantity is in the length's place.
    """
    if not relation.n_points:
        return empty(f"No solution has both a {signal} and a {x.split(',')[0]}.")
    near = "%{x:.0f} tokens" if x.endswith("tokens") else "%{x:.3g}"
    kind = go.Scattergl if relation.n_points > GL_ABOVE else go.Scatter
    fig = go.Figure()
    for outcome, verdict, bins in ((True, 1, relation.bins_correct), (False, 0, relation.bins_incorrect)):
        rows, style = relation.correct == verdict, OUTCOMES[outcome]
        if not rows.any():
            continue
        shown = f"{int(rows.sum()):,}" + (" sampled" if relation.n_points < relation.n_total else "")
        fig.add_trace(
            kind(
                x=relation.length[rows] + _JITTER * np.sin(np.arange(rows.sum()) * 12.9898),
                customdata=relation.length[rows],
                y=relation.score[rows],
                mode="markers",
                marker={"color": fade(style.color, 0.4), "size": 5, "symbol": style.symbol},
                name=f"{style.name} ({shown})",
                legendgroup=style.name,
                hovertemplate=f"{style.name}: {near}, %{{y:.3f}}<extra></extra>",
            )
        )
        mean = Style(f"mean, {style.name}", style.color, style.dash, style.symbol)
        add_band(fig, bins.length, bins.score_low, bins.score_high, mean)
        add_line(
            fig,
            bins.length,
            bins.score,
            mean,
            customdata=np.stack([bins.score_low, bins.score_high, bins.count], axis=1),
            hovertemplate=(
                f"{style.name}, about {near}: mean %{{y:.3f}}<br>95% interval %{{customdata[0]:.3f}} to "
                "%{customdata[1]:.3f}, n = %{customdata[2]:,}<extra></extra>"
            ),
        )
    return frame(fig, x=x, y=signal, hovermode="closest", height=420)


def score_by_step_figure(steps: StepScores, *, signal: str = "last-token score") -> go.Figure:
    """Median and middle half of the scores by verdict at each training step; below, the AUROCs with 95% bands.

    Parameters
    ----------
    steps : from :func:`laser_core.analysis.score_by_step`.
    signal : what the upper vertical axis measures.
    """
    fig = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08, row_heights=[0.55, 0.45])
    level = [steps.quantile_levels.index(q) for q in (0.25, 0.5, 0.75)]
    for outcome, quantiles, n in (
        (True, steps.correct_quantiles, steps.n_correct),
        (False, steps.incorrect_quantiles, steps.n_incorrect),
    ):
        style = OUTCOMES[outcome]
        low, middle, high = (quantiles[:, i] for i in level)
        add_band(fig, steps.step, low, high, style, row=1, col=1)
        fig.data[-1].update(name=f"{style.name}, middle half")
        add_line(
            fig,
            steps.step,
            middle,
            style,
            markers=len(steps.step) <= 20,
            customdata=np.stack([low, high, n], axis=1),
            hovertemplate="median %{y:.3f} (%{customdata[0]:.3f} to %{customdata[1]:.3f}), n = %{customdata[2]:,}",
        )
    within = Style("AUROC within a problem", LASER, "solid", "circle")
    overall = Style("AUROC, all solutions", theme.UNKNOWN, "dash", "square")
    for style, estimates in ((overall, steps.auroc), (within, steps.within_problem_auroc)):
        value, low, high = (np.array([getattr(e, end) for e in estimates]) for end in ("value", "ci_low", "ci_high"))
        add_band(fig, steps.step, low, high, style, row=2, col=1)
        add_line(
            fig,
            steps.step,
            value,
            style,
            markers=len(steps.step) <= 20,
            customdata=np.stack([low, high, [e.n for e in estimates]], axis=1),
            hovertemplate="%{y:.3f} (%{customdata[0]:.3f} to %{customdata[1]:.3f}), n = %{customdata[2]:,} problems",
        )
        fig.data[-1].update(xaxis="x2", yaxis="y2")
    fig.add_hline(y=0.5, row=2, col=1, line={"color": RULE, "width": 1, "dash": "dot"})
    frame(fig, x="", y="", height=560)
    fig.update_xaxes(title_text="training step", row=2, col=1)
    fig.update_yaxes(title_text=signal, row=1, col=1)
    fig.update_yaxes(title_text="AUROC", row=2, col=1)
    return fig


def score_animation(steps: StepScores, *, threshold: float | None = 0.5, signal: str = "last-token score") -> go.Figure:
    """Histograms of the scores by verdict, one frame per training step, with a slider and a play button.

    Each kind is shown as shares of its own solutions, so that frames with different numbers can be compared.

    Parameters
    ----------
    steps : from :func:`laser_core.analysis.score_by_step`; at most 60 of its steps are shown, evenly spaced.
    threshold : the decision line; None draws none.
    signal : what the horizontal axis measures.
    """
    shown = theme.thin(len(steps.step), MAX_FRAMES)
    if not len(shown):
        return empty("No solution has a training step.")
    middle, width = (steps.edges[:-1] + steps.edges[1:]) / 2, np.diff(steps.edges)
    sides = [(True, steps.correct), (False, steps.incorrect)]
    shares = [counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) for _, counts in sides]

    def bars(i: int) -> list[go.Bar]:
        out = []
        for (outcome, counts), share in zip(sides, shares, strict=True):
            style = OUTCOMES[outcome]
            out.append(
                go.Bar(
                    x=middle,
                    y=share[i],
                    width=width,
                    name=f"{style.name} (n = {int(counts[i].sum()):,})",
                    marker={
                        "color": fade(style.color, 0.55),
                        "line": {"color": style.color, "width": 1},
                        "pattern": {"shape": "" if outcome else "/", "fgcolor": style.color, "size": 6},
                    },
                    hovertemplate="%{y:.1%} around %{x:.2f}",
                )
            )
        return out

    names = [str(int(steps.step[i])) for i in shown]
    fig = go.Figure(
        data=bars(shown[-1]),  # where playing ends, and what paper shows
        frames=[go.Frame(data=bars(i), name=name) for i, name in zip(shown, names, strict=True)],
    )
    frame(fig, x=signal, y="share of its kind", height=490)
    top = max(float(share[shown].max(initial=0)) for share in shares)
    fig.update_yaxes(range=[0, 1.08 * top], tickformat=".0%")
    fig.update_layout(barmode="overlay", bargap=0)
    if threshold is not None:
        add_rule(fig, x=threshold, label=f"judged correct above {threshold:.2g}")
        theme.above_plot(fig)
    go_to = {"mode": "immediate", "frame": {"duration": 400, "redraw": True}, "transition": {"duration": 0}}
    fig.update_layout(
        sliders=[
            {
                "active": len(names) - 1,
                "currentvalue": {"prefix": "training step "},
                "pad": {"t": 76, "l": 70},  # below the axis title, also in larger type
                "steps": [{"args": [[name], go_to], "label": name, "method": "animate"} for name in names],
            }
        ],
        updatemenus=[
            {
                "type": "buttons",
                "showactive": False,
                "x": 0,
                "y": 0,
                "xanchor": "left",
                "yanchor": "top",
                "pad": {"t": 90},
                "buttons": [{"label": "▶", "method": "animate", "args": [None, go_to | {"fromcurrent": True}]}],
            }
        ],
    )
    return fig


def signals_figure(table: SignalTable, *, metric: str = "within_problem_auroc") -> go.Figure:
    """The score beside the signals that cost nothing: per signal one marker with its 95% interval over problems.

    Parameters
    ----------
    table : from :func:`laser_core.analysis.compare_signals`.
    metric : one of :data:`SIGNAL_METRICS`.
    """
    axis, reference = SIGNAL_METRICS[metric]
    rows = [row for row in table.rows if np.isfinite(getattr(row, metric).value)]
    if not rows:
        return empty("No signal has this number here.")
    styles = {True: Style("last-token score", LASER, "solid", "circle"), False: Style("free", RULE, "dash", "diamond")}
    fig = go.Figure()
    for is_score, style in styles.items():
        picked = [(i, row) for i, row in enumerate(rows) if (row.signal == "score") == is_score]
        if not picked:
            continue
        estimates = [getattr(row, metric) for _, row in picked]
        value, low, high = (np.array([getattr(e, end) for e in estimates]) for end in ("value", "ci_low", "ci_high"))
        color = style.color if is_score else theme.MAJORITY
        fig.add_trace(
            go.Scatter(
                x=value,
                y=[i for i, _ in picked],
                mode="markers",
                name=style.name,
                marker={"color": color, "symbol": style.symbol, "size": 12},
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": high - value,
                    "arrayminus": value - low,
                    "color": color,
                    "thickness": 2,
                    "width": 0,
                },
                customdata=[
                    [e.ci_low, e.ci_high, e.n, theme.plain(row.description)]
                    for e, (_, row) in zip(estimates, picked, strict=True)
                ],
                hovertemplate=(
                    "%{customdata[3]}<br>%{x:.3f}, 95% interval %{customdata[0]:.3f} to %{customdata[1]:.3f}, "
                    "n = %{customdata[2]:,} problems<extra></extra>"
                ),
            )
        )
    names = ["score" if row.signal == "score" else theme.plain(row.signal.split(".", 1)[-1], 28) for row in rows]
    n = f", N = {table.n}" if metric.startswith(("weighted", "best")) else ""
    frame(fig, x=axis + n, y="", height=110 + 36 * len(rows), hovermode="closest", legend=False)
    fig.update_layout(margin={"t": 30})  # room for the label of the line
    fig.update_yaxes(tickvals=list(range(len(rows))), ticktext=names, range=[len(rows) - 0.5, -0.5], showgrid=False)
    if metric == "weighted" and np.isfinite(table.majority.value):
        add_rule(fig, x=table.majority.value, label="majority", yanchor="bottom")
    elif reference is not None:
        add_rule(fig, x=reference, label="chance" if reference else "no difference", yanchor="bottom")
    return fig
