"""Sections of the Rollouts page: the rows that match, their order, and what can be done with the selection."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import streamlit as st

from app.data import cache, downloads, selections
from app.data.sources import Source
from app.format import count
from app.sections import row_filters
from app.widgets import choices, parts
from laser_core import analysis
from laser_core.analysis import RolloutFilter
from laser_core.rollouts import give_back

ORDERS = {False: "lowest first", True: "highest first"}


def matching(source: Source, wanted: RolloutFilter) -> np.ndarray:
    """The rows that pass the filter, in the file's order.

    A session keeps its last answer, and the last one to a search in all responses: the other filters then choose among
    the rows that it found.
    """
    found: dict[RolloutFilter, np.ndarray] = st.session_state.get("rows_found", {}).get(source.content_id, {})
    rows = found.get(wanted)
    if rows is None:
        text_alone = RolloutFilter(signal=wanted.signal, tag=wanted.tag, response=wanted.response)
        searched = found.get(text_alone) if wanted.response else None
        rest = wanted if searched is None else replace(wanted, response="")
        with st.spinner("Searching …"):
            rows = analysis.matching_rows(source.with_signals, rest, among=searched)
        kept = {} if searched is None else {text_alone: searched}
        st.session_state["rows_found"] = {source.content_id: kept | {wanted: rows}}
        if len(source.rollouts) >= cache.LARGE:
            give_back()
    return rows


def ordered(source: Source, rows: np.ndarray, signal: str) -> np.ndarray:
    """Draw the choice of an order over the whole selection; return the rows in it."""
    names = {
        signal: parts.signal_choice(signal),
        "correct": "verifier",
        "n_tokens": "tokens",
        "truncated": "cut off",
        "step": "training step",
        "problem": "problem",
        "answer": "answer",
    }
    names = {"": "the file"} | {name: text for name, text in names.items() if source.with_signals.has(name)}
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        by = row_filters.one_of("Order by", list(names), names, key="rows_order", source=source)
        if not by:
            return rows
        descending = choices.one_of("Direction", ORDERS, key="rows_descending", source=source, label_shown=False)
    return analysis.sorted_rows(source.with_signals, rows, by=by, descending=descending)


def take_away(source: Source, rows: np.ndarray) -> None:
    """Draw the buttons that download the selection and that show it on every page."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for file_format in downloads.FORMATS:
            st.download_button(
                file_format.label,
                partial(downloads.rows_as_file, source, rows, file_format),
                f"selection.{file_format.suffix}",
                key=f"selection-{file_format.suffix}",
                on_click="ignore",
                icon=":material/download:",
                help=f"Download {count(len(rows), 'solution')} in the order of the table, with every column.",
            )
        if len(rows) < len(source.rollouts):
            st.button(
                "Show these on every page",
                key="selection-run",
                on_click=selections.choose,
                args=(source, rows),
                icon=":material/filter_alt:",
                help="The selection becomes a run of its own in the sidebar, until this session ends.",
            )
