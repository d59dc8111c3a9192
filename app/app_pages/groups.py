"""Groups: one training step as GRPO saw it, its groups of solutions with rewards, scores and advantages."""

from __future__ import annotations

import math

import streamlit as st

from app.data import sources, training
from app.format import count, literal, number, percent
from app.sections import group_cells, groups
from app.widgets import parts

QUESTION = "What did a training step learn from?"

source = sources.current()
top = st.container()  # its finding is that of the step chosen below
shown = groups.view(source)

with top:
    if shown is None:
        parts.header(QUESTION, f"“{literal(source.title)}” holds no rewards to compare.")
    else:
        found = shown.groups
        silent = int(found.silent.sum())
        where = (
            "This is an evaluation, shown as if it were a step: " if shown.step is None else f"Step {shown.step:,}: "
        )
        weights = [number(weight) for weight in found.weights()]
        parts.header(
            QUESTION,
            f"{where}{count(found.n_groups, 'group')} of {count(len(found.group), 'solution')}; "
            + (
                f"{silent:,} ({percent(silent / found.n_groups)}) have no advantages, so the policy learns nothing "
                "from them."
                if silent
                else "all have advantages to learn from."
            )
            + (
                f" Class weights in the score loss: {weights[0]} for correct, {weights[1]} for incorrect solutions."
                if any(math.isfinite(weight) for weight in found.weights())
                else ""
            ),
        )

if shown is not None:
    if training.metrics(source):
        left, right = st.columns([2, 3], gap="medium")
        with right:  # drawn first: its slide has the finding, which is about the groups
            drawn = group_cells.heatmap(shown)
        with left:
            groups.curves(source, shown.step)
    else:
        drawn = group_cells.heatmap(shown)
    st.subheader("One group", anchor=False)
    group_cells.one_group(shown, drawn)

parts.equation(
    r"A_i = (1-\tau)\,\frac{r_i - \operatorname{mean}(r)}{\operatorname{std}(r)}"
    r" + \tau\,\frac{s_i - \operatorname{mean}(s)}{\operatorname{std}(s)}",
    r"Means and standard deviations are over the solutions of one problem at one step. $r$ is the verifier's reward, "
    r"$s$ the last-token score, which takes part only where its standard deviation in the group exceeds $T$. Where all "
    r"rewards are equal, GRPO alone learns nothing. In the score loss, correct solutions weigh $(N_c+N_i)/2N_c$ and "
    r"incorrect ones $(N_c+N_i)/2N_i$, so that both kinds count the same."
    + (
        f" τ {shown.settings.tau:g} and T {shown.settings.std_threshold:g} are "
        + ("this run's." if shown.settings.known else "the paper's unless you changed them.")
        if shown is not None and shown.settings.use_score
        else ""
    ),
)
