"""The guided tour: each step opens a page with its choices made, asks for a prediction, and reveals the answer.

The page stays hidden until then, so that it cannot give the answer away. A presenter's clicker is enough: Page Down
reveals and goes on, Page Up goes back.
"""

from __future__ import annotations

import streamlit as st

from app.data import sources
from app.data.sources import Source
from app.format import count, literal
from app.tour import presets
from app.tour.reveals import Reveal
from app.tour.steps import STEPS, Step
from app.widgets import browser

END = len(STEPS)  # the position of the summary
LEARNED = (
    "- **What the score is:** the model's own estimate of whether its solution is correct, read after the last token "
    "from one reserved token that is never written.\n"
    "- **How it is trained:** together with the reasoning. GRPO gets one more term, the squared difference between the "
    "score and the verifier's reward, 1 or 0.\n"
    "- **What it is worth:** as much as it tells apart solutions of the same problem, to choose one or to weight their "
    "votes. The numbers below are this run's; the page Claims has every baseline beside it."
)


def resume() -> None:
    """Once per session, start at the step that the address names."""
    if "tour" in st.session_state or "tour" not in st.query_params:
        return
    asked = st.query_params["tour"]
    if asked.isdecimal() and 1 <= int(asked) <= END + 1 and sources.all_sources():
        go(int(asked) - 1)
    else:
        st.session_state["tour"] = None


def go(position: int | None) -> None:
    """A callback: open a step, the summary (at the end), or end the tour with None."""
    st.session_state["tour"] = position
    st.session_state["tour_revealed"] = False
    st.session_state.pop("tour_guess", None)
    if position in (None, 0):
        st.session_state["tour_results"] = {}
    if position is None:
        st.query_params.pop("tour", None)
        return
    if position == END:
        st.session_state["go_to"] = "app_pages/start.py"
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
    with st.container(border=True, key="tour"):
        hidden = _summary() if position == END else _step(position, here=page == STEPS[position].page)
    revealed = bool(st.session_state.get("tour_revealed"))
    browser.scroll_to("tour", moment=f"{position}-{revealed}-{page}")
    return hidden


def _step(position: int, *, here: bool) -> bool:
    """One step's card; True where the page behind it stays hidden."""
    step = STEPS[position]
    source = sources.current()
    revealed = bool(st.session_state.get("tour_revealed"))
    st.markdown(_title(f"{position + 1} of {len(STEPS)} · {step.title}", alone=here and not revealed), anchors=False)
    if not here:
        with st.container(horizontal=True, gap="small"):
            st.button("Back to the tour", on_click=go, args=(position,), icon=":material/tour:")
            st.button("End the tour", on_click=go, args=(None,), type="tertiary")
        return False
    st.markdown(step.text)
    if revealed:  # a switched-off control would be too faint to read
        st.markdown(step.question)
        _reveal(position, source, sources.signal_of(source), st.session_state.get("tour_guessed"))
    else:
        st.radio(step.question, step.options, index=None, key="tour_guess", horizontal=True)
    with st.container(horizontal=True, gap="small"):
        st.button("Back", on_click=go, args=(position - 1,), disabled=position == 0, shortcut="PageUp")
        if not revealed:
            st.button("Reveal", on_click=_uncover, type="primary", shortcut="PageDown")
        else:
            label = "What have we learned?" if position + 1 == END else "Next"
            st.button(label, on_click=go, args=(position + 1,), type="primary", shortcut="PageDown")
        st.button("End the tour", on_click=go, args=(None,), type="tertiary")
    return not revealed


def _title(text: str, *, alone: bool) -> str:
    """The card's title: the page's first heading while the page itself is hidden."""
    return f"# {text}" if alone else f"**{text}**"


def _uncover() -> None:
    st.session_state["tour_revealed"] = True
    st.session_state["tour_guessed"] = st.session_state.get("tour_guess")


def judged(step: Step, found: Reveal, guess: str | None) -> tuple[str, bool | None]:
    """What to say about a prediction (markdown), and whether it was right; None where nothing can be said.

    A prediction that the number's 95% interval does not rule out counts as right, too.
    """
    if found.option is None:
        return "", None
    answer = step.options[found.option]
    if guess is None:
        return f"The answer is “{literal(answer)}”.", None
    predicted = step.options.index(guess)
    if predicted == found.option:
        return f"You predicted “{literal(guess)}”: **right**.", True
    if predicted in found.possible:
        return (
            f"You predicted “{literal(guess)}”: **that may be**. The estimate says “{literal(answer)}”, but its "
            "interval reaches your answer.",
            True,
        )
    return f"You predicted “{literal(guess)}”: **not here**. It is “{literal(answer)}”.", False


def _reveal(position: int, source: Source, signal: str | None, guess: str | None) -> None:
    if signal is None:
        st.info("This run holds no score. Choose another in the sidebar.", icon=":material/info:")
        return
    step = STEPS[position]
    found = step.reveal(source, signal)
    verdict, right = judged(step, found, guess)
    text = " ".join(part for part in (verdict, found.sentence, found.why) if part)
    if right:
        st.success(text, icon=":material/check_circle:")
    elif right is False:
        st.warning(text, icon=":material/lightbulb:")
    else:
        st.info(text, icon=":material/visibility:")
    st.session_state.setdefault("tour_results", {})[position] = (right, found.sentence)


def _summary() -> bool:
    """The last card: what was learned, how the predictions did, and where to go on."""
    results: dict[int, tuple[bool | None, str]] = st.session_state.get("tour_results", {})
    right = [correct for correct, _ in results.values() if correct is not None]
    st.markdown(_title("What you have seen", alone=True), anchors=False)
    st.markdown(LEARNED)
    marks = {True: ":material/check:", False: ":material/close:", None: ":material/arrow_right:"}
    lines = [
        f"{marks[correct]} **{STEPS[position].title}**: {sentence}"
        for position, (correct, sentence) in sorted(results.items())
    ]
    if lines:
        st.markdown("  \n".join(lines))
    if right:
        st.markdown(f"**{sum(right)} of {count(len(right), 'prediction')}** fit the data.")
    with st.container(horizontal=True, gap="small"):
        st.button("Back", on_click=go, args=(END - 1,), shortcut="PageUp")
        st.button(
            "Try it: type a problem in the Playground",
            key="tour_playground",
            on_click=_to_playground,
            type="primary",
            icon=":material/casino:",
            shortcut="PageDown",
        )
        st.button("Start over", on_click=go, args=(0,), icon=":material/replay:")
        st.button("End the tour", on_click=go, args=(None,), type="tertiary")
    return True


def _to_playground() -> None:
    """A callback: end the tour where the visitor can go on alone."""
    go(None)
    st.session_state["go_to"] = "app_pages/playground.py"
