"""Compare: runs side by side, problem by problem, and along training."""

from __future__ import annotations

import streamlit as st

from app.data import cache, sources, training
from app.format import literal, with_interval
from app.sections import compare, train_phases
from app.widgets import browser, choices, parts
from laser_core.figures import training_figure
from laser_core.figures.runs import PANELS

QUESTION = "What does training the score change?"
CURVES = {panel.field: panel.title for panel in PANELS}

runs = sources.all_sources()
top = st.container()  # the header needs the choice made below it
current = sources.current().key
family, _ = compare.families(current)
beside = [key for key in runs if key in family or runs[key].private]
choices.with_run("compared", current, beside, offered=runs)
keys = st.multiselect(
    "Runs",
    list(runs),
    key="compared",
    persist_state="session",
    format_func=lambda key: runs[key].title,
)
shown = [runs[key] for key in keys if key in runs] or [sources.current()]
rows = compare.side_by_side(shown)
with top:
    parts.header(QUESTION, compare.comparison_sentence(shown))

left, right = st.columns(2, gap="medium")
with left:
    overlap = "All solved the same problems, so runs can differ even if bars overlap. "
    n = "n is in the table below."
    compare.comparison(rows, key="comparison", see=overlap + n if compare.same_problems(shown) else n)
events = {source.title: cache.events(source) for source in shown if source.events is not None}
opens = current in keys and runs[current].events is not None and bool(training.steps(runs[current]))


def open_step(step: int, row: int | None) -> None:
    """A callback: show a step's groups."""
    st.session_state.update({"group_step": step, "go_to": "app_pages/groups.py"})


with right:
    if events:
        curves = st.session_state.get("curves") or list(CURVES)[:2]
        parts.figure(
            training_figure(events, panels=curves),
            key="training",
            alt="Training curves of the runs",
            finding=" ".join(train_phases.told(title, run, curves) for title, run in events.items()),
            see="One point per training step, from the solutions sampled at that step, so not on held-out problems; "
            "one seed each, so no interval. LaSeR is the solid line, GRPO the dashed one."
            + (f" Click a point to open that step's groups of {literal(runs[current].title)}." if opens else ""),
            settings={"runs": ", ".join(source.title for source in shown)},
        )
        if opens:
            browser.on_click("training", key="training-click", on_pick=open_step)
        st.multiselect(
            "Curves",
            list(CURVES),
            default=list(CURVES)[:2],
            key="curves",
            persist_state="session",
            format_func=CURVES.__getitem__,
        )
    else:
        st.info("These runs come without training events, so there are no curves to draw.", icon=":material/info:")

if len(shown) > 1:
    st.subheader("Problem by problem", anchor=False)
    compare.paired(shown, current)

st.subheader("The numbers", anchor=False)
names = list(dict.fromkeys(name for row in rows.values() for name in row))
st.table(  # unlike a data frame, its type grows with the page's in presentation mode
    {"finding": names}
    | {
        literal(run): [with_interval(row[name], 3) if name in row else "" for name in names]
        for run, row in rows.items()
    }
)
st.caption(f"Values with 95% confidence intervals over problems. n: {compare.n_problems(rows)}.")
parts.equation(
    r"\Delta = \frac1P \sum_{p=1}^{P} \left(m_p^{(2)} - m_p^{(1)}\right)",
    "A paired difference: each problem is its own control. Metrics that are not means over problems (AUROC, balanced "
    "F1) are compared through each problem's influence on them, which amounts to the same.",
)
