"""Figures about costs and settings: accuracy against tokens, the effect of beta_v and c_ref, paired differences."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Literal

import numpy as np
import plotly.graph_objects as go

from laser_core.analysis import Estimate
from laser_core.figures.drawn import Drawn
from laser_core.figures.theme import (
    INK,
    LASER,
    RULE,
    VOTES,
    Style,
    add_band,
    add_line,
    add_rule,
    empty,
    frame,
    interval_bars,
    plain,
)
from laser_core.figures.voting import MAX_MARKERS, count_axis

if TYPE_CHECKING:
    from laser_core.analysis import Comparison, ComputeWorth, Sensitivity, StoppingPolicy

STOPS = {
    ("fixed", False): ("whole budget", "solid", "circle"),
    ("certain", False): ("stop when decided", "dot", "triangle-up"),
    ("confident", False): ("stop when sure", "dash", "diamond"),
    ("fixed", True): ("drop early", "dashdot", "circle-open"),
    ("confident", True): ("drop early, stop when sure", "longdashdot", "diamond-open"),
}


class SettingsMetric(Enum):
    """A number that :func:`sensitivity_figure` can draw.

    Attributes
    ----------
    field : str
        Its field in :class:`laser_core.analysis.Sensitivity`.
    title : str
        Its name on hover.
    more_is_better : bool
        Whether large values are drawn dark.
    """

    BALANCED_F1 = ("balanced_f1", "balanced F1 at score > 0.5", True)
    WEIGHTED = ("weighted", "accuracy of the weighted vote", True)
    ECE = ("ece", "expected calibration error", False)
    BRIER = ("brier", "Brier score", False)
    AT_BOUND = ("at_bound", "share of scores that are clipped", False)
    TPR = ("tpr", "TPR at score > 0.5", True)
    TNR = ("tnr", "TNR at score > 0.5", True)

    def __init__(self, field: str, title: str, more_is_better: bool) -> None:
        self.field, self.title, self.more_is_better = field, title, more_is_better


def accuracy_tokens_figure(worth: ComputeWorth, *, vote: Literal["weighted", "majority"] | None = None) -> Drawn:
    """Accuracy against tokens sampled per problem: one line per stopping rule, those of fixed size with 95% bands.

    Parameters
    ----------
    worth : ComputeWorth
        From :func:`laser_core.analysis.compute_worth`.
    vote : {"weighted", "majority"}, optional
        By default the weighted vote where there are scores. The majority of the whole budget is drawn beside it.
    """
    known = {policy.vote for policy in worth.policies}
    vote = vote or ("weighted" if "weighted" in known else "majority")
    fig = Drawn()
    if vote == "weighted":
        _policy(fig, worth.policy("majority", "fixed"), VOTES["majority"], worth.n_problems)
    for (stop, drop), (name, dash, symbol) in STOPS.items():
        found = [p for p in worth.policies if (p.vote, p.stop, p.drop) == (vote, stop, drop)]
        if found:
            shown = f"{name} ({worth.confidence:.0%})" if stop == "confident" and not drop else name
            style = Style(f"{vote}: {shown}", VOTES[vote].color, dash, symbol)
            _policy(fig, found[0], style, worth.n_problems)
    frame(fig, x="tokens sampled per problem", y="accuracy, share of problems", height=430, hovermode="closest")
    used = np.concatenate([policy.tokens for policy in worth.policies])
    ticks = _round_numbers(float(used.min()), float(used.max()))
    fig.update_xaxes(type="log", tickvals=ticks, ticktext=[f"{tick:,.0f}" for tick in ticks])
    return fig


def _round_numbers(low: float, high: float) -> list[float]:
    """1, 2, 5, 10, ... between the ends: ticks of a logarithmic axis.

    >>> _round_numbers(15, 420)
    [20.0, 50.0, 100.0, 200.0]
    """
    decades = range(int(np.floor(np.log10(low))), int(np.floor(np.log10(high))) + 1)
    return [float(m * 10**k) for k in decades for m in (1, 2, 5) if low <= m * 10**k <= high]


def _policy(fig: Drawn, policy: StoppingPolicy, style: Style, n_problems: int) -> None:
    fig.observe(
        policy=style.name,
        max_solutions=policy.budget,
        tokens_per_problem=policy.tokens,
        accuracy=policy.accuracy,
        ci_low=policy.accuracy_low,
        ci_high=policy.accuracy_high,
        tokens_saved=policy.saved,
        accuracy_change=policy.change,
        n_problems=n_problems,
    )
    if policy.stop == "fixed" and not policy.drop:
        add_band(fig, policy.tokens, policy.accuracy_low, policy.accuracy_high, style)
    add_line(
        fig,
        policy.tokens,
        policy.accuracy,
        style,
        customdata=np.stack(
            [policy.accuracy_low, policy.accuracy_high, policy.budget, policy.saved, policy.change], axis=1
        ),
        hovertemplate=(
            f"{style.name}, at most %{{customdata[2]}} solutions<br>accuracy %{{y:.3f}} [%{{customdata[0]:.3f}}, "
            "%{customdata[1]:.3f}] for %{x:.0f} tokens<br>%{customdata[3]:.0%} of the tokens saved, accuracy "
            "%{customdata[4]:+.3f}<extra></extra>"
        ),
    )


def sensitivity_figure(
    found: Sensitivity,
    metric: SettingsMetric = SettingsMetric.BALANCED_F1,
    *,
    beta_v: float | None = None,
    c_ref: float | None = None,
) -> Drawn:
    """One number over a grid of beta_v and c_ref, written into its cells with its 95% interval where it has one.

    Parameters
    ----------
    found : Sensitivity
        From :func:`laser_core.analysis.sensitivity`.
    metric : SettingsMetric
        The number to draw.
    beta_v, c_ref : float, optional
        The settings in use; their cell is framed.
    """
    value = getattr(found, metric.field)
    if not np.isfinite(value).any():
        return empty("Votes cannot be counted here.")
    low, high = (getattr(found, f"{metric.field}_{end}", None) for end in ("low", "high"))
    text = [[f"{v:.2f}" for v in row] for row in value]
    if low is not None and high is not None:
        small = "<br><span style='font-size:10px'>"
        text = [
            [f"{v}{small}[{a:.2f}, {b:.2f}]</span>" for v, a, b in zip(*row, strict=True)]
            for row in zip(text, low, high, strict=True)
        ]
    scale = [[0, "#F6F3FA"], [1, "#9B7BCC"]]
    fig = Drawn(
        go.Heatmap(
            z=value,
            x=[f"{c:.4g}" for c in found.c_ref],
            y=[f"{b:.2g}" for b in found.beta_v],
            text=text,
            texttemplate="%{text}",
            textfont={"color": INK, "size": 13},
            colorscale=scale if metric.more_is_better else [[0, scale[1][1]], [1, scale[0][1]]],
            showscale=False,
            hovertemplate=f"β_v = %{{y}}, c_ref = %{{x}} nats<br>{metric.title} %{{z:.3f}}<extra></extra>",
            xgap=2,
            ygap=2,
        )
    )
    for i, b in enumerate(found.beta_v):
        interval = {} if low is None or high is None else {"ci_low": low[i], "ci_high": high[i]}
        cells = {"beta_v": b, "c_ref": found.c_ref, "metric": metric.title, "value": value[i], **interval}
        fig.observe(**cells, n_problems=found.n_problems)
    frame(fig, x="c_ref, nats", y="β_v, reward per nat", height=340, hovermode="closest", legend=False)
    fig.update_xaxes(type="category", showgrid=False)
    fig.update_yaxes(type="category", showgrid=False, title_standoff=14)
    if beta_v is not None and c_ref is not None:
        at = [np.flatnonzero(np.isclose(grid, v)) for grid, v in ((found.c_ref, c_ref), (found.beta_v, beta_v))]
        if all(len(place) for place in at):
            x, y = (int(place[0]) for place in at)
            line = {"color": LASER, "width": 3}
            fig.add_shape(type="rect", x0=x - 0.5, x1=x + 0.5, y0=y - 0.5, y1=y + 0.5, line=line)
    return fig


def paired_difference_figure(
    comparison: Comparison, *, n: int | None = None, names: tuple[str, str] = ("first", "second")
) -> Drawn:
    """Second run minus first, paired by problem: one marker per number with its 95% interval, in percentage points.

    Parameters
    ----------
    comparison : Comparison
        From :func:`laser_core.analysis.compare`.
    n : int, optional
        Solutions in the votes; by default 8, or the largest size below.
    names : tuple of str
        The two runs' names, for the axis.
    """
    rows = _differences(comparison, n)
    if not rows:
        return empty("Nothing can be compared here.")
    value, low, high = (
        100 * np.array([getattr(d, end) for d in rows.values()]) for end in ("value", "ci_low", "ci_high")
    )
    fig = Drawn(
        go.Scatter(
            x=value,
            y=list(range(len(rows))),
            mode="markers+text",
            text=[f"{v:+.1f}" for v in value],
            # Away from the line at 0, which would cross the text of a small difference.
            textposition=["top right" if 0 <= v < 0.3 * max(value) else "top left" for v in value],
            cliponaxis=False,
            marker={"color": LASER, "size": 11},
            error_x=interval_bars(value, low, high, LASER),
            customdata=[[100 * d.ci_low, 100 * d.ci_high, name, d.n] for name, d in rows.items()],
            hovertemplate=(
                "%{customdata[2]}: %{x:+.1f} points<br>95% CI [%{customdata[0]:+.1f}, %{customdata[1]:+.1f}], "
                "n = %{customdata[3]:,} problems<extra></extra>"
            ),
            name=_minus(names),
        )
    )
    fig.observe(
        run=names[1],
        minus_run=names[0],
        metric=list(rows),
        difference_points=value,
        ci_low=low,
        ci_high=high,
        n_problems=[difference.n for difference in rows.values()],
    )
    frame(fig, x=f"{_minus(names)}, points", y="", height=100 + 48 * len(rows), hovermode="closest", legend=False)
    fig.update_layout(margin={"t": 30})
    fig.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=list(rows),
        range=[len(rows) - 0.5, -0.7],
        showgrid=False,
    )
    add_rule(fig, x=0.0, label="no difference", yanchor="bottom")
    return fig


def _differences(comparison: Comparison, n: int | None) -> dict[str, Estimate]:
    """The finite differences by name, from top to bottom."""
    rows = {
        "accuracy": comparison.accuracy.difference,
        "AUROC": comparison.auroc.difference,
        "AUROC within a problem": comparison.within_problem_auroc.difference,
        "balanced F1": comparison.balanced_f1.difference,
    }
    if len(comparison.n):
        size = n or int(max(comparison.n[comparison.n <= 8], default=comparison.n[0]))
        at = int(np.flatnonzero(comparison.n == size)[0])
        for key, name in (("majority", "majority vote"), ("weighted", "weighted vote"), ("best_of_n", "best")):
            value, low, high = (float(part[at]) for part in comparison.curves[key])
            rows[f"{name} of {size}"] = Estimate(value, low, high, comparison.n_problems)
    return {name: difference for name, difference in rows.items() if np.isfinite(difference.value)}


def _minus(names: tuple[str, str]) -> str:
    return f"{plain(names[1], 30)} minus {plain(names[0], 30)}"


def voting_difference_figure(comparison: Comparison, *, names: tuple[str, str] = ("first", "second")) -> Drawn:
    """Second run minus first for each kind of vote as N grows, with 95% bands paired by problem; in percentage points.

    Parameters
    ----------
    comparison : Comparison
        From :func:`laser_core.analysis.compare`.
    names : tuple of str
        The two runs' names, for the axis.
    """
    if not len(comparison.n):
        return empty("Votes cannot be counted in both runs.")
    fig = Drawn()
    known = []
    for name, style in VOTES.items():
        value, low, high = (100 * part for part in comparison.curves[name.rstrip("_")])
        if np.isfinite(value).any():
            known.append((style, value, low, high))
    for style, value, low, high in known:
        fig.observe(
            run=names[1],
            minus_run=names[0],
            method=style.name,
            n_solutions=comparison.n,
            difference_points=value,
            ci_low=low,
            ci_high=high,
            n_problems=comparison.n_problems,
        )
        add_band(fig, comparison.n, low, high, style)
    for style, value, low, high in known:
        add_line(
            fig,
            comparison.n,
            value,
            style,
            markers=len(comparison.n) <= MAX_MARKERS,
            customdata=np.stack([low, high], axis=1),
            hovertemplate="%{y:+.1f} [%{customdata[0]:+.1f}, %{customdata[1]:+.1f}]",
        )
    frame(fig, x="N, solutions per problem", y=f"{_minus(names)}, points", height=400)
    count_axis(fig, np.asarray(comparison.n))
    fig.add_hline(y=0, line={"color": RULE, "width": 1.5, "dash": "dot"})
    return fig
