"""The sidebar: which rollouts, which signal, and the upload. A bad file changes nothing but the message."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app import data
from app.words import count, literal
from laser_core.errors import InputError

SUFFIXES = ["parquet", "jsonl", "json", "ndjson", "csv", "tsv", "gz", "zst"]


def show(*, standalone: bool = False) -> bool:
    """Draw the sidebar; False where there is nothing to analyse yet, which the main area then says.

    The chosen run is bound to the URL, so that a link reproduces the view of a bundled run.

    Parameters
    ----------
    standalone : whether the page works without rollouts; it is then shown in any case.
    """
    sources = data.all_sources()
    with st.sidebar:
        if sources:
            keys = list(sources)
            default = keys.index(data.DEFAULT_RUN) if data.DEFAULT_RUN in keys else 0
            if st.session_state.get("run") not in keys:
                st.session_state.pop("run", None)  # an upload of an earlier session, or a run that is gone
            st.selectbox(
                "Rollouts",
                keys,
                index=default,
                key="run",
                format_func=lambda key: sources[key].title,
                bind="query-params",
                help="The run that every page shows. Upload your own below.",
            )
            _about(data.current())
        _upload()
        if st.toggle("Large type", key="large_type", persist_state="session", help="For a projector or tired eyes."):
            st.html(Path(__file__).parent / "large.css")
    if not sources and not standalone:
        st.title("No rollouts yet")
        st.write(
            "This copy has no bundled rollouts. Upload a file of rollouts in the sidebar, or make one with "
            "`laser sample MODEL --task linear -n 16 --out rollouts.parquet`."
        )
    return bool(sources) or standalone


def _about(source: data.Source) -> None:
    rollouts = source.rollouts
    n_problems = len(rollouts.table["problem_id"].unique())
    st.caption(f"{count(n_problems, 'problem')}, {count(len(rollouts), 'solution')}. {literal(source.description)}")
    if len(source.signals) > 1:
        st.selectbox(
            "Score or signal",
            source.signals,
            key="signal",
            persist_state="session",
            format_func=lambda name: "last-token score" if name == "score" else name.removeprefix("signal."),
            help="Which column stands in the score's place on every page.",
        )


def _upload() -> None:
    st.file_uploader(
        "Your own rollouts",
        type=SUFFIXES,
        key="upload",
        on_change=_take_upload,
        help="Parquet or JSONL of this project, or the JSONL that the official LaSeR evaluation writes. "
        "The file stays in this session and is gone with it.",
    )
    if error := st.session_state.get("bundled_error"):
        st.error(f"A bundled run cannot be read. {literal(error)}", icon=":material/error:")
    if error := st.session_state.get("upload_error"):
        st.error(f"{literal(error)} The rollouts shown are still the previous ones.", icon=":material/error:")
    elif notice := st.session_state.get("upload_notice"):
        st.success(literal(notice), icon=":material/check_circle:")


def _take_upload() -> None:
    """Read the new upload before the page runs; on failure keep everything but the message."""
    st.session_state.pop("upload_error", None)
    st.session_state.pop("upload_notice", None)
    file = st.session_state.get("upload")
    if file is None:  # removed from the widget: its rollouts stay until the session ends
        return
    try:
        key = data.add_upload(file.name, file.getvalue())
    except InputError as error:
        st.session_state["upload_error"] = str(error)
        return
    source = data.uploaded_sources()[key]
    refused = source.result.n_refused
    st.session_state["run"] = key
    st.session_state["upload_notice"] = f"{source.title}: {count(len(source.rollouts), 'solution')} read" + (
        f", {count(refused, 'row')} refused (see Data)." if refused else "."
    )
