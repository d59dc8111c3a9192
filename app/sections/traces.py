"""Two solutions of a problem side by side on the Traces page: verifier and score, answers, coloured text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import streamlit as st

from app.data import findings
from app.data.sources import Source
from app.format import literal, score_text
from app.widgets import choices, parts, rich_text
from laser_core.analysis.tokens.traces import SOURCES
from laser_core.figures import QUANTITIES, Trace, token_strip_html
from laser_core.rollouts import TAG_PREFIX, prompts


class Slot(StrEnum):
    """One of the two places for a solution, by what it shows where the problem has it; also its key in the address."""

    CORRECT = "correct"
    INCORRECT = "incorrect"


class TextView(StrEnum):
    """How a solution's text is shown; the values are the words on the page and in the address."""

    TOKENS = "tokens"
    RENDERED = "rendered"
    RAW = "raw"


SLOT_LABELS = {Slot.CORRECT: "A correct solution", Slot.INCORRECT: "An incorrect solution"}
SHORTCUTS = {Slot.CORRECT: ("K", "J"), Slot.INCORRECT: ("I", "U")}  # previous and next
FOLLOW = "token_follows"  # in the session's state: mark the token where the trace turns
ROLE_ICONS = {
    "system": ":material/settings:",
    "user": ":material/person:",
    "assistant": ":material/smart_toy:",
    "tool": ":material/build:",
}
MAX_TAGS = 8  # of a solution, shown below its answer
MAX_PLAIN = 300  # tokens or characters that are shown without a scroll bar of their own


@dataclass(frozen=True)
class ProblemView:
    """One problem of a run, as the page shows it.

    Attributes
    ----------
    source : Source
        The run.
    signal : str
        The score or the signal in its place.
    position : int
        Of the problem, among the run's problems.
    rows : dict of int to dict
        Its solutions by row number: correct ones first, each kind by falling score.
    """

    source: Source
    signal: str
    position: int
    rows: dict[int, dict]

    @property
    def beta_v(self) -> float | None:
        """Scale of the score, in reward units per nat; None if the run does not say."""
        return self.source.rollouts.meta.beta_v

    @property
    def c_ref(self) -> float | None:
        """Reference constant, in nats; None if the run does not say."""
        return self.source.rollouts.meta.c_ref

    @property
    def quantities(self) -> list[str]:
        """The keys of the per-token quantities that the run holds."""
        rollouts = self.source.with_signals
        return [
            key
            for key in QUANTITIES
            if all(rollouts.has(name) for name in SOURCES[key])
            and (key != "score" or None not in (self.beta_v, self.c_ref))
        ]

    def trace(self, row: int) -> Trace:
        """A solution's per-token values."""
        return Trace.from_row(self.rows[row], beta_v=self.beta_v, c_ref=self.c_ref)


def view(source: Source, signal: str, position: int) -> ProblemView:
    """Gather a problem's solutions."""
    order = findings.solution_order(source, signal, position)
    return ProblemView(source, signal, position, {int(r): source.with_signals.row(int(r)) for r in order})


def names(signal: str, rows: Mapping[int, dict]) -> dict[int, str]:
    """The name of each row in a chooser: sample and score; with the row number where several steps share samples."""
    shared = len({row["sample"] for row in rows.values()}) < len(rows)
    found = {}
    for number, row in rows.items():
        value, name = row.get(signal), f"sample {row['sample']}" + (f" (row {number + 1:,})" if shared else "")
        found[number] = f"{name}, score {score_text(value)}" if value is not None else name
    return found


def open_row(row: int, correct: bool | None) -> None:
    """Show a row in its slot, on this and every other page."""
    st.session_state[Slot.CORRECT if correct else Slot.INCORRECT] = row


def choose(shown: ProblemView, order: list[int], slot: Slot) -> int | None:
    """Draw one slot's chooser, with a button and a key to step through the solutions.

    The slot's own kind comes first; a problem without such solutions offers the others. The second slot then shows
    all but the first of them by default.
    """
    source, rows = shown.source, shown.rows
    wanted = slot == Slot.CORRECT
    own = [row for row in order if rows[row].get("correct") is wanted]
    options = own + [row for row in order if row not in own]
    if slot == Slot.INCORRECT:
        if len(options) < 2:  # the first slot has the only one
            return None
        if not own:
            options = options[1:] + options[:1]
    typical = len(own) // 2 if own else 0  # the middle one by score: typical, not picked to impress
    _keep_choice(slot, options, options[typical], (source.content_id, shown.signal))
    marks = {row: "✓" if values.get("correct") else "✗" for row, values in rows.items()}
    titles = {row: f"{marks[row]} {name}" for row, name in names(shown.signal, rows).items()}
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
        row = st.selectbox(
            SLOT_LABELS[slot] if own else "A solution" if wanted else "Another solution",
            options,
            index=0 if slot in st.session_state else typical,
            key=slot.value,
            format_func=lambda row: titles.get(row, f"row {row}"),
            **choices.kept(source),
        )

        def move(by: int) -> None:
            st.session_state[slot] = options[(options.index(row) + by) % len(options)]

        for icon, by, shortcut in (
            (":material/arrow_back:", -1, SHORTCUTS[slot][0]),
            (":material/arrow_forward:", 1, SHORTCUTS[slot][1]),
        ):
            st.button(
                f"{'Previous' if by < 0 else 'Next'}: {slot.value} solution",  # for screen readers; the icon is shown
                icon=icon,
                key=f"{slot.value}-{by}",
                on_click=move,
                args=(by,),
                shortcut=shortcut,
                disabled=len(options) < 2,
                help="Previous solution" if by < 0 else "Next solution",
            )
    return row


def _keep_choice(slot: Slot, options: list[int], otherwise: int, run: tuple[str, str]) -> None:
    """Replace a choice that the problem does not have, or that another run's row number made."""
    changed = st.session_state.get(f"{slot.value}_of", run) != run  # the same row of another run has another score
    st.session_state[f"{slot.value}_of"] = run
    if slot in st.session_state and (changed or st.session_state[slot] not in options):
        st.session_state[slot] = otherwise  # set, not removed: the browser would go on showing the old one


def judged(signal: str, row: dict) -> str:
    """Verifier beside score, extracted answer beside the reference (markdown)."""
    label = {True: ":material/check_circle: correct", False: ":material/cancel: incorrect"}
    score, correct = row.get(signal), row.get("correct")
    scored = "" if score is None else f" · {parts.signal_name(signal)} **{score_text(score)}**"
    if score is not None and signal == "score":
        scored += ", predicted correct" if score > 0.5 else ", predicted incorrect"
    answer = literal(row["answer"], 80) if row.get("answer") is not None else "none found"
    reference = literal(row["reference_answer"], 80) if row.get("reference_answer") is not None else "unknown"
    return (
        f"Verifier: **{'not verified' if correct is None else label[correct]}**{scored}  \n"
        f"Answer **{answer}** · reference **{reference}**" + (" · truncated" if row.get("truncated") else "")
    )


def card(signal: str, row: dict) -> None:
    """What verifier and score say about a solution, and its tags."""
    st.markdown(judged(signal, row))
    if tags := [(name, value) for name, value in row.items() if name.startswith(TAG_PREFIX) and value is not None]:
        st.caption(
            " · ".join(f"{literal(parts.tag_name(n), 40)} **{literal(v, 60)}**" for n, v in tags[:MAX_TAGS])
            + (f" · {len(tags) - MAX_TAGS} more on the Rollouts page" if len(tags) > MAX_TAGS else "")
        )


def whole_problem(shown: ProblemView) -> None:
    """The prompt in full, by role where it has roles; nothing where the page's heading shows all of it."""
    row = next(iter(shown.rows.values()))
    problem = row.get("problem") or ""
    said = prompts.turns(row.get("prompt") or "") or prompts.turns(problem)
    if not (said or is_prose(problem)):
        return
    with st.expander("The prompt by role" if said else "The problem in full"):
        rendered, raw = st.tabs(["Rendered", "Raw"])
        for tab, show in ((rendered, rich_text.show_rendered), (raw, rich_text.show_raw)):
            with tab:
                for turn in said or (prompts.Turn("", problem),):
                    if turn.role:
                        st.markdown(f"{ROLE_ICONS.get(turn.role, ':material/chat:')} **{literal(turn.role, 40)}**")
                    show(turn.text)


def choose_view(shown: ProblemView, rows: Iterable[int]) -> TextView:
    """Draw the choice of how both solutions' texts are shown; a miniature's single line needs none."""
    views = list(TextView) if shown.quantities else [TextView.RENDERED, TextView.RAW]
    if not any(is_prose(shown.rows[row].get("response") or "") for row in rows):
        return TextView.TOKENS if shown.quantities else TextView.RAW
    return choices.one_of(
        "Solutions as",
        choices.by_value(views),
        key="text_view" if shown.quantities else "plain_text_view",
        source=shown.source,
        label_shown=False,
    )


def is_prose(text: str) -> bool:
    """Whether a text is more than one short line of plain characters."""
    return len(text) > MAX_PLAIN or any(sign in text for sign in ("\n", "$", "\\", "<think>"))


def text(shown: ProblemView, row: int, quantity: str, window: tuple[int, int], view: TextView, *, key: str) -> None:
    """A solution's text: each token on its colour, or as Markdown, or as the file holds it."""
    response = shown.rows[row].get("response") or ""
    trace = shown.trace(row).part(*window)
    if view == TextView.TOKENS and trace.tokens and trace.values:
        with st.container(height="content" if len(trace.tokens) <= MAX_PLAIN else 320, border=False, key=key):
            st.html(token_strip_html(trace, quantity, beta_v=shown.beta_v, c_ref=shown.c_ref))
        return
    rendered = view == TextView.RENDERED
    with st.container(height="content" if len(response) <= MAX_PLAIN else 480, border=rendered, key=f"{key}_text"):
        (rich_text.show_rendered if rendered else rich_text.show_raw)(response)
