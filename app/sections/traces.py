"""Two solutions of a problem side by side: verdict beside score, answer beside reference, text on its colours."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.data import cache
from app.widgets import choices, parts
from app.widgets.format import literal, score_text
from laser_core.figures import Trace, token_strip_html

SLOTS = ("correct", "incorrect")  # what each place shows where the problem has it; also the names in the address
NAMES = {"correct": "A correct solution", "incorrect": "An incorrect solution"}
KEYS = {"correct": ("K", "J"), "incorrect": ("I", "U")}  # previous and next
MAX_PLAIN = 300  # tokens that are shown without a scroll bar of their own


def names(source: cache.Source, signal: str, rows: dict[int, dict]) -> dict[int, str]:
    """What each row is called in a chooser: sample and score, and the row where several steps share numbers."""
    shared = len({row["sample"] for row in rows.values()}) < len(rows)
    found = {}
    for number, row in rows.items():
        value, name = row.get(signal), f"sample {row['sample']}" + (f" (row {number + 1:,})" if shared else "")
        found[number] = f"{name}, score {score_text(value)}" if value is not None else name
    return found


def open_row(row: int, correct: bool | None) -> None:
    """Make a row the solution that its place shows, on this and every other page."""
    st.session_state[SLOTS[0] if correct else SLOTS[1]] = row


def choose(source: cache.Source, signal: str, order: list[int], rows: dict[int, dict], slot: str) -> int | None:
    """Draw one place's chooser, with a button and a key to step through the solutions.

    Its own kind comes first; a problem without such solutions offers the others, all but the first of which the second
    place shows by default.
    """
    wanted = slot == "correct"
    own = [row for row in order if rows[row].get("correct") is wanted]
    options = own + [row for row in order if row not in own]
    if not own and slot == SLOTS[1]:
        if len(options) < 2:
            return None
        options = options[1:] + options[:1]
    typical = len(own) // 2 if own else 0  # the middle one by score: typical, not picked to impress
    shown = (source.content_id, signal)
    changed = st.session_state.get(f"{slot}_of", shown) != shown  # the same row of another run has another score
    st.session_state[f"{slot}_of"] = shown
    if slot in st.session_state and (changed or st.session_state[slot] not in options):
        st.session_state[slot] = options[typical]  # set, not removed: the browser would go on showing the old one
    marks = {row: "✓" if values.get("correct") else "✗" for row, values in rows.items()}
    titles = {row: f"{marks[row]} {name}" for row, name in names(source, signal, rows).items()}
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
        row = st.selectbox(
            NAMES[slot] if own else "A solution" if wanted else "Another solution",
            options,
            index=0 if slot in st.session_state else typical,
            key=slot,
            format_func=lambda row: titles.get(row, f"row {row}"),
            **choices.kept(source),
        )

        def move(by: int) -> None:
            st.session_state[slot] = options[(options.index(row) + by) % len(options)]

        for icon, by, shortcut in (
            (":material/arrow_back:", -1, KEYS[slot][0]),
            (":material/arrow_forward:", 1, KEYS[slot][1]),
        ):
            st.button(
                f"{'Previous' if by < 0 else 'Next'}: {NAMES[slot].split(' ', 1)[1]}",  # heard, not seen
                icon=icon,
                key=f"{slot}-{by}",
                on_click=move,
                args=(by,),
                shortcut=shortcut,
                disabled=len(options) < 2,
                help="Previous solution" if by < 0 else "Next solution",
            )
    return row


def card(source: cache.Source, signal: str, row: dict) -> None:
    """Verdict beside score, extracted answer beside the reference."""
    verdict = {True: ":material/check_circle: correct", False: ":material/cancel: incorrect"}
    score = row.get(signal)
    judged = "" if score is None or signal != "score" else (", judged correct" if score > 0.5 else ", judged incorrect")
    answer = literal(row["answer"], 80) if row.get("answer") is not None else "none found"
    reference = literal(row["reference_answer"], 80) if row.get("reference_answer") is not None else "unknown"
    st.markdown(
        f"Verifier: **{verdict.get(row.get('correct'), 'not verified')}** · {parts.signal_name(signal)} "
        f"**{score_text(score)}**{judged}  \nAnswer **{answer}** · reference **{reference}**"
        + (" · cut off" if row.get("truncated") else "")
    )


def text(trace: Trace, response: str, quantity: str, *, key: str, beta_v: float | None, c_ref: float | None) -> None:
    """A solution's text on its colours, in a container with this key; plain where there are no values."""
    if trace.tokens and trace.values:
        with st.container(height="content" if len(trace.tokens) <= MAX_PLAIN else 320, border=False, key=key):
            st.html(token_strip_html(trace, quantity, beta_v=beta_v, c_ref=c_ref))
    else:
        st.code(response[:100_000], language=None, wrap_lines=True)


def some_of_each(order: list[int], rows: dict[int, dict], most: int) -> list[int]:
    """At most so many rows in their order, half of them correct where there are enough of both kinds.

    >>> some_of_each([5, 6, 7, 8], {5: {"correct": True}, 6: {"correct": True}, 7: {}, 8: {"correct": False}}, 2)
    [5, 7]
    """
    right = [row for row in order if rows[row].get("correct")]
    others = [row for row in order if row not in right]
    n_right = min(len(right), max(most // 2, most - len(others)))
    kept = {*right[:n_right], *others[: most - n_right]}
    return [row for row in order if row in kept]


def longest(traces: list[Trace]) -> int:
    """Tokens in the longest of them."""
    return max((len(trace.tokens) for trace in traces), default=0)


def value_at(trace: Trace, quantity: str, token: int) -> float:
    """The value at a token, counted from 1; NaN where there is none."""
    values = trace.values.get(quantity, np.zeros(0))
    return float(values[token - 1]) if 1 <= token <= len(values) else float("nan")
