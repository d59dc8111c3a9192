"""Compare: runs side by side, and how they got there."""

from __future__ import annotations

import streamlit as st

from app import data, findings, parts
from app.words import count, interval, number
from laser_core.figures import comparison_figure, training_figure

QUESTION = "What does training the score change?"

sources = data.all_sources()
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
title = st.empty()
parts.header(QUESTION, findings.comparison_sentence(shown))

chart, table = st.columns([3, 2], gap="large")
with chart:
    parts.figure(
        comparison_figure(rows, chance=0.5),
        key="comparison",
        alt="Accuracy, AUROC, balanced F1 and vote accuracy of each run with 95% intervals",
        see="Markers are estimates, bars 95% intervals over problems. Runs whose bars overlap can still differ: "
        "they solved the same problems.",
    )
with table:
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    st.dataframe(
        {"": names}
        | {
            run: [
                f"{number(row[name].value, 3)}  ({interval(row[name], digits=3)})" if name in row else ""
                for name in names
            ]
            for run, row in rows.items()
        },
        hide_index=True,
        height="content",
    )
    st.caption(
        "Value and 95% interval. n: "
        + "; ".join(f"{run} {count(row['accuracy'].n, 'problem')}" for run, row in rows.items())
        + "."
    )

events = {source.title: data.events(source) for source in shown if source.events is not None}
if events:
    st.subheader("How they got there", anchor=False)
    parts.figure(
        training_figure(events),
        key="training",
        alt="Training curves of the runs",
        see="One point per training step, from the solutions sampled at that step, so not on held-out problems. LaSeR "
        "is the solid line, GRPO the dashed one.",
    )
