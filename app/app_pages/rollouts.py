"""Rollouts: one table of all solutions, to filter, sort, search and take away."""

from __future__ import annotations

import math

import streamlit as st

from app.data import sources
from app.format import count, estimate, literal
from app.sections import marked, rollouts, row_filters
from app.widgets import parts, rollout_table
from laser_core import analysis
from laser_core.analysis import VerifierSays

source = sources.current()
top = st.container()  # the header counts what the filters below it keep
wanted = row_filters.filters(source)
rows = marked.among(source, rollouts.matching(source, wanted), row_filters.marked_as(source))

with top:
    everything = len(source.rollouts)
    accuracy = analysis.accuracy_of_rows(source.rollouts, rows)
    whole = f"all {count(everything, 'solution')}" if everything > 1 else "1 solution"
    kept = whole if len(rows) == everything else f"{len(rows):,} of {everything:,}"
    kept += " solutions match" if len(rows) != everything else ""
    if wanted.verdicts and not {VerifierSays.CORRECT, VerifierSays.INCORRECT} <= set(wanted.verdicts):
        truth = "the verifier filter sets their accuracy"
    elif math.isfinite(accuracy.value):
        truth = f"accuracy {estimate(accuracy)}"
    else:
        truth = "without verdicts they have no accuracy"
    parts.header(
        "Which solutions are behind the numbers?",
        f"“{literal(source.title)}”: {kept}; {truth}."
        if len(rows)
        else f"No solution in the run “{literal(source.title)}” matches these filters.",
    )

if len(rows):
    shown = rollouts.ordered(source, rows, wanted.signal)
    rollout_table.show(source, shown, key="all_rollouts", signal=wanted.signal, details=True, found=wanted.response)
    rollouts.take_away(source, shown)
    st.caption(
        "Accuracy is the mean over problems of the share of correct solutions among those selected; solutions without "
        "a verdict are left out. Under a filter it describes the selection, not the model."
    )
else:
    st.caption("A search finds plain text, upper or lower case. Clear the filters to see all solutions again.")
marked.section(source)
