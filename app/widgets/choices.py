"""Choices that outlive a page: kept for the session, and in the address where others can open the same view."""

from __future__ import annotations

import streamlit as st

from app.data import cache


def kept(source: cache.Source) -> dict[str, str | None]:
    """Keyword arguments of a widget whose choice survives page switches and reloads.

    A bundled run's choices go into the address, so that a link reproduces the view. An upload's do not: they may be
    text of a private file, and nobody else could open the link.
    """
    return {"persist_state": "session", "bind": None if source.private else "query-params"}


def drop_outside(key: str, low: float, high: float) -> None:
    """Forget a slider's value that no longer lies within its range."""
    if key in st.session_state and not low <= st.session_state[key] <= high:
        st.session_state.pop(key)
