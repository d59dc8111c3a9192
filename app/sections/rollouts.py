"""Sections of the Rollouts page: the filters, the order, and what can be done with the selection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pyarrow.compute as pc
import streamlit as st

from app.data import cache, downloads, selections, sources
from app.data.sources import Source
from app.format import count
from app.widgets import choices, parts
from laser_core import analysis
from laser_core.analysis import RolloutFilter, VerifierSays
from laser_core.rollouts import give_back

MAX_TEXT = 200  # characters of a search
# The options are texts: Streamlit would offer to clear a chooser whose value is None.
TRUNCATED: dict[str, bool | None] = {"cut off or not": None, "cut off": True, "not cut off": False}
ANY_STEP = "any"
ORDERS = {False: "lowest first", True: "highest first"}
NO_FILTER: dict[str, object] = {  # each filter's widget, and the value with which it keeps every row
    "rows_verifier": [],
    "rows_low": None,
    "rows_high": None,
    "rows_tokens_low": None,
    "rows_tokens_high": None,
    "rows_truncated": next(iter(TRUNCATED)),
    "rows_step": ANY_STEP,
    "rows_problem": "",
    "rows_answer": "",
    "rows_response": "",
}


def filters(source: Source) -> RolloutFilter:
    """Draw the filters that this run's columns allow; return what they ask for."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        verdicts = st.segmented_control(
            "Verifier",
            list(VerifierSays),
            selection_mode="multi",
            key="rows_verifier",
            format_func=lambda verdict: verdict.value,
            help="Choose one or more; none chosen keeps all.",
            **choices.kept(source),
        )
        tokens_low, tokens_high = _token_range(source)
        truncated = step = None
        if source.rollouts.has("truncated"):
            truncated = TRUNCATED[_one_of("Length limit", list(TRUNCATED), key="rows_truncated", source=source)]
        steps = cache.remember(source, ("training steps",), lambda: _steps(source))
        if len(steps) > 1:
            numbers = {f"{value:,}": value for value in steps}
            step = numbers.get(_one_of("Training step", [ANY_STEP, *numbers], key="rows_step", source=source))
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        signal, low, high = _signal_range(source)
        problem = _search("Problem contains", key="rows_problem", source=source, width=210)
        answer = _search("Answer contains", key="rows_answer", source=source, width=160)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        response = _search("Response contains", key="rows_response", source=source, width=420)
        st.button("Clear filters", key="rows_clear", on_click=clear, icon=":material/filter_alt_off:", type="tertiary")
    return RolloutFilter(
        verdicts=tuple(verdicts),
        signal=signal,
        signal_low=low,
        signal_high=high,
        tokens_low=tokens_low,
        tokens_high=tokens_high,
        truncated=truncated,
        step=step,
        problem=problem,
        answer=answer,
        response=response,
    )


def _search(label: str, *, key: str, source: Source, width: int) -> str:
    return st.text_input(
        label, key=key, max_chars=MAX_TEXT, placeholder="any text", width=width, **choices.kept(source)
    )


def clear() -> None:
    """A callback: keep every row."""
    st.session_state.update(NO_FILTER)


def _signal_range(source: Source) -> tuple[str, float | None, float | None]:
    """The signal to bound and show, and its bounds."""
    offered = source.all_signals
    if not offered:
        return "score", None, None
    default = sources.signal_of(source)
    if st.session_state.get("rows_signal", offered[0]) not in offered:
        st.session_state["rows_signal"] = default if default in offered else offered[0]

    def forget_bounds() -> None:  # they are in the unit of the signal before
        st.session_state.update({"rows_low": None, "rows_high": None})

    signal = st.selectbox(
        "Score or signal",
        offered,
        index=offered.index(default) if default in offered else 0,
        key="rows_signal",
        format_func=parts.signal_choice,
        on_change=forget_bounds,
        width=190,
        **choices.kept(source),
    )
    low, high = (
        st.number_input(
            label, value=None, step=0.1, format="%g", key=key, placeholder="any", width=115, **choices.kept(source)
        )
        for label, key in (("Score from", "rows_low"), ("Score up to", "rows_high"))
    )
    return signal, low, high


def _token_range(source: Source) -> tuple[int | None, int | None]:
    if not source.rollouts.has("n_tokens"):
        return None, None
    low, high = (
        st.number_input(
            label,
            value=None,
            min_value=0,
            max_value=2**31 - 1,
            step=1,
            key=key,
            placeholder="any",
            width=125,
            **choices.kept(source),
        )
        for label, key in (("Tokens from", "rows_tokens_low"), ("Tokens up to", "rows_tokens_high"))
    )
    return low, high


def _steps(source: Source) -> list[int]:
    if not source.rollouts.has("step"):
        return []
    return sorted(pc.drop_null(pc.unique(source.rollouts.table["step"])).to_pylist())


def _one_of(
    label: str, options: Sequence[str], labels: Mapping[str, str] | None = None, *, key: str, source: Source
) -> str:
    """A choice among values of this run; one that only another run has is forgotten."""
    if st.session_state.get(key) not in options:
        st.session_state[key] = options[0]
    return st.selectbox(
        label,
        options,
        key=key,
        format_func=labels.__getitem__ if labels else str,
        width=150,
        **choices.kept(source),
    )


def matching(source: Source, wanted: RolloutFilter) -> np.ndarray:
    """The rows that pass the filter, in the file's order; a session's last search is kept."""
    searched = (source.content_id, wanted)
    last = st.session_state.get("rows_found")
    if last is None or last[0] != searched:
        with st.spinner("Searching …"):
            last = searched, analysis.matching_rows(source.with_signals, wanted)
        st.session_state["rows_found"] = last
        if len(source.rollouts) >= cache.LARGE:
            give_back()
    return last[1]


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
        by = _one_of("Order by", list(names), names, key="rows_order", source=source)
        if not by:
            return rows
        descending = choices.one_of("Direction", ORDERS, key="rows_descending", source=source, label_shown=False)
    return analysis.sorted_rows(source.with_signals, rows, by=by, descending=descending)


def take_away(source: Source, wanted: RolloutFilter, rows: np.ndarray) -> None:
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
                args=(source, wanted, rows),
                icon=":material/filter_alt:",
                help="The selection becomes a run of its own in the sidebar, until this session ends.",
            )
