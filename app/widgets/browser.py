"""What needs a script in the browser: saving a figure as PNG, linked hovering of a figure and texts, scrolling.

The scripts beside this file are given names and numbers only, never text of rollouts. The app works without them:
figures have a toolbar, and every choice has a widget.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

_SCRIPTS = Path(__file__).parent
_PICTURE_CSS = """
button { font: inherit; width: 100%; min-height: 2.5rem; padding: 0.25rem 0.75rem; cursor: pointer;
  color: var(--st-text-color); background: var(--st-background-color);
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius, 0.5rem); }
button:hover, button:focus-visible { border-color: var(--st-primary-color); color: var(--st-primary-color); }
"""


@st.cache_resource(show_spinner=False)
def _component(name: str, html: str | None = None, css: str | None = None) -> Callable[..., Any]:
    script = (_SCRIPTS / f"{name}.js").read_text(encoding="utf-8")
    return st.components.v2.component(f"laser_{name}", html=html, css=css, js=script)


def picture_button(figure: str) -> None:
    """A button that saves the figure with this key as a PNG."""
    button = _component("picture", "<button type='button'>Picture (PNG)</button>", _PICTURE_CSS)
    button(key=f"{figure}-png", data={"figure": figure})


def scroll_to(place: str, *, moment: str) -> None:
    """Scroll a keyed container into view, once for each ``moment``."""
    _component("scroll")(key=f"{place}-scroll", data={"place": place, "moment": moment})


def link_tokens(
    figure: str,
    strips: list[str],
    *,
    first: int,
    key: str,
    on_pick: Callable[[int, int | None], None],
    marked: float | None = None,
) -> None:
    """Link a figure over tokens with the texts of the same tokens: hovering marks a token in all, a click picks it.

    Parameters
    ----------
    figure : str
        Key of the figure.
    strips : list of str
        Keys of the containers that hold one :func:`~laser_core.figures.token_strip_html` each.
    first : int
        Number of the first token in them, counted from 1.
    key : str
        The component's key.
    on_pick : callable
        Called with the picked token, and the row if it is a cell of the heatmap.
    marked : float, optional
        Where a dotted line stands in the figure, in data coordinates; it moves without drawing the figure anew.
    """

    def picked() -> None:
        value = st.session_state[key].picked
        if isinstance(value, dict) and isinstance(value.get("token"), int):
            row = value.get("row")
            on_pick(value["token"], row if isinstance(row, int) else None)

    data = {"figure": figure, "strips": strips, "first": first, "marked": marked}
    _component("link")(key=key, data=data, on_picked_change=picked)


def on_click(figure: str, *, key: str, on_pick: Callable[[int, int | None], None], marked: float | None = None) -> None:
    """Call back when a point or a cell of a figure is clicked.

    Parameters
    ----------
    figure : str
        Key of the figure.
    key : str
        The component's key.
    on_pick : callable
        Called with the point's x, rounded, and the row if it is a cell of a heatmap.
    marked : float, optional
        Where a dotted line stands, as for :func:`link_tokens`.
    """
    link_tokens(figure, [], first=1, key=key, on_pick=on_pick, marked=marked)
