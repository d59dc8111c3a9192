"""Figures about many solutions of one problem: accuracy as N grows, the gain of weighting, one actual vote."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import plotly.graph_objects as go

from laser_core.figures.drawn import Drawn
from laser_core.figures.labels import label_line_ends
from laser_core.figures.theme import (
    FILTERED,
    OUTCOMES,
    RULE,
    VOTES,
    Style,
    add_band,
    add_line,
    empty,
    frame,
    interval_bars,
    plain,
)

if TYPE_CHECKING:
    from laser_core.analysis import FilteredMajority, Vote, VotingCurve

MAX_MARKERS = 20  # sizes up to which each gets a marker; beyond, the dash tells the curves apart
MAX_ANSWERS = 12  # that fit into the figure; the rest have the fewest votes


def voting_figure(
    curve: VotingCurve, *, filtered: FilteredMajority | None = None, chosen_n: int | None = None
) -> Drawn:
    """Expected accuracy against the number of solutions N for pass@N, best-of-N, weighted and majority votes.

    The lines often lie close together, so each is named at its end and has one interval, at the largest N;
    :func:`voting_gain_figure` shows how far they are apart.

    Parameters
    ----------
    curve : VotingCurve
        From :func:`laser_core.analysis.voting_curve`. Votes that the data do not allow are left out.
    filtered : FilteredMajority, optional
        One more curve, from :func:`laser_core.analysis.filtered_majority`.
    chosen_n : int, optional
        Marks the N that the text refers to.
    """
    n = np.asarray(curve.n)
    fig = Drawn()
    lines = [(VOTES[name], n, *curve.band(name), curve.n_problems) for name in VOTES]
    if filtered is not None:
        lines.append((FILTERED, filtered.n, filtered.accuracy, filtered.low, filtered.high, filtered.n_problems))
    lines = [line for line in lines if np.isfinite(line[2]).any()]
    for place, (style, sizes, value, low, high, n_problems) in enumerate(lines):
        fig.observe(
            method=style.name, n_solutions=sizes, accuracy=value, ci_low=low, ci_high=high, n_problems=n_problems
        )
        _line(fig, sizes, value, low, high, style, "%{y:.3f} [%{customdata[0]:.3f}, %{customdata[1]:.3f}]")
        _end_interval(fig, sizes, value, low, high, style, place - (len(lines) - 1) / 2)
    frame(fig, x="N, solutions per problem", y="accuracy, share of problems", height=430)
    count_axis(fig, n)
    drawn = [ends for _, _, value, low, high, _ in lines for ends in (np.nanmin(value), low[-1], high[-1])]
    bottom, top = _padded(np.array(drawn))
    label_line_ends(fig, [(style, float(value[-1])) for style, _, value, _, _, _ in lines], low=bottom, high=top)
    if chosen_n is not None:
        fig.add_vline(x=chosen_n, line={"color": RULE, "width": 1.5, "dash": "dot"})
    return fig


def voting_gain_figure(curve: VotingCurve) -> Drawn:
    """How far each vote is above the majority vote on the same problems and subsets, with 95% bands.

    Parameters
    ----------
    curve : VotingCurve
        From :func:`laser_core.analysis.voting_curve`.
    """
    n = np.asarray(curve.n)
    fig, ends, reach = Drawn(), [], [0.0]
    for name in _AGAINST_MAJORITY:
        value, low, high = (100 * part for part in curve.minus_majority(name))
        if not np.isfinite(value).any():
            continue
        style = VOTES[name]
        fig.observe(
            method=style.name, n_solutions=n, gain_points=value, ci_low=low, ci_high=high, n_problems=curve.n_problems
        )
        if name == "weighted":
            add_band(fig, n, low, high, style)
        text = "%{y:+.1f} points [%{customdata[0]:+.1f}, %{customdata[1]:+.1f}]"
        _line(fig, n, value, low, high, style, text)
        ends.append((style, float(value[-1])))
        reach += [float(np.nanmin(low)), float(np.nanmax(high if name == "weighted" else value))]
    frame(fig, x="N, solutions per problem", y="minus the majority vote, points", height=430)
    count_axis(fig, n)
    fig.add_hline(y=0, line={"color": RULE, "width": 1.5, "dash": "dot"})
    if ends:
        bottom, top = _padded(np.array(reach))
        label_line_ends(fig, [*ends, (VOTES["majority"], 0.0)], low=bottom, high=top)
    return fig


_AGAINST_MAJORITY: tuple[Literal["pass_", "best_of_n", "weighted"], ...] = ("pass_", "best_of_n", "weighted")


def _line(
    fig: Drawn, n: np.ndarray, value: np.ndarray, low: np.ndarray, high: np.ndarray, style: Style, text: str
) -> None:
    add_line(
        fig,
        n,
        value,
        style,
        markers=len(n) <= MAX_MARKERS,
        customdata=np.stack([low, high], axis=1),
        hovertemplate=text,
    )


def _end_interval(
    fig: Drawn, n: np.ndarray, value: np.ndarray, low: np.ndarray, high: np.ndarray, style: Style, place: float
) -> None:
    """The 95% interval at the largest N, a little beside those of the other lines."""
    last = float(n[-1]) * 2 ** (0.05 * place)
    fig.add_trace(
        go.Scatter(
            x=[last],
            y=[value[-1]],
            mode="markers",
            marker={"color": style.color, "symbol": style.symbol, "size": 8},
            error_y=interval_bars(value[-1:], low[-1:], high[-1:], style.color, thickness=2, width=3),
            hoverinfo="skip",
            name=f"{style.name}, 95% interval at N = {int(n[-1])}",
            showlegend=False,
        )
    )


def _padded(values: np.ndarray) -> tuple[float, float]:
    """Ends of an axis with a little room beyond the values."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    room = 0.06 * max(high - low, 1e-3)
    return low - room, high + room


def vote_figure(vote: Vote, answers: Sequence[str], *, weighted: bool = True) -> Drawn:
    """One actual vote, answer by answer: the number of solutions (majority) and the sum of their scores (weighted).

    Both count votes: in the majority a solution counts 1, in the weighted vote its score clipped to [0, 1].

    Parameters
    ----------
    vote : Vote
        From :func:`laser_core.analysis.draw_vote`; the first 12 answers are drawn, the most frequent first.
    answers : sequence of str
        The text of each of the vote's answers, in the vote's order; shown as plain text.
    weighted : bool
        Whether to draw the weighted vote too; without a score all weights would be 0.
    """
    order = range(min(len(vote.count), MAX_ANSWERS))
    if not order:
        return empty("None of these solutions gave an answer.")
    labels = [
        f"{'✓' if vote.correct[i] == 1 else '✗' if vote.correct[i] == 0 else '?'}  {plain(answers[i], 24)}"
        for i in order
    ]
    fig = Drawn(_bars(VOTES["majority"], vote.count, vote.majority_winners, "{:g}".format, hatch="/"))
    verdict = [OUTCOMES[None if np.isnan(known) else bool(known)].name for known in vote.correct]
    given = {"answer": list(answers), "verdict": verdict}
    fig.observe(**given, method=VOTES["majority"].name, votes=vote.count, wins=vote.majority_winners)
    if weighted:
        fig.observe(**given, method=VOTES["weighted"].name, votes=vote.weight, wins=vote.weighted_winners)
        fig.add_trace(_bars(VOTES["weighted"], vote.weight, vote.weighted_winners, _weight, hatch=""))
    frame(
        fig,
        x="votes (solutions, or sum of clipped scores)" if weighted else "votes, solutions",
        y="",
        height=110 + 52 * max(len(order), 2),
        hovermode="closest",
    )
    fig.update_layout(barmode="group", bargap=0.25)
    fig.update_yaxes(tickvals=list(range(len(order))), ticktext=labels, autorange="reversed", showgrid=False)
    most = max((float(vote.count[i]) for i in order), default=1.0)
    fig.update_xaxes(range=[0, most * 1.3])
    return fig


def _bars(
    style: Style, values: np.ndarray, winners: np.ndarray, write: Callable[[float], str], *, hatch: str
) -> go.Bar:
    """One kind of vote, a bar for each of the first answers; without any weight nobody wins."""
    outcome = "" if not np.any(values) else "  ★ wins" if np.sum(winners) == 1 else "  ★ ties"
    shown = [float(value) for value in values[:MAX_ANSWERS]]
    return go.Bar(
        y=list(range(len(shown))),
        x=shown,
        orientation="h",
        name=style.name,
        marker={
            "color": style.color,  # one colour for all bars: the legend shows that of the first
            "pattern": {
                "shape": hatch,
                "fillmode": "overlay",
                "fgcolor": "rgba(255, 255, 255, 0.6)",
                "solidity": 0.25,
            },
        },
        text=[
            f"<b>{write(value)}{outcome}</b>" if won and outcome else write(value)
            for value, won in zip(shown, winners[:MAX_ANSWERS], strict=True)
        ],
        textposition="outside",
        cliponaxis=False,
        hovertemplate=f"{style.name}: %{{x:.2f}}<extra></extra>",
    )


def _weight(value: float) -> str:
    """A sum of scores; small ones keep two significant digits, since 0.0004 may win against 0.

    >>> _weight(2.018), _weight(0.031), _weight(0.00042), _weight(0.0)
    ('2.02', '0.031', '0.00042', '0')
    """
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def count_axis(fig: go.Figure, n: np.ndarray) -> None:
    """A logarithmic axis for N with powers of two as ticks: from 1 to 2 is as large a step as from 8 to 16."""
    top = int(n.max())
    ticks: list[int] = [2**k for k in range(top.bit_length()) if 2**k <= top]
    if top not in ticks:
        ticks = [t for t in ticks if t <= 0.75 * top] + [top]
    fig.update_xaxes(type="log", tickvals=ticks, ticktext=[str(t) for t in ticks])
    if len(n) == 1:  # the intervals stand a little beside the only N, and would become the axis
        fig.update_xaxes(range=[float(np.log10(top)) + aside for aside in (-0.3, 0.3)])
