"""The choice of a problem, one choice for all pages."""

from __future__ import annotations

import streamlit as st

from app.data import cache, findings
from app.widgets import choices

ANEW = "problem_anew"  # in the session's state: the list has changed, so its first problem is shown
MAX_OPTIONS = 1000  # more would make every click slow to answer
ORDERS = {"telling": "most telling first", "hardest": "hardest first", "easiest": "easiest first"}


def choose(source: cache.Source, signal: str) -> str:
    """Draw the chooser: which kind of problems, in which order, containing what, and which of them.

    The choices are shared by all pages, and a problem opened from a table is kept whatever the kind says.

    Returns
    -------
    str
        The problem's id.
    """
    lists, labels = findings.problem_lists(source, signal), findings.problem_labels(source, signal)
    kept = choices.kept(source)
    kinds = [name for name in lists if lists[name]]
    telling = findings.HELPED if findings.HELPED in kinds else kinds[0]

    def anew() -> None:
        st.session_state[ANEW] = True

    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        kind = st.selectbox(
            "Problems",
            kinds,
            index=kinds.index(telling),
            key="problem_kind",
            on_change=anew,
            width=225,
            **kept,
        )
        order = st.selectbox(
            "Order", list(ORDERS), key="problem_order", format_func=ORDERS.__getitem__, width=175, **kept
        )
        ids = findings.ordered_problems(source, signal, kind, order)
        wanted = st.text_input(
            "That contain",
            key="problem_search",
            placeholder="any text",
            on_change=anew,
            width=120,
            **kept,
        )
        found = [i for i in ids if wanted.lower() in labels[i].lower()] if wanted else ids
        ids = (found or ids)[:MAX_OPTIONS]
        if st.session_state.pop(ANEW, False):
            st.session_state["problem"] = ids[0]
        chosen = st.session_state.get("problem")
        if chosen in labels and chosen not in ids:
            ids = [chosen, *ids]
        problem_id = st.selectbox(
            f"Problem, {len(found):,} of this kind" if found or not wanted else "Problem: no text matches, all shown",
            ids,
            key="problem",
            format_func=lambda problem_id: labels.get(problem_id, problem_id),
            width=250,
            **kept,
        )
        _step(ids, problem_id)
    return problem_id


def _step(ids: list[str], problem_id: str) -> None:
    """Two buttons, and two keys, that walk through the list."""

    def move(by: int) -> None:
        st.session_state["problem"] = ids[(ids.index(problem_id) + by) % len(ids)]

    with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom", width="content"):
        for label, by, key, icon in (("Previous", -1, "P", "back"), ("Next", 1, "N", "forward")):
            st.button(
                f"{label} problem",  # heard, not seen
                icon=f":material/arrow_{icon}:",
                help=f"{label} problem",
                key=f"problem-{label}",
                on_click=move,
                args=(by,),
                shortcut=key,
                disabled=len(ids) < 2,
                width="content",
            )
