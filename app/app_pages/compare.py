"""Compare: runs side by side, problem by problem, and how they got there."""

from __future__ import annotations

import streamlit as st

from app.data import cache
from app.sections import compare
from app.widgets import parts
from app.widgets.format import count, interval, literal, number
from laser_core.errors import InputError
from laser_core.figures import (
    comparison_figure,
    paired_difference_figure,
    score_animation,
    training_figure,
    violin_figure,
    voting_difference_figure,
)
from laser_core.figures.runs import PANELS

QUESTION = "What does training the score change?"
CURVES = {field: title for field, title, _ in PANELS}

sources = cache.all_sources()
top = st.container()  # the header needs the choice made below it
keys = st.multiselect(
    "Runs",
    list(sources),
    default=[key for key in sources if key in cache.bundled_sources() or sources[key].private],
    key="compared",
    persist_state="session",
    format_func=lambda key: sources[key].title,
)
shown = [sources[key] for key in keys if key in sources] or [cache.current()]
rows = compare.side_by_side(shown)
with top:
    parts.header(QUESTION, compare.comparison_sentence(shown))
made = {"runs": ", ".join(source.title for source in shown)}


def paired() -> None:
    """One run less another on the problems both have."""
    scored = [source for source in shown if cache.signal_of(source) is not None] or shown
    titles = {source.key: source.title for source in scored}
    keep = {"format_func": titles.__getitem__, "persist_state": "session", "width": 280}
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        second = sources[st.selectbox("This run", list(titles), key="second_run", **keep)]
        others = [key for key in titles if key != second.key]
        first = sources[st.selectbox("less this one", others, key="first_run", **keep)]
    signal = cache.signal_of(second) or "score"
    try:
        found = compare.compared(first, second, signal)
    except InputError as error:
        st.info(literal(error), icon=":material/info:")
        return
    within = found.within_problem_auroc.difference
    left, right = st.columns(2, gap="medium")
    alone = found.n_only_first + found.n_only_second
    with left:
        parts.figure(
            paired_difference_figure(found, names=(first.title, second.title)),
            key="compare_paired",
            alt="Difference of the two runs in accuracy, AUROC, balanced F1 and votes, with 95% intervals",
            see=f"{literal(second.title)} less {literal(first.title)}, in points, with 95% intervals paired by "
            f"problem, "
            f"n = {count(found.n_problems, 'common problem')}"
            + (f" ({alone:,} others left out)" if alone else "")
            + f". AUROC within a problem changes by {100 * within.value:+.1f} points "
            f"({interval(within, scale=100, digits=1, sign='+')}). An interval that covers 0 shows no difference.",
            settings=made | {"second": second.title, "first": first.title},
        )
    with right:
        parts.figure(
            voting_difference_figure(found, names=(first.title, second.title)),
            key="compare_votes",
            alt="Difference of the two runs in vote accuracy against the number of solutions",
            see="The same difference for votes, as N grows. What makes a problem hard is hard for both runs and "
            "cancels, so the intervals are narrower than those of the runs side by side.",
            settings=made | {"second": second.title, "first": first.title},
        )
    spread(first, second, signal)


def spread(first: cache.Source, second: cache.Source, signal: str) -> None:
    """Where the scores of both lie, and the way from one to the other."""
    if not all(source.with_signals.has(signal) for source in (first, second)):
        return
    name, decision = parts.signal_label(signal), 0.5 if signal == "score" else None
    left, right = st.columns(2, gap="medium")
    with left:
        shapes = {source.title: compare.shape(source, signal) for source in (first, second)}
        n = "; ".join(f"{literal(t)} {s.correct.n:,} correct, {s.incorrect.n:,} incorrect" for t, s in shapes.items())
        parts.figure(
            violin_figure(shapes, threshold=decision, signal=name),
            key="compare_violins",
            alt=f"Violins of the {name} of correct and incorrect solutions of both runs",
            see=f"Where the scores gather, run by run; each side is as wide as its own peak. Dots are medians, bars "
            f"the middle half. n: {n}.",
            settings=made | {"signal": signal},
        )
    with right:
        others = [first, *(source for source in shown if source.key not in (first.key, second.key))]
        ways = [(start, steps) for start in others if (steps := compare.way(start, second, signal)) is not None]
        if not ways:
            st.info(
                "No animation: these two runs are not two moments of one training. Rollouts of several steps in one "
                "file, or a run before training beside one after it, are.",
                icon=":material/info:",
            )
            return
        start, steps = ways[0]
        parts.figure(
            score_animation(steps, threshold=decision, signal=name),
            key="compare_animation",
            alt=f"Histograms of the {name} step by step, as an animation",
            see=f"From {literal(start.title)} to {literal(second.title)}, {count(len(steps.step), 'step')}: "
            "press play. "
            "A run that names no step counts as step 0. Shares of each kind; n is in the legend.",
            settings=made | {"signal": signal},
        )


left, right = st.columns(2, gap="medium")
with left:
    parts.figure(
        comparison_figure(rows, chance=0.5),
        key="comparison",
        alt="Accuracy, AUROC, balanced F1 and vote accuracy of each run with 95% intervals",
        see="Markers are estimates, bars 95% intervals over problems; n is in the table below."
        + (
            " Bars may overlap where runs differ: all solved the same problems." if compare.same_problems(shown) else ""
        ),
        settings=made,
    )
events = {source.title: cache.events(source) for source in shown if source.events is not None}
with right:
    if events:
        curves = st.session_state.get("curves") or list(CURVES)[:2]
        parts.figure(
            training_figure(events, panels=curves),
            key="training",
            alt="Training curves of the runs",
            see="One point per training step, from the solutions sampled at that step, so not on held-out problems; "
            "one seed each, so no interval. LaSeR is the solid line, GRPO the dashed one.",
            settings=made,
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

if len(shown) > 1:
    st.subheader("Problem by problem", anchor=False)
    paired()

st.subheader("The numbers", anchor=False)
names = list(dict.fromkeys(name for row in rows.values() for name in row))
st.table(  # not a data frame: its words grow with the others in a presentation
    {"finding": names}
    | {
        literal(run): [
            f"{number(row[name].value, 3)} ({interval(row[name], digits=3)})" if name in row else "" for name in names
        ]
        for run, row in rows.items()
    }
)
solved = "; ".join(f"{literal(run)} {count(row['accuracy'].n, 'problem')}" for run, row in rows.items())
st.caption(f"Value and 95% interval, with the problem as the unit. n: {solved}.")
parts.equation(
    r"\Delta = \frac1P \sum_{p=1}^{P} \left(m_p^{(2)} - m_p^{(1)}\right)",
    "A paired difference: each problem is its own control. Metrics that are no mean over problems (AUROC, balanced F1) "
    "are compared through each problem's influence on them, which comes to the same.",
)
