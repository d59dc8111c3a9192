"""The choice of a problem, one choice for all pages."""

from __future__ import annotations

import streamlit as st

from app.data import findings
from app.data.findings import KIND_LABELS, Kind, Order
from app.data.sources import Source
from app.widgets import choices

LIST_CHANGED = "problem_list_changed"  # in the session's state: the first problem of the new list is shown
MAX_OPTIONS = 1000  # more would slow down every click
FEW = 5  # a kind with fewer problems is not what a page opens on: there would be nothing to step through
ORDER_LABELS = {
    Order.INFORMATIVE: "most informative first",
    Order.HARDEST: "hardest first",
    Order.EASIEST: "easiest first",
}


def choose(source: Source, signal: str) -> str:
    """Draw the chooser: kind of problems, order, search, and the problem itself.

    All pages share the choices. A problem that was opened from a table stays chosen even if it is of another kind.

    Returns
    -------
    str
        The problem's id.
    """
    lists, labels = findings.problem_lists(source, signal), findings.problem_labels(source, signal)
    kept = choices.kept(source)
    kinds = [kind for kind in lists if lists[kind]]

    def start_over() -> None:
        st.session_state[LIST_CHANGED] = True

    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        kind = st.selectbox(
            "Problems",
            kinds,
            index=kinds.index(Kind.FIXED) if len(lists.get(Kind.FIXED, ())) >= FEW else 0,
            key="problem_kind",
            on_change=start_over,
            format_func=KIND_LABELS.__getitem__,
            width=205,
            **kept,
        )
        order = st.selectbox(
            "Order", list(ORDER_LABELS), key="problem_order", format_func=ORDER_LABELS.__getitem__, width=190, **kept
        )
        ids = findings.ordered_problems(source, signal, kind, order)
        wanted = st.text_input(
            "Search problems",
            key="problem_search",
            placeholder="any text",
            on_change=start_over,
            width=125,
            **kept,
        )
        found = [i for i in ids if wanted.lower() in labels[i].lower()] if wanted else ids
        ids = (found or ids)[:MAX_OPTIONS]
        if st.session_state.pop(LIST_CHANGED, False):
            st.session_state["problem"] = ids[0]
        chosen = st.session_state.get("problem")
        if chosen in labels and chosen not in ids:
            ids = [chosen, *ids]
        problem_id = st.selectbox(
            f"Problem, {len(found):,} of this kind" if found or not wanted else "Problem: no match, all shown",
            ids,
            key="problem",
            format_func=lambda problem_id: labels.get(problem_id, str(problem_id)),
            width=250,
            **kept,
        )
        _step(ids, problem_id)
    return problem_id


def _step(ids: list[str], problem_id: str) -> None:
    """Two buttons, each with a key, that step through the list."""

    def move(by: int) -> None:
        st.session_state["problem"] = ids[(ids.index(problem_id) + by) % len(ids)]

    with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom", width="content"):
        for label, by, key, icon in (("Previous", -1, "P", "back"), ("Next", 1, "N", "forward")):
            st.button(
                f"{label} problem",  # for screen readers; the button shows its icon
                icon=f":material/arrow_{icon}:",
                help=f"{label} problem",
                key=f"problem-{label}",
                on_click=move,
                args=(by,),
                shortcut=key,
                disabled=len(ids) < 2,
                width="content",
            )
