"""Views worth opening: a problem, its solutions and a token, found in whatever run is shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from app.data import cache, findings
from laser_core import analysis

FOLLOW = "token_follows"  # in the session's state: the next page puts the token where the trace turns
CONFIDENT, TIE, TURN = "confidently wrong", "tie broken by the weights", "the trace turns here"


@dataclass(frozen=True)
class View:
    """A view of one run: what each choice has to be, by the choice's key."""

    choices: dict[str, object]

    def open(self) -> None:
        """Make these choices; for a callback, before the page's widgets are drawn."""
        # Values are set, never removed: a chooser whose value is removed starts anew here, but not in the browser.
        usual = {"problem_search": "", "problem_order": "telling", FOLLOW: "token" not in self.choices}
        for key, value in (usual | self.choices).items():
            st.session_state[key] = value


def find(source: cache.Source, signal: str) -> dict[str, View]:
    """The views that this run has, by name, the most striking example of each."""
    return cache.remember(source, ("presets", signal), lambda: _find(source, signal))


def _find(source: cache.Source, signal: str) -> dict[str, View]:
    lists, found = findings.problem_lists(source, signal), {}
    rows = findings.drill_down(source, signal).confident_incorrect
    if len(rows):
        row = int(rows[0])
        problem = source.rollouts.row(row)["problem_id"]
        found[CONFIDENT] = View({"problem_kind": findings.CONFIDENT, "problem": problem, "incorrect": row})
    if lists[findings.TIE_BROKEN]:
        problem = lists[findings.TIE_BROKEN][0]
        found[TIE] = View({"problem_kind": findings.TIE_BROKEN, "problem": problem})
    if lists[findings.TURNS]:
        sizes = np.nan_to_num(cache.remember(source, ("turns",), lambda: analysis.sharpest_changes(source.rollouts)))
        row = int(np.argmax(sizes))
        values = source.rollouts.row(row)
        change = analysis.sharpest_change(np.asarray(values["z_trace"], float))
        slot = "correct" if values.get("correct") else "incorrect"
        choices = {"problem_kind": findings.TURNS, "problem": values["problem_id"], slot: row, "token": change.token}
        found[TURN] = View(choices)
    return found


def buttons(source: cache.Source, signal: str) -> None:
    """One button per view."""
    views = find(source, signal)
    if views:
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
            st.caption("Show me", width="content")
            for name, view in views.items():
                st.button(name, key=f"preset-{name}", on_click=view.open, type="secondary")
