"""The two things that Python cannot do: save a figure as a picture, and join figures with texts under the pointer.

Both are small scripts beside this file, given names and numbers, never text of rollouts, and nothing else. Without
them the app still works: figures have a toolbar, and every choice has a widget.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

_SCRIPTS = Path(__file__).parent
_PICTURE_CSS = """
button { font: inherit; width: 100%; min-height: 2.5rem; padding: 0.25rem 0.75rem; cursor: pointer;
  color: var(--st-text-color); background: var(--st-background-color);
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius, 0.5rem); }
button:hover, button:focus-visible { border-color: var(--st-primary-color); color: var(--st-primary-color); }
"""


@st.cache_resource(show_spinner=False)
def _component(name: str, html: str | None = None, css: str | None = None) -> Callable:
    script = (_SCRIPTS / f"{name}.js").read_text(encoding="utf-8")
    return st.components.v2.component(f"laser_{name}", html=html, css=css, js=script)


def picture_button(figure: str) -> None:
    """A button that saves the figure with this key as a PNG."""
    button = _component("picture", "<button type='button'>Picture (PNG)</button>", _PICTURE_CSS)
    button(key=f"{figure}-png", data={"figure": figure})


def link(figure: str, strips: list[str], *, first: int, key: str, on_pick: Callable[[dict], None]) -> None:
    """Join a figure over tokens with texts of tokens.

    Parameters
    ----------
    figure : key of the figure.
    strips : keys of the containers that hold one :func:`~laser_core.figures.token_strip_html` each.
    first : the number of the first token in them.
    key : of the component.
    on_pick : is called with ``{"token": int}`` for a picked token, and ``"row"`` for a cell of the heatmap.
    """

    def picked() -> None:
        value = st.session_state[key].picked
        if isinstance(value, dict) and isinstance(value.get("token"), int):
            on_pick(value)

    _component("link")(key=key, data={"figure": figure, "strips": strips, "first": first}, on_picked_change=picked)
