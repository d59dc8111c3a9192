"""Scores: do correct and incorrect solutions get different scores, over all problems and within one?"""

from __future__ import annotations

import streamlit as st

from app import data, parts
from app.words import count, estimate
from laser_core.figures import score_histogram

QUESTION = "Do right solutions score higher than wrong ones?"

source = data.current()
signal = data.signal_of(source)
if signal is None:
    parts.header(QUESTION, "These rollouts hold no score.")
    parts.needs_score(source)
    st.stop()

separation = data.analyse(source, "separation", signal=signal)
name = parts.signal_name(signal)
parts.header(
    QUESTION,
    f"AUROC over all problems {estimate(separation.auroc)}; within a problem "
    f"{estimate(separation.within_problem_auroc)}.",
)

figure_column, control_column = st.columns([4, 1], gap="medium")
with control_column:
    bins = st.select_slider("Bins", [10, 20, 40, 80], value=40, key="score_bins", persist_state="session")
    parts.equation(
        r"\mathrm{AUROC} = P\left(r_s^{+} > r_s^{-}\right) + \tfrac12 P\left(r_s^{+} = r_s^{-}\right)",
        "The probability that a correct solution scores above an incorrect one, ties counting half. Over all problems, "
        "a score that only knows which problems are easy already does well. **Within a problem**, both solutions "
        "answer the same question, so only knowing the solution helps; chance is 0.5.",
    )
distribution = data.analyse(source, "score_distribution", signal=signal, bins=bins)
with figure_column:
    parts.figure(
        score_histogram(distribution, threshold=0.5 if signal == "score" else None, signal=name),
        key="score_histogram",
        alt=f"Histograms of the {name} of correct and of incorrect solutions",
        see=f"{count(separation.n_correct, 'correct solution')} in blue, {separation.n_incorrect:,} incorrect ones in "
        "hatched vermilion. The less they overlap, the better the score tells them apart."
        + (
            f" {count(separation.n_unscored, 'solution')} without a score (cut off, or no answer) not shown."
            if separation.n_unscored
            else ""
        ),
    )

drill = data.analyse(source, "drill_down", signal=signal)
st.subheader("Where the score and the verifier disagree", anchor=False)
wrong, right = st.tabs(
    [
        f"Confident, but marked wrong ({len(drill.confident_wrong):,})",
        f"Unsure, but marked right ({len(drill.unsure_right):,})",
    ]
)
with wrong:
    st.caption("High scores on solutions the verifier rejects: mistakes of the model, or of the verifier.")
    parts.rollout_table(source, drill.confident_wrong, key="confident_wrong", signal=signal)
with right:
    st.caption("Low scores on solutions the verifier accepts.")
    parts.rollout_table(source, drill.unsure_right, key="unsure_right", signal=signal)
