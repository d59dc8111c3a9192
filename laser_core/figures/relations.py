"""Figures that set the score beside something else: length, training steps, and the free confidence signals."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from laser_core.figures import theme
from laser_core.figures.drawn import Drawn, estimated
from laser_core.figures.labels import signal_title
from laser_core.figures.theme import LASER, OUTCOMES, RULE, Style, add_band, add_line, add_rule, empty, fade, frame

if TYPE_CHECKING:
    from laser_core.analysis import LengthBins, LengthRelation, SignalTable, StepScores

GL_ABOVE = 3000  # points that are drawn one by one; a browser needs its graphics card for more
_JITTER = 0.35  # to either side of a whole number, so that points of one length do not overlap
JITTER_NOTE = "Points are moved sideways by up to 0.35, so that solutions of one whole number do not cover each other."
MAX_FRAMES = 60  # of an animation: a minute at most
FEW_FRAMES = 3  # that are shown at once instead


class SignalMetric(Enum):
    """A number that :func:`signals_figure` can draw.

    Attributes
    ----------
    field : str
        Its field in :class:`laser_core.analysis.SignalRow`.
    title : str
        The axis title.
    reference : float, optional
        The value of an uninformative signal.
    of_votes : bool
        Whether it is about votes of N solutions.
    """

    WITHIN_AUROC = ("within_problem_auroc", "AUROC within a problem", 0.5, False)
    AUROC = ("auroc", "AUROC, all solutions", 0.5, False)
    AVERAGE_PRECISION = ("average_precision", "average precision", None, False)
    BALANCED_F1 = ("balanced_f1", "balanced F1, threshold from held-out problems", None, False)
    WEIGHTED = ("weighted", "accuracy of the weighted vote", None, True)
    BEST_OF_N = ("best_of_n", "accuracy of best-of-N", None, True)
    WITHIN_DIFFERENCE = ("within_difference", "AUROC within a problem, minus the score's", 0.0, False)
    AUROC_DIFFERENCE = ("auroc_difference", "AUROC, minus the score's", 0.0, False)
    WEIGHTED_DIFFERENCE = ("weighted_difference", "weighted vote, minus the score's", 0.0, True)

    def __init__(self, field: str, title: str, reference: float | None, of_votes: bool) -> None:
        self.field, self.title, self.reference, self.of_votes = field, title, reference, of_votes


def score_length_figure(
    relation: LengthRelation, *, signal: str = "last-token score", x: str = "length, tokens"
) -> Drawn:
    """Score against number of tokens, correct and incorrect: the solutions, and their mean score with 95% intervals.

    Whole numbers are jittered sideways (:data:`JITTER_NOTE` says so in a caption); other values stay where they are.

    Parameters
    ----------
    relation : LengthRelation
        From :func:`laser_core.analysis.length_relation`, which takes a sample where there are many solutions; the
        legend then says so. The means always use all.
    signal : str
        The quantity on the vertical axis.
    x : str
        The quantity on the horizontal axis, if another one is in the length's place.
    """
    if not relation.n_points:
        return empty(f"No solution has both a {signal} and a {x.split(',')[0]}.")
    near = "%{x:.0f} tokens" if x.endswith("tokens") else "%{x:.3g}"
    jitter = _JITTER if relation.whole_lengths else 0.0  # moved, any other value would be one that does not exist
    kind = go.Scattergl if relation.n_points > GL_ABOVE else go.Scatter
    fig = Drawn()
    for outcome, label, bins in ((True, 1, relation.bins_correct), (False, 0, relation.bins_incorrect)):
        rows, style = relation.correct == label, OUTCOMES[outcome]
        if not rows.any():
            continue
        _observe_lengths(fig, relation, rows, bins, style.name, "length" if x.endswith("tokens") else "other_signal")
        shown = f"{int(rows.sum()):,}" + (" sampled" if relation.n_points < relation.n_total else "")
        fig.add_trace(
            kind(
                x=relation.length[rows] + jitter * np.sin(np.arange(rows.sum()) * 12.9898),
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
                f"{style.name}, about {near}: mean %{{y:.3f}}<br>95% CI [%{{customdata[0]:.3f}}, "
                "%{customdata[1]:.3f}], n = %{customdata[2]:,}<extra></extra>"
            ),
        )
    frame(fig, x=x, y=signal, hovermode="closest", height=420)
    return fig


def _observe_lengths(
    fig: Drawn, relation: LengthRelation, rows: np.ndarray, bins: LengthBins, verdict: str, at: str
) -> None:
    """The solutions where they really are, and the mean of each bin; ``at`` names the horizontal axis."""
    lengths, scores = {at: relation.length[rows]}, relation.score[rows]
    fig.observe(observation="solution", verdict=verdict, **lengths, score=scores, row=relation.row[rows])
    fig.observe(
        observation="mean of a bin",
        verdict=verdict,
        **{at: bins.length},
        score=bins.score,
        ci_low=bins.score_low,
        ci_high=bins.score_high,
        n_solutions=bins.count,
    )


def score_by_step_figure(steps: StepScores, *, signal: str = "last-token score") -> Drawn:
    """Median and middle half of correct and incorrect scores at each training step; below, AUROCs with 95% bands.

    Parameters
    ----------
    steps : StepScores
        From :func:`laser_core.analysis.score_by_step`.
    signal : str
        The quantity on the upper vertical axis.
    """
    fig = Drawn()
    make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08, row_heights=[0.55, 0.45], figure=fig)
    level = [steps.quantile_levels.index(q) for q in (0.25, 0.5, 0.75)]
    for outcome, quantiles, n in (
        (True, steps.correct_quantiles, steps.n_correct),
        (False, steps.incorrect_quantiles, steps.n_incorrect),
    ):
        style = OUTCOMES[outcome]
        low, middle, high = (quantiles[:, i] for i in level)
        fig.observe(step=steps.step, verdict=style.name, median=middle, quartile_1=low, quartile_3=high, n_solutions=n)
        add_band(fig, steps.step, low, high, style, row=1, col=1)
        fig.data[-1].update(name=f"{style.name}, middle half")
        add_line(
            fig,
            steps.step,
            middle,
            style,
            markers=len(steps.step) <= 20,
            customdata=np.stack([low, high, n], axis=1),
            hovertemplate="median %{y:.3f} [%{customdata[0]:.3f}, %{customdata[1]:.3f}], n = %{customdata[2]:,}",
        )
    within = Style("AUROC within a problem", LASER, "solid", "circle")
    overall = Style("AUROC, all solutions", theme.UNKNOWN, "dash", "square")
    for style, estimates in ((overall, steps.auroc), (within, steps.within_problem_auroc)):
        value, low, high = (np.array([getattr(e, end) for e in estimates]) for end in ("value", "ci_low", "ci_high"))
        fig.observe(step=steps.step, metric=style.name, **estimated(estimates))
        add_band(fig, steps.step, low, high, style, row=2, col=1)
        add_line(
            fig,
            steps.step,
            value,
            style,
            markers=len(steps.step) <= 20,
            customdata=np.stack([low, high, [e.n for e in estimates]], axis=1),
            hovertemplate="%{y:.3f} [%{customdata[0]:.3f}, %{customdata[1]:.3f}], n = %{customdata[2]:,} problems",
        )
        fig.data[-1].update(xaxis="x2", yaxis="y2")
    fig.add_hline(y=0.5, row=2, col=1, line={"color": RULE, "width": 1, "dash": "dot"})
    frame(fig, x="", y="", height=560)
    fig.update_xaxes(title_text="training step", row=2, col=1)
    fig.update_yaxes(title_text=signal, row=1, col=1)
    fig.update_yaxes(title_text="AUROC", row=2, col=1)
    return fig


def score_animation(steps: StepScores, *, threshold: float | None = 0.5, signal: str = "last-token score") -> Drawn:
    """Histograms of correct and incorrect scores, one frame per training step, with a slider and a play button.

    Bars are shares of each kind, so that steps with different numbers of solutions can be compared. Up to three steps
    are drawn below each other instead: there is nothing to play.

    Parameters
    ----------
    steps : StepScores
        From :func:`laser_core.analysis.score_by_step`; at most 60 of its steps are shown, evenly spaced.
    threshold : float, optional
        Where to draw the decision line.
    signal : str
        The quantity on the horizontal axis.
    """
    shown = theme.thin(len(steps.step), MAX_FRAMES)
    if not len(shown):
        return empty("No solution has a training step.")
    names = [str(int(steps.step[i])) for i in shown]
    if len(shown) <= FEW_FRAMES:
        return _below_each_other(steps, names, threshold, signal)
    fig = Drawn(
        data=_step_bars(steps, shown[-1]),  # where playing ends, and what a print shows
        frames=[go.Frame(data=_step_bars(steps, i), name=name) for i, name in zip(shown, names, strict=True)],
    )
    _observe_steps(fig, steps)
    frame(fig, x=signal, y="share of each kind", height=490)
    top = max(float(bars.y.max(initial=0)) for one in fig.frames for bars in one.data)
    fig.update_yaxes(range=[0, 1.08 * top], tickformat=".0%")
    fig.update_layout(barmode="overlay", bargap=0)
    if threshold is not None:
        add_rule(fig, x=threshold, label=f"predicted correct above {threshold:.2g}")
        theme.above_plot(fig)
    _add_player(fig, names)
    return fig


def _observe_steps(fig: Drawn, steps: StepScores) -> None:
    low, high = steps.edges[:-1], steps.edges[1:]
    for i in range(len(steps.step)):
        for correct, counts in ((True, steps.correct[i]), (False, steps.incorrect[i])):
            share = counts / max(counts.sum(), 1)
            name = OUTCOMES[correct].name
            fig.observe(step=steps.step[i], verdict=name, bin_low=low, bin_high=high, count=counts, share=share)


def _below_each_other(steps: StepScores, names: list[str], threshold: float | None, signal: str) -> Drawn:
    """The histograms of a few steps as panels with common axes, the first step at the top."""
    fig = Drawn()
    sizes = zip(names, steps.n_correct, steps.n_incorrect, strict=True)
    titles = [f"training step {name} (n = {n:,} correct, {m:,} incorrect)" for name, n, m in sizes]
    make_subplots(rows=len(names), cols=1, shared_xaxes=True, vertical_spacing=0.12, subplot_titles=titles, figure=fig)
    top = 0.0
    for row in range(1, len(names) + 1):
        for bars in _step_bars(steps, row - 1):
            top = max(top, float(bars.y.max(initial=0)))
            bars.update(name=bars.name.split(" (")[0], legendgroup=bars.name.split(" (")[0], showlegend=row == 1)
            fig.add_trace(bars, row=row, col=1)
    _observe_steps(fig, steps)
    frame(fig, x="", y="share", height=110 + 190 * len(names))
    fig.update_annotations(x=0, xanchor="left", font={"size": 13})
    fig.update_layout(barmode="overlay", bargap=0, legend={"y": 1.1}, margin={"t": 64})
    fig.update_yaxes(range=[0, 1.08 * top], tickformat=".0%")
    fig.update_xaxes(title_text=signal, row=len(names), col=1)
    if threshold is not None:
        fig.add_vline(x=threshold, line={"color": RULE, "width": 1.5, "dash": "dot"})
    return fig


def _step_bars(steps: StepScores, i: int) -> list[go.Bar]:
    """The histograms of one training step, as shares of each kind."""
    return [
        go.Bar(
            x=(steps.edges[:-1] + steps.edges[1:]) / 2,
            y=counts[i] / max(counts[i].sum(), 1),
            width=np.diff(steps.edges),
            name=f"{OUTCOMES[correct].name} (n = {int(counts[i].sum()):,})",
            marker=theme.bar_marker(correct),
            hovertemplate="%{y:.1%} around %{x:.2f}",
        )
        for correct, counts in ((True, steps.correct), (False, steps.incorrect))
    ]


def _add_player(fig: go.Figure, names: list[str]) -> None:
    """A play button, and a slider over the frames with these names."""
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


def signals_figure(table: SignalTable, metric: SignalMetric = SignalMetric.WITHIN_AUROC) -> Drawn:
    """The score beside every other signal: one marker each, with its 95% interval over problems.

    Parameters
    ----------
    table : SignalTable
        From :func:`laser_core.analysis.compare_signals`.
    metric : SignalMetric
        The number to draw.
    """
    rows = [row for row in table.rows if np.isfinite(getattr(row, metric.field).value)]
    if not rows:
        return empty("No signal has this number here.")
    styles = {True: Style("last-token score", LASER, "solid", "circle"), False: Style("free", RULE, "dash", "diamond")}
    fig = Drawn()
    measured = estimated(getattr(row, metric.field) for row in rows)
    fig.observe(signal=[row.signal.removeprefix("signal.") for row in rows], metric=metric.title, **measured)
    for is_score, style in styles.items():
        picked = [(i, row) for i, row in enumerate(rows) if (row.signal == "score") == is_score]
        if not picked:
            continue
        estimates = [getattr(row, metric.field) for _, row in picked]
        value, low, high = (np.array([getattr(e, end) for e in estimates]) for end in ("value", "ci_low", "ci_high"))
        color = style.color if is_score else theme.MAJORITY
        fig.add_trace(
            go.Scatter(
                x=value,
                y=[i for i, _ in picked],
                mode="markers",
                name=style.name,
                marker={"color": color, "symbol": style.symbol, "size": 12},
                error_x=theme.interval_bars(value, low, high, color),
                customdata=[
                    [e.ci_low, e.ci_high, e.n, theme.plain(row.description)]
                    for e, (_, row) in zip(estimates, picked, strict=True)
                ],
                hovertemplate=(
                    "%{customdata[3]}<br>%{x:.3f}, 95% CI [%{customdata[0]:.3f}, %{customdata[1]:.3f}], "
                    "n = %{customdata[2]:,} problems<extra></extra>"
                ),
            )
        )
    names = [signal_title(row.signal, 28) for row in rows]
    n = f", N = {table.n}" if metric.of_votes else ""
    frame(fig, x=metric.title + n, y="", height=110 + 36 * len(rows), hovermode="closest", legend=False)
    fig.update_layout(margin={"t": 30})  # room for the label of the line
    fig.update_yaxes(tickvals=list(range(len(rows))), ticktext=names, range=[len(rows) - 0.5, -0.5], showgrid=False)
    if metric == SignalMetric.WEIGHTED and np.isfinite(table.majority.value):
        fig.observe(signal="majority vote", metric="accuracy of the vote", **estimated([table.majority]))
        add_rule(fig, x=table.majority.value, label="majority", yanchor="bottom")
    elif metric.reference is not None:
        add_rule(fig, x=metric.reference, label="chance" if metric.reference else "no difference", yanchor="bottom")
    return fig
