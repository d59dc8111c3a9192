"""The guided tour: numbered steps that ask for a prediction, reveal what this run shows, and set every choice for it.

One key is enough on a stage: Page Down reveals and goes on, Page Up goes back, as the buttons of a presenter do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from app.data import cache
from app.tour import presets, steps
from app.widgets.format import literal

PAGES = {page: f"app_pages/{page}.py" for page in ("start", "traces", "scores", "thresholds", "voting", "compare")}


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes
    ----------
    page : where it happens.
    title, say, ask : our own words, markdown; ``ask`` asks for a prediction.
    options : the predictions to choose from.
    reveal : gives, for a run and a signal, the position of the right option (None where there is no right one) and a
        sentence with the number, its interval and n.
    preset : a view of :mod:`app.tour.presets` to open.
    choices : other choices to make, by key.
    covered : whether the page stays hidden until the prediction is revealed.
    """

    page: str
    title: str
    say: str
    ask: str
    options: tuple[str, ...]
    reveal: Callable[[cache.Source, str], tuple[int | None, str]]
    preset: str | None = None
    choices: tuple[tuple[str, object], ...] = ()
    covered: bool = True


STEPS = tuple(Step(**step) for step in steps.STEPS)


def resume() -> None:
    """Start at the step that the address names, once per session."""
    if "tour" in st.session_state or "tour" not in st.query_params:
        return
    asked = st.query_params["tour"]
    if asked.isdecimal() and 1 <= int(asked) <= len(STEPS) and cache.all_sources():
        go(int(asked) - 1)
    else:
        st.session_state["tour"] = None


def go(position: int | None) -> None:
    """Open a step, or end the tour with None; for a callback."""
    st.session_state["tour"] = position
    st.session_state["tour_revealed"] = False
    st.session_state.pop("tour_guess", None)
    if position is None:
        st.query_params.pop("tour", None)
        return
    step = STEPS[position]
    source = cache.current()
    views = presets.find(source, cache.signal_of(source) or "score")
    if step.preset in views:
        views[step.preset].open()
    for key, value in step.choices:
        st.session_state[key] = value
    st.session_state["go_to"] = PAGES[step.page]


def show(page: str) -> bool:
    """Draw the current step above a page; True where the page stays hidden until the prediction is revealed."""
    position = st.session_state.get("tour")
    if position is None:
        return False
    if st.query_params.get("tour") != str(position + 1):
        st.query_params["tour"] = str(position + 1)
    step, last = STEPS[position], position + 1 == len(STEPS)
    source = cache.current()
    signal = cache.signal_of(source)
    here = page == step.page
    with st.container(border=True, key="tour"):
        st.markdown(f"**{position + 1} of {len(STEPS)} · {step.title}**")
        if not here:
            with st.container(horizontal=True, gap="small"):
                st.button("Back to the tour", on_click=go, args=(position,), icon=":material/tour:")
                st.button("End the tour", on_click=go, args=(None,), type="tertiary")
            return False
        st.markdown(step.say)
        revealed = bool(st.session_state.get("tour_revealed"))
        guess = st.radio(step.ask, step.options, index=None, key="tour_guess", horizontal=True, disabled=revealed)
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


def _reveal(step: Step, source: cache.Source, signal: str | None, guess: str | None) -> None:
    if signal is None:
        st.info("This run holds no score. Choose another in the sidebar.", icon=":material/info:")
        return
    right, sentence = step.reveal(source, signal)
    said = f"You said “{literal(guess)}”. " if guess else ""
    if right is None or guess is None:
        st.info(said + sentence, icon=":material/visibility:")
    elif step.options.index(guess) == right:
        st.success(f"{said}So it is. {sentence}", icon=":material/check_circle:")
    else:
        st.warning(f"{said}This run shows otherwise. {sentence}", icon=":material/lightbulb:")
