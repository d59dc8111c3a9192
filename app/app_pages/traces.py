"""Traces: correct and incorrect solutions of one problem, token by token, and where the model changes its mind."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.data import cache, findings, sources
from app.format import count, literal, number, percent
from app.sections import mean_traces, token_panel, traces
from app.tour import presets
from app.widgets import parts, problem_chooser
from laser_core.rollouts.prompts import question

QUESTION = "When does the model know that it is wrong?"
WITHOUT_TRACES = "What do correct and incorrect solutions look like?"

source = sources.current()
signal = sources.signal_of(source) or "score"

top = st.container()  # the header needs the choice made below it
presets.buttons(source, signal)
problem_id = problem_chooser.choose(source, signal)
shown = traces.view(source, signal, cache.samples(source, signal).problem_ids.index(problem_id))

with top:
    labels = [row.get("correct") for row in shown.rows.values()]
    auroc = findings.within_one_problem(source, signal, shown.position)
    within = (
        f" On this problem a correct solution outscores an incorrect one {percent(auroc)} of the time "
        f"({labels.count(True)} × {labels.count(False)} pairs; a single problem has no interval)."
        if np.isfinite(auroc)
        else ""
    )
    text = question(next(iter(shown.rows.values())).get("problem") or problem_id)
    solutions, unknown = count(len(shown.rows), "solution"), labels.count(None)
    told = f"{solutions}, not verified" if unknown == len(labels) else f"{labels.count(True)} of {solutions} correct"
    if 0 < unknown < len(labels):
        told += f", {unknown:,} not verified"
    parts.header(
        QUESTION if shown.quantities else WITHOUT_TRACES,
        f"“{literal(text, 300)}”: {told}.{within}",
    )

token_panel.panel(shown)
if shown.quantities:
    st.subheader("Correct and incorrect solutions on average", anchor=False)
    mean_traces.show(shown)
    st.subheader("Which moment ranks the solutions best", anchor=False)
    mean_traces.ranking(shown)
parts.equation(
    r"r_t = \beta_v \left(\log \pi_\theta(z_c \mid x, y_{\le t}) - c_{\mathrm{ref}}\right)",
    r"The score as it would be after token $t$; LaSeR trains only the last one. $\beta_v$ scales nats to reward"
    + (f" ({number(shown.beta_v)} here)" if shown.beta_v else "")
    + r"; $c_{\mathrm{ref}}$ is the nearly constant log-probability that the reference model gives $z_c$"
    + (f" ({number(shown.c_ref, 1)} nats here)." if shown.c_ref is not None else ".")
    + " Log-ratio: a token's log-probability minus the reference model's. Entropy: of the distribution that the token "
    "was drawn from.",
)
