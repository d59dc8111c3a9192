"""The sidebar: which rollouts, which signal, and the upload. A bad file changes nothing but the message."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.data import cache, uploads
from app.tour import tour
from app.widgets import choices
from app.widgets.format import count, literal


def show(*, standalone: bool = False) -> bool:
    """Draw the sidebar; False where there is nothing to analyse yet, which the main area then says.

    The chosen run is bound to the URL, so that a link reproduces the view of a bundled run.

    Parameters
    ----------
    standalone : whether the page works without rollouts; it is then shown in any case.
    """
    sources = cache.all_sources()
    with st.sidebar:
        if sources:
            keys = list(sources)
            default = keys.index(cache.DEFAULT_RUN) if cache.DEFAULT_RUN in keys else 0
            if st.session_state.get("run", keys[default]) not in keys:  # a run that is gone
                st.session_state["run"] = keys[default]  # set, not removed: the browser would show the old name
            st.selectbox(
                "Rollouts",
                keys,
                index=default,
                key="run",
                format_func=lambda key: sources[key].title,
                bind="query-params",
                help="The run that every page shows. Upload your own below.",
            )
            _about(cache.current())
        _upload()
        if st.toggle("Presentation", key="large_type", persist_state="session", help="Larger type, for a projector."):
            st.html(Path(__file__).parent / "large.css")
        if sources:
            st.button(
                "Guided tour", key="tour_sidebar", icon=":material/tour:", on_click=tour.go, args=(0,), type="tertiary"
            )
    if not sources and not standalone:
        st.title("No rollouts yet")
        st.write(
            "This copy has no bundled rollouts. Upload a file of rollouts in the sidebar, or make one with "
            "`laser sample MODEL --task linear -n 16 --out rollouts.parquet`."
        )
    return bool(sources) or standalone


def _about(source: cache.Source) -> None:
    rollouts = source.rollouts
    st.caption(
        f"{count(source.n_problems, 'problem')}, {count(len(rollouts), 'solution')}. {literal(source.description)}"
    )
    offered = source.all_signals
    if len(offered) > 1 or offered != source.signals:
        own = source.signals[0] if source.signals else None
        if st.session_state.get("signal", own) not in [None, *offered]:
            st.session_state["signal"] = own  # set, not removed: the browser would show the old name
        st.selectbox(
            "Score or signal",
            offered,
            index=offered.index(own) if own else None,
            key="signal",
            format_func=lambda name: "last-token score" if name == "score" else name.removeprefix("signal."),
            placeholder="none of its own: choose one",
            help="Which column stands in the score's place on every page. Beside the file's own there are signals that "
            "cost nothing, made from token log-probs, entropies and lengths.",
            **choices.kept(source),
        )


def _upload() -> None:
    st.file_uploader(
        "Your own rollouts",
        type=uploads.SUFFIXES,
        accept_multiple_files=True,
        key="upload",
        on_change=uploads.take,
        args=("upload",),
        help="Parquet, JSONL or CSV of this project, or what the official LaSeR evaluation, verl, TRL, lm-eval and "
        "others write; several files become runs to compare. They stay in this session and are gone with it.",
    )
    if error := st.session_state.get("bundled_error"):
        st.error(f"A run cannot be read. {literal(error)}", icon=":material/error:")
    for error in st.session_state.get("upload_errors", ()):
        st.error(f"{literal(error)} The rollouts shown are still the previous ones.", icon=":material/error:")
    if notice := st.session_state.get("upload_notice"):
        st.success(literal(notice), icon=":material/check_circle:")
    if uploads.waiting():
        st.warning(
            "Columns without known names: say on the page Data what they hold in "
            + ", ".join(literal(name, 60) for name in uploads.waiting())
            + ".",
            icon=":material/help:",
        )
