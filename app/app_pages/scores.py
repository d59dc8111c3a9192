"""Scores: do correct and incorrect solutions get different scores, and what else does the score go with?"""

from __future__ import annotations

import streamlit as st

from app.data import cache, findings
from app.sections import scores
from app.widgets import choices, parts
from app.widgets.format import count, estimate

QUESTION = "Do correct solutions score higher than incorrect ones?"

source = cache.current()
signal = cache.signal_of(source)
if signal is None:
    parts.header(QUESTION, "These rollouts hold no score.")
    parts.needs_score(source)
    st.stop()

separation = findings.separated(source, signal)
parts.header(
    QUESTION,
    f"AUROC over all problems {estimate(separation.auroc)}; between solutions of the same problem "
    f"{estimate(separation.within_problem_auroc)}. Chance is 0.50.",
)

sections = {
    "Distribution": scores.scores,
    "Against length": scores.against_length,
    "Against another signal": scores.against_signal,
    "Against training step": scores.against_step,
    "Beside free signals": scores.beside_signals,
}
section = st.segmented_control(
    "What to look at",
    list(sections),
    default="Distribution",
    key="scores_section",
    required=True,
    label_visibility="collapsed",
    **choices.kept(source),
)
sections[section](source, signal)
parts.equation(
    r"\mathrm{AUROC} = P\left(r_s^{+} > r_s^{-}\right) + \tfrac12 P\left(r_s^{+} = r_s^{-}\right)",
    "The probability that a correct solution scores above an incorrect one, ties counting half. Over all problems, "
    "a score that only knows which problems are easy already does well. **Within a problem**, both solutions "
    "answer the same question, so only knowing the solution helps; chance is 0.5.",
)

drill = findings.drill_down(source, signal)
st.subheader("Where the score and the verifier disagree", anchor=False)
labels = (
    f"Confident, but marked incorrect ({count(len(drill.confident_incorrect), 'solution')})",
    f"Unsure, but marked correct ({count(len(drill.unsure_correct), 'solution')})",
)
wrong_tab, right_tab = st.tabs(labels)
with wrong_tab:
    st.caption(
        "High scores on solutions the verifier rejects, the highest first: mistakes of the model, or of the verifier."
    )
    parts.rollout_table(source, drill.confident_incorrect, key="confident_incorrect", signal=signal)
with right_tab:
    st.caption("Low scores on solutions the verifier accepts, the lowest first.")
    parts.rollout_table(source, drill.unsure_correct, key="unsure_correct", signal=signal)
