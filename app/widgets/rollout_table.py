"""Rollouts as a table whose rows open their problem on the Traces page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from app.data import cache, marks
from app.data.sources import Source
from app.format import short
from app.widgets import marking, parts
from laser_core.rollouts import Rollouts
from laser_core.rollouts.marks import marked_rows
from laser_core.rollouts.prompts import question

MAX_TABLE_ROWS = 500
MAX_TAG_COLUMNS = 12
MAX_TEXT_WIDTH = 220  # pixels


def show(
    source: Source,
    rows: Sequence[int] | np.ndarray,
    *,
    key: str,
    signal: str = "score",
    details: bool = False,
    found: str = "",
) -> None:
    """Rollouts as a table; selecting a row opens its problem on the Traces page.

    Parameters
    ----------
    source : Source
        The run.
    rows : sequence of int
        Row numbers in its table; the first 500 are shown.
    key : str
        The widget's key.
    signal : str
        The column shown as score.
    details : bool
        Whether the training step, the length limit and the file's tags have columns too, and the table is taller.
    found : str
        A text that was searched within the responses: each cell begins shortly before it.
    """
    picked = [int(row) for row in rows[:MAX_TABLE_ROWS]]
    if not picked:
        st.caption("None in this run.")
        return
    taken = source.with_signals.take(np.array(picked))
    table = _table(source, taken, signal=signal, details=details, found=found)

    def remember() -> None:
        chosen = st.session_state[key].selection.rows
        if chosen:
            slot = "correct" if taken.column("correct")[chosen[0]] == 1 else "incorrect"
            st.session_state["problem"] = cache.group_names(source)[picked[chosen[0]]].as_py()
            st.session_state[slot] = picked[chosen[0]]
            st.session_state["go_to"] = "app_pages/traces.py"

    st.dataframe(
        table,
        key=key,
        on_select=remember,
        selection_mode="single-row",
        hide_index=True,
        height="content" if len(picked) <= 8 else 560 if details else 320,
        column_config={
            "score": st.column_config.NumberColumn(
                "score" if signal == "score" else parts.signal_choice(signal), format="%.3f"
            ),
            "step": st.column_config.NumberColumn(format="%d"),
            "truncated": st.column_config.CheckboxColumn("cut off"),
            "tokens": st.column_config.NumberColumn(format="%d"),
            "response": st.column_config.TextColumn(width="large"),
        }
        | {  # as wide as their texts, but a long problem must not push the verdicts out of sight
            name: st.column_config.TextColumn(width=_width(table[name])) for name in ("problem", "answer", "reference")
        },
    )
    more = len(rows) - len(picked)
    st.caption("Select a row to open its problem in Traces." + (f" {more:,} more are not listed." if more > 0 else ""))


def _table(source: Source, taken: Rollouts, *, signal: str, details: bool, found: str) -> dict[str, Any]:
    """The cells of these rollouts, a list or an array a column."""
    labels = {1.0: "correct", 0.0: "incorrect"}
    problems = [
        short(question(p) if p else i or "")
        for p, i in zip(taken.text("problem"), taken.text("problem_id"), strict=True)
    ]
    answers, references = (
        [None if text is None else short(text) for text in taken.text(name)] for name in ("answer", "reference_answer")
    )
    table = {
        "problem": problems,
        "response": [_from_match(text or "", found) for text in taken.text("response")],
        "answer": answers,
        "reference": references,
        "verifier": [labels.get(value, "unknown") for value in taken.column("correct")],
        "score": taken.column(signal),
        "tokens": taken.column("n_tokens"),
    }
    marked = {row: marking.in_short(mark) for row, mark in marked_rows(taken, marks.of(source)).items()}
    if marked:
        table = {"marks": [marked.get(row, "") for row in range(len(taken))]} | table
    if details:
        table |= {name: taken.table[name].to_pylist() for name in ("step", "truncated") if taken.has(name)}
        tags = {parts.tag_name(tag): taken.text(tag) for tag in taken.tags[:MAX_TAG_COLUMNS]}
        table |= {
            name if name not in table else f"{name} (tag)": [None if text is None else short(text) for text in texts]
            for name, texts in tags.items()
        }
    return table


def _width(texts: Sequence[str | None]) -> int:
    """The pixels that a column of texts may take."""
    return max(90, min(MAX_TEXT_WIDTH, 24 + 7 * max(len(text or "") for text in texts)))


def _from_match(text: str, found: str) -> str:
    """A response for a table's cell, from shortly before the text that was searched."""
    place = text.lower().find(found.lower()) if found else -1
    return short(text if place < 100 else "…" + text[place - 60 :], 1000)
