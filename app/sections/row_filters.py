"""The filters of the Rollouts page: by verdict, signal, length, step, tag and text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import pyarrow.compute as pc
import streamlit as st

from app.data import cache, marks, sources
from app.data.sources import Source
from app.format import short
from app.widgets import choices, parts
from laser_core import analysis
from laser_core.analysis import RolloutFilter, VerifierSays

MAX_TEXT = 200  # characters of a search
# The options are texts: Streamlit would offer to clear a chooser whose value is None.
TRUNCATED: dict[str, bool | None] = {"cut off or not": None, "cut off": True, "not cut off": False}
ANY_STEP = "any"
NO_TAG = "none"


class Marked(StrEnum):
    """Which marks a rollout must have; the values are the words on the page and in the address."""

    ANY = "marked or not"
    MARKED = "marked"
    BOOKMARK = "bookmarked"
    WRONG = "verifier is wrong"
    NOTE = "with a note"


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
    "rows_tag": NO_TAG,
    "rows_tag_values": [],
    "rows_tag_text": "",
    "rows_marked": Marked.ANY,
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
            truncated = TRUNCATED[one_of("Length limit", list(TRUNCATED), key="rows_truncated", source=source)]
        steps = cache.remember(source, ("training steps",), lambda: _steps(source))
        if len(steps) > 1:
            numbers = {f"{value:,}": value for value in steps}
            step = numbers.get(one_of("Training step", [ANY_STEP, *numbers], key="rows_step", source=source))
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        signal, low, high = _signal_range(source)
        problem = _search("Problem contains", key="rows_problem", source=source, width=210)
        answer = _search("Answer contains", key="rows_answer", source=source, width=160)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        response = _search("Response contains", key="rows_response", source=source, width=420)
        tag, values, text = _tag(source)
        _marked(source)
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
        tag=tag,
        tag_values=values,
        tag_text=text,
    )


def _tag(source: Source) -> tuple[str, tuple[str, ...], str]:
    """The tag to filter by, its values to keep, and the text to find in it; a file without tags has no such choice."""
    names = {parts.tag_name(tag): tag for tag in source.rollouts.tags}
    if not names:
        return "", (), ""

    def forget_values() -> None:  # they are another tag's
        st.session_state.update({"rows_tag_values": [], "rows_tag_text": ""})

    if st.session_state.get("rows_tag", NO_TAG) not in names:
        st.session_state["rows_tag"] = NO_TAG
    tag = names.get(
        st.selectbox(
            "Tag",
            [NO_TAG, *names],
            key="rows_tag",
            on_change=forget_values,
            width=160,
            help="A column of the file that is none of the rollout table's own.",
            **choices.kept(source),
        ),
        "",
    )
    if not tag:
        return "", (), ""
    values = cache.remember(source, ("tag values", tag), lambda: analysis.tag_values(source.rollouts, tag))
    if values is None:
        return tag, (), _search("Tag contains", key="rows_tag_text", source=source, width=160)
    chosen = [value for value in st.session_state.get("rows_tag_values") or [] if value in values]
    st.session_state["rows_tag_values"] = chosen
    shown = st.multiselect(
        "Tag is", values, key="rows_tag_values", format_func=short, placeholder="any value", **choices.kept(source)
    )
    return tag, tuple(shown), ""


def _marked(source: Source) -> None:
    """The choice of marked rollouts; a run without marks has none."""
    if marks.of(source):
        one_of("Marked", list(Marked), key="rows_marked", source=source)


def marked_as(source: Source) -> Marked:
    """Which marks the rollouts must have."""
    return Marked(st.session_state.get("rows_marked", Marked.ANY)) if marks.of(source) else Marked.ANY


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


def one_of(
    label: str,
    options: Sequence[str],
    labels: Mapping[str, str] | None = None,
    *,
    key: str,
    source: Source,
    width: int = 150,
) -> str:
    """Draw a choice among values of this run; one that only another run has is forgotten."""
    if st.session_state.get(key) not in options:
        st.session_state[key] = options[0]
    return st.selectbox(
        label,
        options,
        key=key,
        format_func=labels.__getitem__ if labels else str,
        width=width,
        **choices.kept(source),
    )
