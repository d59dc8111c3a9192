"""Side by side: two solutions of one problem, of one run or of two, their differences and the reference model."""

from __future__ import annotations

import streamlit as st

from app.data import marks, sources
from app.format import literal
from app.sections import pair, traces
from app.widgets import parts, problem_chooser
from laser_core.rollouts.prompts import question

QUESTION = "Where do two solutions part?"

if st.session_state.pop(marks.CHANGED, False):
    st.rerun()  # the sidebar, drawn already, counts the marked verdicts

source = sources.current()
signal = sources.signal_of(source) or "score"
top = st.container()  # its finding is about the solutions chosen below
problem = problem_chooser.choose(source, signal)
second = pair.other_run(source, sources.all_sources())
first_view, second_view = pair.view_in(source, problem), pair.view_in(second, problem)

sides = []
if first_view is not None:
    text = question(next(iter(first_view.rows.values())).get("problem") or problem)
    traces.whole_problem(first_view)
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        sides.append(pair.choose(first_view, "left", correct=True))
    with right, st.container(border=True):
        if second_view is None:
            st.info(f"“{literal(second.title)}” has no solutions of this problem.", icon=":material/info:")
        else:
            same = second.content_id == source.content_id
            taken = st.session_state.get("pair_left") if same else None
            sides.append(pair.choose(second_view, "right", correct=not same, taken=taken))
pairs = [side for side in sides if side is not None]
alone = first_view is not None and len(first_view.rows) == 1 and second.content_id == source.content_id

with top:
    if len(pairs) < 2:
        parts.header(QUESTION, "Choose a problem with two solutions." if second_view is not None else "")
    elif alone:
        told = "this problem has one solution. Choose another problem, or another run for the right side."
        parts.header(QUESTION, f"“{literal(text, 300)}”: {told}")
    else:
        difference = pair.compared(pairs)
        parts.header(QUESTION, f"“{literal(text, 300)}”: {pair.finding(difference)}")
if len(pairs) == 2 and not alone:
    pair.show(pairs[0], pairs[1], difference)
