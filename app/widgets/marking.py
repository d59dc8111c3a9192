"""Marking a solution: a bookmark, a note, and "the verifier is wrong here"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import streamlit as st

from app.data import marks
from app.data.sources import Source
from app.format import literal
from laser_core.rollouts.marks import MAX_NOTE, Mark, key_of

SYMBOLS = {"bookmark": "\u2605", "wrong_verdict": "\u2691", "note": "\u270e"}


def in_short(mark: Mark | None) -> str:
    """A mark in a table's cell: a star for a bookmark, a flag for a wrong verdict, a pencil for a note.

    >>> in_short(Mark(None, "p", 0, bookmark=True, note="odd")), in_short(None)
    ('\u2605 \u270e', '')
    """
    return "" if mark is None else " ".join(sign for name, sign in SYMBOLS.items() if getattr(mark, name))


def controls(source: Source, row: Mapping[str, object], *, key: str) -> None:
    """Three buttons that mark a solution; a callback keeps what they say with the run.

    Parameters
    ----------
    source : Source
        The run.
    row : mapping
        The solution, as a row of the rollout table.
    key : str
        Of the widgets; one for each place on a page.
    """
    mark = marks.of(source).get(key_of(row)) or Mark(*key_of(row))
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        then = replace(mark, bookmark=not mark.bookmark)
        _switch(mark.bookmark, ("Bookmark", "Bookmarked"), "bookmark", source, then, key=f"{key}-bookmark")
        if row.get("correct") is not None:
            texts = ("Verifier is wrong here", "Marked: verifier is wrong")
            then = replace(mark, wrong_verdict=not mark.wrong_verdict)
            _switch(mark.wrong_verdict, texts, "flag", source, then, key=f"{key}-wrong_verdict")
        note = f"{key}-note-{hash(mark.key)}"
        with st.popover("Note: " + literal(mark.note, 40) if mark.note else "Note", icon=":material/edit_note:"):
            st.text_area(
                "Note on this solution", mark.note, max_chars=MAX_NOTE, key=note, on_change=_written(note, source, mark)
            )
    if fault := st.session_state.pop(marks.FAULT, None):
        st.error(literal(fault), icon=":material/error:")


def _switch(on: bool, texts: tuple[str, str], icon: str, source: Source, then: Mark, *, key: str) -> None:
    """A button that is on or off; ``then`` is the mark after a click."""
    st.button(
        texts[on],
        key=key,
        icon=f":material/{icon}:",
        type="secondary" if on else "tertiary",
        on_click=marks.put,
        args=(source, then),
    )


def _written(widget: str, source: Source, mark: Mark) -> Callable[[], None]:
    """A callback: keep the note's text."""
    return lambda: marks.put(source, replace(mark, note=st.session_state[widget].strip()))
