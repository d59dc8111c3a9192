"""Compare: runs side by side, and how they got there."""

from __future__ import annotations

import streamlit as st

from app import data, findings, parts
from app.words import count, interval, literal, number
from laser_core.figures import comparison_figure, training_figure
from laser_core.figures.runs import PANELS

QUESTION = "What does training the score change?"
CURVES = {field: title for field, title, _ in PANELS}

sources = data.all_sources()
top = st.container()  # the header needs the choice made below it
keys = st.multiselect(
    "Runs",
    list(sources),
    default=list(sources),
    key="compared",
    persist_state="session",
    format_func=lambda key: sources[key].title,
)
shown = [sources[key] for key in keys if key in sources] or [data.current()]
rows = findings.side_by_side(shown)
with top:
    parts.header(QUESTION, findings.comparison_sentence(shown))

left, right = st.columns(2, gap="medium")
with left:
    parts.figure(
        comparison_figure(rows, chance=0.5),
        key="comparison",
        alt="Accuracy, AUROC, balanced F1 and vote accuracy of each run with 95% intervals",
        see="Markers are estimates, bars 95% intervals over problems."
        + (
            " Bars may overlap where runs differ: all solved the same problems."
            if findings.same_problems(shown)
            else ""
        ),
    )
events = {source.title: data.events(source) for source in shown if source.events is not None}
with right:
    if events:
        curves = st.session_state.get("curves") or list(CURVES)[:2]
        parts.figure(
            training_figure(events, panels=curves),
            key="training",
            alt="Training curves of the runs",
            see="One point per training step, from the solutions sampled at that step, so not on held-out problems. "
            "LaSeR is the solid line, GRPO the dashed one.",
        )
        st.multiselect(
            "Curves",
            list(CURVES),
            default=list(CURVES)[:2],
            key="curves",
            persist_state="session",
            format_func=lambda field: CURVES[field],
        )
    else:
        st.info("These runs come without training events, so there are no curves to draw.", icon=":material/info:")

st.subheader("The numbers", anchor=False)
names = list(dict.fromkeys(name for row in rows.values() for name in row))
st.dataframe(
    {"finding": names}
    | {
        run: [
            f"{number(row[name].value, 3)}  ({interval(row[name], digits=3)})" if name in row else "" for name in names
        ]
        for run, row in rows.items()
    },
    hide_index=True,
    height="content",
)
solved = "; ".join(f"{literal(run)} {count(row['accuracy'].n, 'problem')}" for run, row in rows.items())
st.caption(f"Value and 95% interval, with the problem as the unit. n: {solved}.")
