"""The choice of a problem, one choice for all pages."""

from __future__ import annotations

import streamlit as st

from app import data, findings

MAX_OPTIONS = 1000  # more would make every click slow to answer


def choose(source: data.Source, signal: str) -> str:
    """Draw the chooser: which kind of problems, and which of them.

    The two choices are shared by all pages, and a problem opened from a table is kept whatever the kind says.

    Returns
    -------
    str
        The problem's id.
    """
    lists, labels = findings.problem_lists(source, signal), findings.problem_labels(source, signal)
    kinds = [name for name in lists if lists[name]]
    telling = findings.HELPED if findings.HELPED in kinds else kinds[0]
    if st.session_state.get("problem_kind") not in kinds:
        st.session_state.pop("problem_kind", None)  # this run has none of that kind
    kind = st.selectbox(
        "Problems",
        kinds,
        index=kinds.index(telling),
        key="problem_kind",
        persist_state="session",
        on_change=lambda: st.session_state.pop("problem", None),
        width=250,
    )
    ids = lists[kind]
    if len(ids) > MAX_OPTIONS:
        wanted = st.text_input("Find problems that contain", key="problem_search", persist_state="session", width=260)
        found = [i for i in ids if wanted.lower() in labels[i].lower()] if wanted else ids
        ids = (found or ids)[:MAX_OPTIONS]
    kept = st.session_state.get("problem")
    if kept in labels and kept not in ids:
        ids = [kept, *ids]
    elif kept is not None and kept not in labels:
        st.session_state.pop("problem", None)
    problem_id = st.selectbox(
        f"Problem, {len(lists[kind]):,} of this kind",
        ids,
        key="problem",
        persist_state="session",
        format_func=lambda problem_id: labels[problem_id],
        width=290,
    )
    _step(ids, problem_id)
    return problem_id


def _step(ids: list[str], problem_id: str) -> None:
    """Two buttons, and two keys, that walk through the list."""

    def move(by: int) -> None:
        st.session_state["problem"] = ids[(ids.index(problem_id) + by) % len(ids)]

    with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom", width="content"):
        for label, by, key in (("Previous", -1, "P"), ("Next", 1, "N")):
            st.button(
                label,
                key=f"problem-{label}",
                on_click=move,
                args=(by,),
                shortcut=key,
                disabled=len(ids) < 2,
                width="content",
            )
