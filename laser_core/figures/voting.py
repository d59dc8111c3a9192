"""Figures about many solutions of one problem: accuracy as N grows, the gain of weighting, one actual vote."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from laser_core.figures.drawn import Drawn
from laser_core.figures.theme import FILTERED, OUTCOMES, RULE, VOTES, Style, add_band, add_line, empty, frame, plain

if TYPE_CHECKING:
    from laser_core.analysis import FilteredMajority, Vote, VotingCurve

MAX_MARKERS = 20  # sizes up to which each gets a marker; beyond, the dash tells the curves apart
MAX_ANSWERS = 12  # that fit into the figure; the rest have the fewest votes


def voting_figure(
    curve: VotingCurve, *, filtered: FilteredMajority | None = None, chosen_n: int | None = None
) -> Drawn:
    """Expected accuracy against the number of solutions N for pass@N, best-of-N, weighted and majority votes.

    Parameters
    ----------
    curve : VotingCurve
        From :func:`laser_core.analysis.voting_curve`; bands are its 95% intervals over problems. Votes that the data
        do not allow are left out.
    filtered : FilteredMajority, optional
        One more curve, from :func:`laser_core.analysis.filtered_majority`.
    chosen_n : int, optional
        Marks the N that the text refers to.
    """
    n = np.asarray(curve.n)
    fig = Drawn()
    known = {name: curve.band(name) for name in VOTES if np.isfinite(curve.band(name)[0]).any()}
    for name, (value, low, high) in known.items():
        _observe(fig, VOTES[name], n, value, low, high, curve.n_problems)
        add_band(fig, n, low, high, VOTES[name])
    for name, (value, low, high) in known.items():
        add_line(
            fig,
            n,
            value,
            VOTES[name],
            markers=len(n) <= MAX_MARKERS,
            customdata=np.stack([low, high], axis=1),
            hovertemplate="%{y:.3f} [%{customdata[0]:.3f}, %{customdata[1]:.3f}]",
        )
    if filtered is not None:
        _observe(fig, FILTERED, filtered.n, filtered.accuracy, filtered.low, filtered.high, filtered.n_problems)
        add_band(fig, filtered.n, filtered.low, filtered.high, FILTERED)
        add_line(
            fig,
            filtered.n,
            filtered.accuracy,
            FILTERED,
            markers=len(filtered.n) <= MAX_MARKERS,
            customdata=np.stack([filtered.low, filtered.high], axis=1),
            hovertemplate="%{y:.3f} [%{customdata[0]:.3f}, %{customdata[1]:.3f}]",
        )
    frame(fig, x="N, solutions per problem", y="accuracy, share of problems", height=430)
    count_axis(fig, n)
    if chosen_n is not None:
        fig.add_vline(x=chosen_n, line={"color": RULE, "width": 1.5, "dash": "dot"})
    return fig


def _observe(
    fig: Drawn, style: Style, n: np.ndarray, accuracy: np.ndarray, low: np.ndarray, high: np.ndarray, n_problems: int
) -> None:
    fig.observe(method=style.name, n_solutions=n, accuracy=accuracy, ci_low=low, ci_high=high, n_problems=n_problems)


def voting_gain_figure(curve: VotingCurve) -> Drawn:
    """The gain from weighting: weighted minus majority accuracy on the same problems and subsets, with its 95% band.

    Parameters
    ----------
    curve : VotingCurve
        From :func:`laser_core.analysis.voting_curve`.
    """
    n, style = np.asarray(curve.n), VOTES["weighted"]
    gain, low, high = (100 * part for part in curve.band("weighted_minus_majority"))
    fig = Drawn()
    fig.observe(n_solutions=n, gain_points=gain, ci_low=low, ci_high=high, n_problems=curve.n_problems)
    add_band(fig, n, low, high, style)
    add_line(
        fig,
        n,
        gain,
        style,
        markers=len(n) <= MAX_MARKERS,
        customdata=np.stack([low, high], axis=1),
        hovertemplate="%{y:+.1f} points [%{customdata[0]:+.1f}, %{customdata[1]:+.1f}]<extra></extra>",
    )
    frame(fig, x="N, solutions per problem", y="weighted − majority, points", height=300, legend=False)
    count_axis(fig, n)
    fig.add_hline(y=0, line={"color": RULE, "width": 1.5, "dash": "dot"})
    return fig


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
    ticks = [2**k for k in range(top.bit_length()) if 2**k <= top]
    if top not in ticks:
        ticks = [t for t in ticks if t <= 0.75 * top] + [top]
    fig.update_xaxes(type="log", tickvals=ticks, ticktext=[str(t) for t in ticks])
