"""Thresholds: which score should count as "correct", what do mistakes cost, and is the score a probability?"""

from __future__ import annotations

import streamlit as st

from app.data import cache, findings, sources
from app.format import estimate, with_interval
from app.sections import thresholds, unscored
from app.widgets import parts
from laser_core import analysis

source = sources.current()
signal = sources.signal_of(source)
if signal is None:
    parts.header("Which threshold tells correct from incorrect?", f"It takes a score. {unscored.finding(source)}")
    unscored.body(source)
    st.stop()

name = parts.signal_name(signal)
question = (
    f"Is 0.5 the right threshold of the {name}?"
    if signal == "score"
    else f"Which threshold of {name} tells correct from incorrect?"
)

fixed = findings.separated(source, signal)
if not (fixed.n_correct and fixed.n_incorrect):
    parts.header(question, "A threshold needs both correct and incorrect solutions with scores; one kind is missing.")
    st.page_link("app_pages/voting.py", label="Votes need only one kind", icon=":material/how_to_vote:")
    st.stop()

tuned = cache.analyse(source, analysis.cross_fit, signal=signal).balanced_f1
better = (
    "better"
    if tuned.ci_low > fixed.balanced_f1.value
    else "worse"
    if tuned.ci_high < fixed.balanced_f1.value
    else "no better"
)
parts.header(
    question,
    findings.derived(source, signal)
    or f"At {fixed.threshold:.2f} the balanced F1 (TPR, TNR) is {estimate(fixed.balanced_f1)}. A threshold tuned on "
    f"held-out problems does {better}: {with_interval(tuned)}.",
)

thresholds.panel(source, signal)
parts.equation(
    r"F = \frac{2\,\mathrm{TPR}\cdot\mathrm{TNR}}{\mathrm{TPR}+\mathrm{TNR}}",
    "This is the “F1” of the LaSeR paper: the harmonic mean of the true positive and true negative rates, not of "
    "precision and recall. A score that accepts everything has balanced F1 0. The paper prints it twice: over scored "
    "solutions, and with unscored ones (truncated, no answer) counted as rejected. With a cost ratio *c* the best "
    "threshold maximises the number of true accepts minus *c* times the number of false accepts.",
)

if signal == "score":
    st.subheader("Is the score a probability?", anchor=False)
    thresholds.calibration(source)
