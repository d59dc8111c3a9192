"""What training does to z_c: the score learns to rank under LaSeR; under GRPO its log-prob drifts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from laser_core.figures.drawn import Drawn
from laser_core.figures.theme import (
    BEST_OF_N,
    CORRECT,
    INCORRECT,
    MAJORITY,
    PASS,
    UNKNOWN,
    WEIGHTED,
    Style,
    add_line,
    add_rule,
    empty,
    fade,
    frame,
    run_style,
)

if TYPE_CHECKING:
    from laser_core.reproduce.learning import Curves

#: Baselines are horizontal lines; each has its own dash, since colours run out.
_BASELINES = (
    (WEIGHTED, "dash"),
    (BEST_OF_N, "dot"),
    (PASS, "dashdot"),
    (MAJORITY, "longdash"),
    (CORRECT, "longdashdot"),
    (INCORRECT, "dash"),
    (UNKNOWN, "dot"),
)
_KINDS = {"correct": Style("correct solutions", CORRECT, "solid", "circle")}
_KINDS["incorrect"] = Style("incorrect solutions", INCORRECT, "dash", "x")


def learning_figure(curves: Mapping[str, Curves], baselines: Mapping[str, float]) -> Drawn:
    """AUROC within a problem over training, from chance, with every baseline as a line.

    Parameters
    ----------
    curves : mapping of str to Curves
        By the name of the method, such as LaSeR and GRPO. Thin lines are seeds, thick ones their smoothed means.
    baselines : mapping of str to float
        Each baseline's AUROC within a problem on the final evaluation, by its name.
    """
    if not curves:
        return empty("These runs hold no training curves.")
    fig = Drawn()
    for position, (name, found) in enumerate(curves.items()):
        _draw(fig, found, run_style(name, position), "within_problem_auroc")
    ends = (min(found.step[0] for found in curves.values()), max(found.step[-1] for found in curves.values()))
    for position, (name, value) in enumerate(baselines.items()):
        color, dash = _BASELINES[position % len(_BASELINES)]
        fig.observe(series="baseline", run=name, within_problem_auroc=value)
        fig.add_trace(
            go.Scatter(
                x=ends,
                y=[value, value],
                mode="lines",
                name=name,
                line={"color": color, "dash": dash, "width": 1.5},
                hovertemplate=f"{name}: %{{y:.3f}}<extra></extra>",
            )
        )
    add_rule(fig, y=0.5, label="chance")
    frame(fig, x="training step", y="AUROC within a problem", height=540, hovermode="closest")
    return fig


def drift_figure(curves: Mapping[str, Curves], *, c_ref: float) -> Drawn:
    """Log-prob of z_c at <eos> over training, of correct and of incorrect solutions.

    Parameters
    ----------
    curves : mapping of str to Curves
        Under the keys ``correct`` and ``incorrect``.
    c_ref : float
        Where both start, in nats.
    """
    if not curves:
        return empty("These runs hold no training curves.")
    fig = Drawn()
    for kind, found in curves.items():
        _draw(fig, found, _KINDS[kind], "z_logprob")
    add_rule(fig, y=c_ref, label="c_ref")
    frame(fig, x="training step", y="log-prob of z_c at <eos>, nats", hovermode="closest")
    return fig


def _draw(fig: Drawn, found: Curves, style: Style, quantity: str) -> None:
    """The seeds as thin lines, and their smoothed mean."""
    for seed, values in enumerate(found.seeds):
        known = np.isfinite(values)
        fig.observe(series=style.name, run=f"seed {seed}", step=found.step[known], **{quantity: values[known]})
        fig.add_trace(
            go.Scatter(
                x=found.step[known],
                y=values[known],
                mode="lines",
                line={"color": fade(style.color, 0.25), "width": 1},
                legendgroup=style.name,
                showlegend=False,
                hoverinfo="skip",
            )
        )
    fig.observe(series=style.name, run="smoothed mean", step=found.step, **{quantity: found.mean})
    add_line(fig, found.step, found.mean, style, markers=False, hovertemplate="step %{x}: %{y:.3f}")
