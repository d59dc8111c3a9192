"""The guided tour: each step opens a page with its choices made, asks for a prediction, and reveals the answer.

A presenter's clicker is enough: Page Down reveals and goes on, Page Up goes back.
"""

from __future__ import annotations

import streamlit as st

from app.data import sources
from app.data.sources import Source
from app.format import literal
from app.tour import presets
from app.tour.steps import STEPS, Step


def resume() -> None:
    """Once per session, start at the step that the address names."""
    if "tour" in st.session_state or "tour" not in st.query_params:
        return
    asked = st.query_params["tour"]
    if asked.isdecimal() and 1 <= int(asked) <= len(STEPS) and sources.all_sources():
        go(int(asked) - 1)
    else:
        st.session_state["tour"] = None


def go(position: int | None) -> None:
    """A callback: open a step, or end the tour with None."""
    st.session_state["tour"] = position
    st.session_state["tour_revealed"] = False
    st.session_state.pop("tour_guess", None)
    if position is None:
        st.query_params.pop("tour", None)
        return
    step = STEPS[position]
    source = sources.current()
    views = presets.find(source, sources.signal_of(source) or "score")
    if step.example in views:
        views[step.example].open()
    for key, value in step.choices:
        st.session_state[key] = value
    st.session_state["go_to"] = f"app_pages/{step.page}.py"


def show(page: str) -> bool:
    """Draw the current step above a page; True where the page stays hidden until the prediction is revealed."""
    position = st.session_state.get("tour")
    if position is None:
        return False
    if st.query_params.get("tour") != str(position + 1):
        st.query_params["tour"] = str(position + 1)
    step, last = STEPS[position], position + 1 == len(STEPS)
    source = sources.current()
    signal = sources.signal_of(source)
    here = page == step.page
    with st.container(border=True, key="tour"):
        st.markdown(f"**{position + 1} of {len(STEPS)} · {step.title}**")
        if not here:
            with st.container(horizontal=True, gap="small"):
                st.button("Back to the tour", on_click=go, args=(position,), icon=":material/tour:")
                st.button("End the tour", on_click=go, args=(None,), type="tertiary")
            return False
        st.markdown(step.text)
        revealed = bool(st.session_state.get("tour_revealed"))
        guess = st.radio(step.question, step.options, index=None, key="tour_guess", horizontal=True, disabled=revealed)
        if revealed:
            _reveal(step, source, signal, guess)
        with st.container(horizontal=True, gap="small"):
            st.button("Back", on_click=go, args=(position - 1,), disabled=position == 0, shortcut="PageUp")
            if not revealed:
                st.button("Reveal", on_click=_uncover, type="primary", shortcut="PageDown")
            else:
                st.button(
                    "Finish" if last else "Next",
                    on_click=go,
                    args=(None if last else position + 1,),
                    type="primary",
                    shortcut="PageDown",
                )
            st.button("End the tour", on_click=go, args=(None,), type="tertiary")
    return step.covered and not revealed


def _uncover() -> None:
    st.session_state["tour_revealed"] = True


def _reveal(step: Step, source: Source, signal: str | None, guess: str | None) -> None:
    if signal is None:
        st.info("This run holds no score. Choose another in the sidebar.", icon=":material/info:")
        return
    found = step.reveal(source, signal)
    prediction = f"You predicted “{literal(guess)}”. " if guess else ""
    if found.option is None or guess is None:
        st.info(prediction + found.sentence, icon=":material/visibility:")
    elif step.options.index(guess) == found.option:
        st.success(f"{prediction}Right. {found.sentence}", icon=":material/check_circle:")
    else:
        st.warning(f"{prediction}Not in this run. {found.sentence}", icon=":material/lightbulb:")
