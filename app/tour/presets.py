"""Examples worth opening: a problem, its solutions and a token, found in whatever run is shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import streamlit as st

from app.data import cache, findings
from app.data.findings import Kind, Order
from app.data.sources import Source
from app.sections.traces import FOLLOW, Slot
from laser_core import analysis


class Example(StrEnum):
    """The examples, by the text of their buttons."""

    CONFIDENT = "confidently wrong"
    TIE = "tie decided by weighting"
    TURN = "sharp turn in the trace"


@dataclass(frozen=True)
class View:
    """A view of one run.

    Attributes
    ----------
    kind : Kind
        The list that the problem is in.
    problem : str
        The problem's id.
    slot : Slot, optional
        Where ``row`` is shown.
    row : int, optional
        The solution to show.
    token : int, optional
        The token to mark, counted from 1; None marks the sharpest change of whatever is shown.
    """

    kind: Kind
    problem: str
    slot: Slot | None = None
    row: int | None = None
    token: int | None = None

    def open(self) -> None:
        """A callback: make the choices of this view before the page's widgets are drawn."""
        # Values are set, never removed: a chooser whose value is removed starts over here, but not in the browser.
        st.session_state["problem_search"] = ""
        st.session_state["problem_order"] = Order.INFORMATIVE
        st.session_state["problem_kind"] = self.kind
        st.session_state["problem"] = self.problem
        st.session_state[FOLLOW] = self.token is None
        if self.slot is not None:
            st.session_state[self.slot.value] = self.row
        if self.token is not None:
            st.session_state["token"] = self.token


def find(source: Source, signal: str) -> dict[Example, View]:
    """The most striking example of each kind; a run that has none lacks the entry."""
    return cache.remember(source, ("examples", signal), lambda: _find(source, signal))


def _find(source: Source, signal: str) -> dict[Example, View]:
    lists, found = findings.problem_lists(source, signal), {}
    rows = findings.drill_down(source, signal).confident_incorrect
    if len(rows):
        row = int(rows[0])
        problem = source.rollouts.row(row)["problem_id"]
        found[Example.CONFIDENT] = View(Kind.CONFIDENT, problem, Slot.INCORRECT, row)
    if lists[Kind.TIE_BROKEN]:
        found[Example.TIE] = View(Kind.TIE_BROKEN, lists[Kind.TIE_BROKEN][0])
    if lists[Kind.TURNS]:
        sizes = np.nan_to_num(cache.remember(source, ("turns",), lambda: analysis.sharpest_changes(source.rollouts)))
        row = int(np.argmax(sizes))
        values = source.rollouts.row(row)
        change = analysis.sharpest_change(np.asarray(values["z_trace"], float))
        slot = Slot.CORRECT if values.get("correct") else Slot.INCORRECT
        found[Example.TURN] = View(Kind.TURNS, values["problem_id"], slot, row, change.token)
    return found


def buttons(source: Source, signal: str) -> None:
    """One button per example."""
    views = find(source, signal)
    if views:
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
            st.caption("Show me", width="content")
            for example, view in views.items():
                st.button(example.value, key=f"example-{example.value}", on_click=view.open, type="secondary")
