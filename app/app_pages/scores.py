"""Scores: do correct and incorrect solutions get different scores, over all problems and within one?"""

from __future__ import annotations

import streamlit as st

from app import data, findings, parts
from app.words import count, estimate, score_text
from laser_core.figures import score_histogram

QUESTION = "Do correct solutions score higher than incorrect ones?"

source = data.current()
signal = data.signal_of(source)
if signal is None:
    parts.header(QUESTION, "These rollouts hold no score.")
    parts.needs_score(source)
    st.stop()

separation = findings.separated(source, signal)
name = parts.signal_name(signal)
parts.header(
    QUESTION,
    f"AUROC over all problems {estimate(separation.auroc)}; between solutions of the same problem "
    f"{estimate(separation.within_problem_auroc)}. Chance is 0.50.",
)

left, right = st.columns([4, 1], gap="medium")
with right:
    bins = st.select_slider("Bins", [10, 20, 40, 80], value=40, key="score_bins", persist_state="session")
    parts.equation(
        r"\mathrm{AUROC} = P\left(r_s^{+} > r_s^{-}\right) + \tfrac12 P\left(r_s^{+} = r_s^{-}\right)",
        "The probability that a correct solution scores above an incorrect one, ties counting half. Over all problems, "
        "a score that only knows which problems are easy already does well. **Within a problem**, both solutions "
        "answer the same question, so only knowing the solution helps; chance is 0.5.",
    )
distribution = data.analyse(source, "score_distribution", signal=signal, bins=bins)
with right:
    st.markdown(
        f"Mean {name}  \ncorrect **{score_text(distribution.correct_mean.value)}**, "
        f"incorrect **{score_text(distribution.incorrect_mean.value)}**"
    )
with left:
    left_out = (
        f" {count(separation.n_unscored, 'solution')} without a score not shown." if separation.n_unscored else ""
    )
    parts.figure(
        score_histogram(distribution, threshold=separation.threshold, signal=name),
        key="score_histogram",
        alt=f"Histograms of the {name} of correct and of incorrect solutions",
        see=f"{count(separation.n_correct, 'correct solution')} in blue, {separation.n_incorrect:,} incorrect ones in "
        f"hatched vermilion. The less they overlap, the better the score tells them apart.{left_out}",
    )

drill = findings.drill_down(source, signal)
st.subheader("Where the score and the verifier disagree", anchor=False)
labels = (
    f"Confident, but marked incorrect ({len(drill.confident_wrong):,})",
    f"Unsure, but marked correct ({len(drill.unsure_right):,})",
)
wrong_tab, right_tab = st.tabs(labels)
with wrong_tab:
    st.caption(
        "High scores on solutions the verifier rejects, the highest first: mistakes of the model, or of the verifier."
    )
    parts.rollout_table(source, drill.confident_wrong, key="confident_wrong", signal=signal)
with right_tab:
    st.caption("Low scores on solutions the verifier accepts, the lowest first.")
    parts.rollout_table(source, drill.unsure_right, key="unsure_right", signal=signal)
