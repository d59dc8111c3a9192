"""Slides made of the pages' own figures: one full-screen slide per figure, in the order of the pages.

A presenter's clicker is enough: Page Down goes on, Page Up goes back, across pages. "Controls" uncovers the page
behind a slide, in the same large type. Mode and slide are in the address, so that a reload keeps them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import streamlit as st

from app.format import literal, unescaped
from app.presentation import notes

ON = "present"  # key of the sidebar's switch, which binds it to the address
SLIDE = "slide"  # the number of the slide, from 1; 0 shows the page, LAST the page's last slide
LAST = -1
#: The pages with slides, in the order of the sidebar, each with its name there.
PAGES = {
    "start": "Start",
    "traces": "Traces",
    "pair": "Side by side",
    "groups": "Groups",
    "scores": "Scores",
    "thresholds": "Thresholds",
    "voting": "Voting",
    "compare": "Compare",
    "claims": "Claims",
    "train": "Train",
    "theory": "Theory",
}
_STYLE = Path(__file__).parent / "slides.css"


def on() -> bool:
    """Whether the app is in presentation mode."""
    return bool(st.session_state.get(ON, st.query_params.get(ON) == "true"))  # the switch is drawn later


def address() -> dict[str, str]:
    """What the next page's address begins with: the mode, where only this first page's address has asked for it.

    Later the sidebar's switch holds the mode, and writes it into the address itself.
    """
    return {ON: "true"} if on() and ON not in st.session_state else {}


def begin() -> None:
    """Before a page is drawn: forget the slides of the last one, and on a reload go to the one in the address."""
    st.session_state["deck"] = {}
    st.session_state["deck_header"] = ("", "")
    if SLIDE not in st.session_state:
        asked = st.query_params.get(SLIDE, "1")
        st.session_state[SLIDE] = int(asked) if asked.isdecimal() and len(asked) < 4 else 1
    if on():
        st.html(_STYLE)


def headline(question: str, finding: str) -> None:
    """Remember the page's question and finding for its first slide."""
    st.session_state["deck_header"] = (question, finding)
    st.session_state["deck_header_of"] = None


def slide(key: str, title: str) -> AbstractContextManager[object]:
    """Where a figure is drawn: in presentation mode a slide with a title, otherwise the page as it is.

    Parameters
    ----------
    key : str
        The figure's key.
    title : str
        What the figure shows. The first figure after :func:`headline` has the page's question and finding instead.
    """
    return _slide(key, title) if on() else contextlib.nullcontext()


@contextlib.contextmanager
def _slide(key: str, title: str) -> Iterator[None]:
    deck: dict[str, str] = st.session_state.setdefault("deck", {})
    deck.setdefault(key, title)  # a fragment draws its figure again on its own
    question, finding = st.session_state.get("deck_header", ("", ""))
    if question and st.session_state.get("deck_header_of") is None:
        st.session_state["deck_header_of"] = key
    first = st.session_state.get("deck_header_of") == key
    with st.container(key=f"slide-{key}", gap="xsmall"):
        with st.container(key=f"deck-title-{key}"):
            headed = f"{question}\n\n{finding}" if first and question else literal(unescaped(title))
            st.markdown(f"## {headed}", anchors=False)
        yield


def turn(page: str, shown: int, n_slides: int, by: int) -> tuple[str, int]:
    """The page and the slide that one step forward or back leads to.

    Parameters
    ----------
    page : str
        The current page.
    shown : int
        The current slide, from 1; 0 where the page itself is shown.
    n_slides : int
        Slides of the page.
    by : {1, -1}
        Forward or back.

    Examples
    --------
    >>> turn("scores", 1, 2, 1), turn("scores", 2, 2, 1), turn("scores", 1, 2, -1), turn("start", 1, 1, -1)
    (('scores', 2), ('thresholds', 1), ('groups', -1), ('start', 1))
    """
    if 1 <= shown + by <= n_slides:
        return page, shown + by
    order = list(PAGES)
    place = order.index(page) if page in order else 0
    if not 0 <= place + by < len(order):
        return page, shown
    return order[place + by], 1 if by > 0 else LAST


def end(page: str) -> None:
    """After a page is drawn: show the chosen slide, and the bar that leads to the others."""
    if not on():
        st.query_params.pop(SLIDE, None)
        return
    if st.session_state.get("tour") is not None:  # the tour's card turns the pages, in the same large type
        return
    keys = list(st.session_state.get("deck", {}))
    shown = min(int(st.session_state[SLIDE]), len(keys))
    shown = len(keys) if shown < 0 else shown
    st.session_state[SLIDE] = max(shown, 1) if keys == [] and shown else shown
    if st.query_params.get(SLIDE) != str(st.session_state[SLIDE]):
        st.query_params[SLIDE] = str(st.session_state[SLIDE])
    if shown:
        st.html(f"<style>{_full_screen(keys[shown - 1])}</style>")
    _bar(page, shown, keys)


def _full_screen(key: str) -> str:
    """The style that makes one slide cover the window, above the bar."""
    name = "".join(char if char.isalnum() or char in "-_" else "-" for char in key)
    return (
        f".st-key-slide-{name} {{ position: fixed !important; inset: 0; z-index: 999980; overflow: hidden auto; "
        "height: auto !important; width: auto !important; padding: 0.8rem 2rem 3.2rem; "
        f"background: light-dark(#ffffff, #14151c); }} .st-key-deck-title-{name} {{ display: flex !important; }}"
    )


def _bar(page: str, shown: int, keys: list[str]) -> None:
    with st.container(key="deck", horizontal=True, gap="small", vertical_alignment="center", wrap=False):
        st.button("Back", key="deck_back", on_click=_go, args=(page, shown, len(keys), -1), shortcut="PageUp")
        st.button(
            "Next", key="deck_next", on_click=_go, args=(page, shown, len(keys), 1), shortcut="PageDown", type="primary"
        )
        place = f"{shown} of {len(keys)}" if shown else f"page with {len(keys)} slides" if keys else "no slides"
        st.markdown(f"{PAGES.get(page, page.capitalize())}: {place}", width="stretch")
        if keys:
            st.button(
                "Controls" if shown else "Slides",
                key="deck_controls",
                icon=":material/tune:" if shown else ":material/slideshow:",
                on_click=_show,
                args=(0 if shown else 1,),
                shortcut="X",
                help="The page behind the slide, with every control.",
            )
        st.toggle("Notes", key="deck_notes", persist_state="session", help="What to say, for you or for a rehearsal.")
        st.button("End", key="deck_end", icon=":material/close:", on_click=_leave, help="Leave the presentation.")
    if st.session_state.get("deck_notes"):
        with st.container(key="deck-notes", border=True):
            st.markdown(notes.of(keys[shown - 1]) if shown else notes.OF_A_PAGE)


def _go(page: str, shown: int, n_slides: int, by: int) -> None:
    """A callback: one slide forward or back."""
    target, st.session_state[SLIDE] = turn(page, shown, n_slides, by)
    if target != page:
        st.session_state["go_to"] = f"app_pages/{target}.py"


def _show(number: int) -> None:
    """A callback: show a slide of this page, or the page itself with 0."""
    st.session_state[SLIDE] = number


def _leave() -> None:
    """A callback: back to the app with its sidebar."""
    st.session_state[ON] = False
    st.session_state[SLIDE] = 1
