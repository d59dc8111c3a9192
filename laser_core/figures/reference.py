"""A solution under the policy and under the reference model, token by token."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from laser_core.figures.drawn import Drawn
from laser_core.figures.theme import LASER, UNKNOWN, Style, add_line, empty, frame
from laser_core.figures.token_decoding import token_label
from laser_core.figures.traces import Trace

MAX_TOKENS = 1000  # drawn one by one
POLICY, REFERENCE = Style("policy", LASER, "solid", "circle"), Style("reference model", UNKNOWN, "dot", "circle-open")


def reference_figure(trace: Trace, *, first: int = 1) -> Drawn:
    """Log-probs of a solution's tokens under both models, above their difference.

    Parameters
    ----------
    trace : Trace
        With the quantities ``logprob`` and ``log_ratio``.
    first : int
        The number of its first token, counted from 1.
    """
    if "log_ratio" not in trace.values or not len(trace.tokens):
        return empty("This solution holds no log-probs of the reference model.")
    policy, ratio = (trace.values[name][:MAX_TOKENS] for name in ("logprob", "log_ratio"))
    tokens = [token_label(token[:40]) for token in trace.tokens[:MAX_TOKENS]]
    x = np.arange(first, first + len(policy))
    fig = Drawn()
    make_subplots(figure=fig, rows=2, cols=1, shared_xaxes=True, row_heights=[0.62, 0.38], vertical_spacing=0.08)
    fig.observe(token=x, text=tokens, policy_logprob=policy, reference_logprob=policy - ratio, log_ratio=ratio)
    few = len(policy) <= 80
    for values, style in ((policy, POLICY), (policy - ratio, REFERENCE)):
        hover = f"%{{customdata}}<br>{style.name} %{{y:.3f}} nats<extra></extra>"
        add_line(fig, x, values, style, markers=few, customdata=tokens, hovertemplate=hover)
    fig.add_trace(
        go.Bar(
            x=x,
            y=ratio,
            customdata=tokens,
            hovertemplate="%{customdata}<br>difference %{y:+.3f} nats<extra></extra>",
            marker={"color": np.where(ratio >= 0, LASER, UNKNOWN).tolist()},
            showlegend=False,
        ),
        row=2,
        col=1,
    )
    frame(fig, x="", y="", height=420, hovermode="closest")
    fig.update_yaxes(title_text="log-prob, nats", row=1, col=1)
    fig.update_yaxes(title_text="difference, nats", row=2, col=1)
    fig.update_xaxes(title_text="token", row=2, col=1)
    return fig
