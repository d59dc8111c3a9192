"""Scores: do correct and incorrect solutions get different scores, and what else does the score correlate with?"""

from __future__ import annotations

import streamlit as st

from app.data import findings, sources
from app.format import estimate
from app.sections import scores, unscored
from app.widgets import choices, parts, rollout_table

source = sources.current()
signal = sources.signal_of(source)
if signal is None:
    parts.header("How do correct and incorrect solutions differ, without a score?", unscored.finding(source))
    unscored.body(source)
    st.stop()

separation = findings.separated(source, signal)
name = parts.signal_name(signal)
parts.header(
    f"Do correct solutions have a higher {name} than incorrect ones?",
    findings.derived(source, signal)
    or f"AUROC of the {name} over all problems {estimate(separation.auroc)}; between solutions of the same problem "
    f"{estimate(separation.within_problem_auroc)}. Chance is 0.50.",
)

sections = choices.by_value(scores.ScoresSection)
section = choices.one_of("Section", sections, key="scores_section", source=source, label_shown=False)
scores.show(scores.ScoresSection(section), source, signal)
parts.equation(
    r"\mathrm{AUROC} = P\left(r_s^{+} > r_s^{-}\right) + \tfrac12 P\left(r_s^{+} = r_s^{-}\right)",
    "The probability that a correct solution scores above an incorrect one, ties counting half. Over all problems, "
    "a score that only knows which problems are easy already does well. **Within a problem** both solutions answer "
    "the same question, so only knowledge of the solution helps; chance is 0.5.",
)

drill = findings.drill_down(source, signal)
st.subheader("Where the score and the verifier disagree", anchor=False)
labels = (
    f"High score, incorrect ({len(drill.confident_incorrect):,})",
    f"Low score, correct ({len(drill.unsure_correct):,})",
)
wrong_tab, right_tab = st.tabs(labels)
with wrong_tab:
    st.caption("Verified incorrect, the highest scores first: each is a mistake of the model or of the verifier.")
    rollout_table.show(source, drill.confident_incorrect, key="confident_incorrect", signal=signal)
with right_tab:
    st.caption("Verified correct, the lowest scores first.")
    rollout_table.show(source, drill.unsure_correct, key="unsure_correct", signal=signal)
