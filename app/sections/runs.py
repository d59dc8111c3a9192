"""The Start page's last section: the bundled runs and this one side by side, and the way to one's own."""

from __future__ import annotations

import streamlit as st

from app.data import sources, uploads
from app.data.sources import Source
from app.format import literal
from app.sections import compare


def _show(key: str) -> None:
    """A callback: show a run on every page."""
    st.session_state["run"] = key


def side_by_side(source: Source) -> None:
    """The bundled runs and this one: their numbers, and the way to each."""
    family, others = compare.families(source.key)
    shown = [*family.values(), *([source] if source.private else [])]
    elsewhere = list(others.values())[:1]
    same = compare.same_problems(shown)
    st.subheader("The same problems, before and after training" if same else "Runs side by side", anchor=False)
    rows = compare.side_by_side(shown)
    chart, choice = st.columns([3, 2], gap="medium")
    with chart:
        compare.comparison(
            rows,
            key="start_comparison",
            see="A high AUROC with an AUROC within a problem near 0.5 means that the score knows which problems are "
            f"easy, not which solutions are correct. n: {compare.n_problems(rows)}.",
        )
    with choice:
        for other in [*shown, *elsewhere]:
            with st.container(border=True):
                st.markdown(f"**{literal(other.title)}** · {literal(other.description)}")
                if other.key == source.key:
                    st.caption(":material/check: shown on every page")
                else:
                    st.button(
                        "Look at this run",
                        key=f"look-{other.key}",
                        on_click=_show,
                        args=(other.key,),
                        icon=":material/visibility:",
                        type="tertiary",
                    )
        with st.container(border=True):
            st.markdown("**Your own rollouts**")
            _own(source)


def _own(source: Source) -> None:
    """The uploader, and the session's uploads with the way to each."""
    uploads.uploader("Drop files here", key="upload_start")
    for key, upload in reversed(sources.uploaded_sources().items()):
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
            st.button(
                literal(upload.title, 40),
                key=f"open-{key}",
                on_click=_show,
                args=(key,),
                icon=":material/check:" if key == source.key else ":material/history:",
                type="tertiary",
            )
            st.button(
                "",
                key=f"forget-{key}",
                on_click=uploads.forget,
                args=(key,),
                icon=":material/delete:",
                type="tertiary",
                help="Forget this file",
            )
