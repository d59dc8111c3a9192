"""Choices that outlive a page: kept for the session, and in the address so that a link opens the same view."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Literal, TypedDict, TypeVar

import streamlit as st

from app.data.sources import Source

T = TypeVar("T")
Option = TypeVar("Option", bound=StrEnum)


class Kept(TypedDict):
    """Keyword arguments of a Streamlit widget."""

    persist_state: Literal["session"]
    bind: Literal["query-params"] | None


def kept(source: Source) -> Kept:
    """Keyword arguments of a widget whose choice survives page switches and reloads.

    A bundled run's choices go into the address, so that a link reproduces the view. An upload's do not: they may be
    text of a private file, and the link would open for no one else.
    """
    return {"persist_state": "session", "bind": None if source.private else "query-params"}


def by_value(options: Iterable[Option]) -> dict[Option, str]:
    """Options whose values are their texts on the page."""
    return {option: option.value for option in options}


def one_of(label: str, labels: Mapping[T, str], *, key: str, source: Source, label_shown: bool = True) -> T:
    """Draw a row of buttons of which one is always chosen, the first one at first; return the choice.

    Parameters
    ----------
    label : str
        The control's name.
    labels : mapping
        The text of each option.
    key : str
        The widget's key.
    source : Source
        The run that is shown.
    label_shown : bool
        Whether the label is on the page; a screen reader gets it in any case.
    """
    options = list(labels)
    return st.segmented_control(
        label,
        options,
        default=options[0],
        key=key,
        required=True,
        format_func=labels.__getitem__,
        label_visibility="visible" if label_shown else "collapsed",
        **kept(source),
    )


def drop_outside(key: str, low: float, high: float) -> None:
    """Forget a slider's value that no longer lies within its range."""
    if key in st.session_state and not low <= st.session_state[key] <= high:
        st.session_state.pop(key)


def follow_run(key: str, run: str) -> bool:
    """Whether the run of the sidebar has changed since a widget last followed it; True at the widget's first drawing.

    A page then sets the widget's value to the run, so that the run in the sidebar is chosen everywhere.

    Parameters
    ----------
    key : str
        The widget's key.
    run : str
        The key of the run in the sidebar.
    """
    before = st.session_state.get(f"{key}_follows")
    st.session_state[f"{key}_follows"] = run
    return bool(before != run)


def with_run(
    key: str, run: str, otherwise: Sequence[str], *, offered: Collection[str], most: int | None = None
) -> None:
    """Put the run of the sidebar in front of a list of chosen runs whenever the sidebar's run changes.

    Parameters
    ----------
    key : str
        Of a multiselect, drawn after this call.
    run : str
        The key of the run in the sidebar.
    otherwise : sequence of str
        What is chosen beside it at first.
    offered : collection of str
        The widget's options; a run that is gone is forgotten.
    most : int, optional
        How many may be chosen.
    """
    if follow_run(key, run):
        chosen = [other for other in st.session_state.get(key) or otherwise if other in offered]
        if run not in chosen:
            chosen = [run, *chosen]
        st.session_state[key] = chosen[:most]
