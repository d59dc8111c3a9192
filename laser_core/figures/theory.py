"""Figures of the theory: the score as a line in the log-prob, the neglected term, and the noise of the reference.

They are drawn from formulas alone, without data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from laser_core.figures.drawn import Drawn
from laser_core.figures.theme import LASER, OUTCOMES, RULE, Style, add_line, add_rule, fade, frame
from laser_core.score import z_logprob_from_score

if TYPE_CHECKING:
    from laser_core.analysis import closed_form

SCORE = Style("score: without Z", LASER, "solid", "circle")
CLOSED_FORM = Style("closed form: with Z", "#E69F00", "dash", "square")
NEGLECTED = Style("β_v log Z", "#E69F00", "solid", "square")
MARKS = (0.0, 0.5, 1.0)


def score_line_figure(picture: closed_form.WorkedExample) -> Drawn:
    """The reward that a policy's log-prob of z_c stands for, with and without Z, marked at 0, 0.5 and 1.

    Parameters
    ----------
    picture : WorkedExample
        From :func:`laser_core.analysis.closed_form.worked_example`.
    """
    fig = Drawn()
    for style, y in ((CLOSED_FORM, picture.line_reward), (SCORE, picture.line_score)):
        fig.observe(series=style.name, z_logprob=picture.line_x, reward=y)
        add_line(fig, picture.line_x, y, style, markers=False, hovertemplate="%{y:.3f} at %{x:.1f} nats")
    beta_v, c_ref = picture.beta_v, picture.ref_z_logprob
    marks = [(z_logprob_from_score(mark, beta_v=beta_v, c_ref=c_ref), mark) for mark in MARKS]
    marks = [(x, mark) for x, mark in marks if x <= 0]
    fig.observe(series="scores 0, 0.5 and 1", z_logprob=[x for x, _ in marks], reward=[mark for _, mark in marks])
    policy = ["this policy, without Z", "this policy, with Z"]
    fig.observe(series=policy, z_logprob=picture.z_logprob, reward=[picture.score, picture.reward])
    fig.add_trace(
        go.Scatter(
            x=[x for x, _ in marks],
            y=[mark for _, mark in marks],
            mode="markers+text",
            name="scores 0, 0.5 and 1",
            text=[f"{mark:g} at {x:.1f}" for x, mark in marks],
            textposition="bottom right",
            marker={"color": LASER, "symbol": "circle-open", "size": 11, "line": {"width": 2.5}},
            hovertemplate="score %{y:g} at %{x:.2f} nats<extra></extra>",
            cliponaxis=False,
        )
    )
    fig.add_trace(
        go.Scatter(
            x=[picture.z_logprob, picture.z_logprob],
            y=[picture.score, picture.reward],
            mode="lines+markers",
            name="this policy",
            line={"color": RULE, "width": 2},
            # Where Z is 1 the two markers coincide: the square is open, so that both can be seen.
            marker={
                "color": [SCORE.color, CLOSED_FORM.color],
                "symbol": ["circle", "square-open"],
                "size": [12, 20],
                "line": {"width": [0, 3]},
            },
            hovertemplate="%{y:.3f} at %{x:.2f} nats<extra>this policy</extra>",
        )
    )
    frame(fig, x="log π(z_c) under the policy, nats", y="reward", height=400)
    fig.update_layout(hovermode="closest")
    low = min(picture.ref_z_logprob, picture.z_logprob) - 2.0
    high = min(0.0, max(z_logprob_from_score(1.4, beta_v=beta_v, c_ref=c_ref), picture.z_logprob + 1.0))
    top = max(1.25, picture.reward, picture.score) + 0.1
    fig.update_xaxes(range=[low, high + 0.06 * (high - low)])
    fig.update_yaxes(range=[min(-0.3, picture.score - 0.1), min(top, 2.6)])
    add_rule(fig, y=0.5, label="predicted correct above")
    end = "left" if _free_at(picture, low + 0.15 * (high - low), 0.55) else "right"
    fig.layout.annotations[-1].update(x=float(end == "right"), xref="paper", xanchor=end, yanchor="bottom")
    if high == 0.0:
        add_rule(fig, x=0.0, label="certain")
        fig.layout.annotations[-1].update(yref="paper", y=0, yanchor="bottom", xanchor="right", xshift=-4)
    return fig


def _free_at(picture: closed_form.WorkedExample, x: float, y: float) -> bool:
    """Whether neither line passes near a label at this place."""
    return all(abs(np.interp(x, picture.line_x, line) - y) > 0.15 for line in (picture.line_reward, picture.line_score))


def neglected_figure(picture: closed_form.WorkedExample) -> Drawn:
    """The cost of leaving Z out, beta_v * log Z, over the reference's log-prob of z_c, on a logarithmic axis.

    Parameters
    ----------
    picture : WorkedExample
        From :func:`laser_core.analysis.closed_form.worked_example`.
    """
    fig = Drawn()
    fig.observe(series="line", ref_z_logprob=picture.reference_x, neglected_reward=picture.reference_neglected)
    fig.observe(series="this token", ref_z_logprob=picture.ref_z_logprob, neglected_reward=picture.neglected)
    add_line(
        fig,
        picture.reference_x,
        picture.reference_neglected,
        NEGLECTED,
        markers=False,
        hovertemplate="%{y:.2g} of reward at %{x:.1f} nats",
    )
    fig.add_trace(
        go.Scatter(
            x=[picture.ref_z_logprob],
            y=[picture.neglected],
            mode="markers",
            name="this token",
            marker={"color": LASER, "symbol": "diamond", "size": 15},
            hovertemplate="%{y:.2g} of reward at %{x:.2f} nats<extra>this token</extra>",
        )
    )
    frame(fig, x="log π_ref(z_c), nats", y="neglected reward", height=400)
    fig.update_layout(hovermode="closest")
    left, right = float(picture.reference_x[0]), 0.0
    fig.update_xaxes(range=[left, 0.6])
    fig.update_yaxes(
        type="log",
        range=[-9, 0.4],
        tickvals=[1e-8, 1e-6, 1e-4, 1e-2, 1],
        ticktext=["10⁻⁸", "10⁻⁶", "0.0001", "0.01", "1"],
    )
    if left < picture.limit < right:
        for start, end, color, words in (
            (left, picture.limit, OUTCOMES[True].color, "Z = 1 holds"),
            (picture.limit, right, OUTCOMES[False].color, "Z = 1 breaks"),
        ):
            fig.add_vrect(x0=start, x1=end, fillcolor=fade(color, 0.10), line_width=0, layer="below")
            fig.add_annotation(
                x=(start + end) / 2, y=0.02, yref="paper", text=words, showarrow=False, font={"size": 13}
            )
    add_rule(fig, y=picture.tolerance, label=f"{picture.tolerance:g} of reward")
    # Plotly places an annotation on a logarithmic axis by the exponent.
    fig.layout.annotations[-1].update(
        x=0, xref="paper", y=float(np.log10(picture.tolerance)), xanchor="left", yanchor="bottom"
    )
    return fig


def noise_figure(noise: closed_form.ReferenceNoise) -> Drawn:
    """The distribution of scores that should be 0 and 1 when the reference is not quite constant.

    Parameters
    ----------
    noise : ReferenceNoise
        From :func:`laser_core.analysis.closed_form.reference_noise`.
    """
    fig = Drawn()
    for correct, density in ((False, noise.density_incorrect), (True, noise.density_correct)):
        style = OUTCOMES[correct]
        fig.observe(verdict=style.name, score=noise.x, density=density)
        shown = Style(f"{style.name}, should be {int(correct)}", style.color, style.dash, style.symbol)
        add_line(fig, noise.x, density / np.max(density), shown, markers=False, hoverinfo="skip")
        fig.data[-1].update(fill="tozeroy", fillcolor=fade(style.color, 0.14))
    add_rule(fig, x=0.5, label="0.5")
    frame(fig, x="score", y="relative frequency", height=300, hovermode=False)
    fig.update_yaxes(range=[0, 1.12], showticklabels=False)
    return fig
