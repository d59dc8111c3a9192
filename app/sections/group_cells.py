"""The Groups page's groups: all of a step cell by cell, and one of them in full."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
import streamlit as st

from app.data import cache
from app.data.sources import Source
from app.format import literal, number, score_text, short
from app.presentation import deck
from app.sections.groups import StepView
from app.sections.row_filters import one_of
from app.sections.traces import MAX_PLAIN, is_prose
from app.widgets import browser, choices, parts, rich_text
from laser_core.analysis import TrainingGroups
from laser_core.figures import CELL_QUANTITIES, groups_figure
from laser_core.rollouts.prompts import question

PER_VIEW, ON_A_SLIDE = 24, 12  # groups in one figure; more cannot be read from the back of a hall
MAX_SOLUTIONS = 500  # of one group, in its table


class GroupOrder(StrEnum):
    """The order of a step's groups; the values are the words on the page and in the address."""

    SPREAD = "rewards differ most first"
    FILE = "as in the file"
    SILENT = "without advantages only"


def heatmap(shown: StepView) -> list[int]:
    """The step's groups, cell by cell; a click opens a group below. Return the groups that are drawn."""
    groups = shown.groups
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        offered = [name for name in CELL_QUANTITIES if np.isfinite(getattr(groups, name)).any()]
        if not np.isfinite(groups.score).any():
            offered = [name for name in offered if name in ("advantage", "reward")]
        names = {name: CELL_QUANTITIES[name].name for name in offered}
        quantity = one_of("Colour by", offered, names, key="group_quantity", source=shown.source, width=230)
        order = GroupOrder(one_of("Groups", list(GroupOrder), key="group_order", source=shown.source, width=230))
        listed = _ordered(groups, order)
        most = ON_A_SLIDE if deck.on() else PER_VIEW
        page = _page(len(listed), most, shown.source)
    drawn = listed[page * most : (page + 1) * most]
    parts.figure(
        groups_figure(groups, drawn, labels=labels(shown, drawn), quantity=quantity),
        key="groups",
        alt=f"Groups of the step as rows, solutions as cells coloured by {CELL_QUANTITIES[quantity].name}",
        see=f"One row per group, {len(drawn)} of {len(listed):,} drawn; beside each, its correct solutions. ✓ correct, "
        "✗ incorrect. Click a cell to see its group below.",
        settings=parts.made_with(shown.source, step=shown.step, reward=shown.reward, tau=shown.settings.tau),
    )

    def picked(x: int, row: int | None) -> None:
        if row is not None and 0 <= row < len(drawn):
            st.session_state["group_name"] = groups.names[drawn[row]]

    browser.on_click("groups", key="groups_click", on_pick=picked)
    return drawn


def _ordered(groups: TrainingGroups, order: GroupOrder) -> list[int]:
    if order == GroupOrder.SPREAD:
        return [int(g) for g in np.argsort(-np.nan_to_num(groups.reward_std), kind="stable")]
    everything = np.arange(groups.n_groups)
    return [int(g) for g in (everything[groups.silent] if order == GroupOrder.SILENT else everything)]


def _page(n: int, most: int, source: Source) -> int:
    """Which of several figures' worth of groups to draw; each holds at most ``most``."""
    pages = {f"{start + 1:,} to {min(start + most, n):,}": start // most for start in range(0, n, most)}
    if len(pages) < 2:
        return 0
    return pages[one_of("Rows", list(pages), key="group_page", source=source)]


def labels(shown: StepView, drawn: Sequence[int]) -> list[str]:
    """The beginning of each group's problem."""
    firsts = _firsts(shown.groups)[list(drawn)]
    problems = shown.rollouts.take(firsts).text("problem") if len(firsts) else []
    return [question(text or shown.groups.names[g])[:200] for text, g in zip(problems, drawn, strict=True)]


def _firsts(groups: TrainingGroups) -> np.ndarray:
    """The first row of each group."""
    return np.unique(groups.group, return_index=True)[1]


def one_group(shown: StepView, drawn: Sequence[int]) -> None:
    """One group's solutions with their numbers; a row opens its solution, on Traces where the run's table has it."""
    groups = shown.groups
    if not len(drawn):
        return
    names = {groups.names[g]: label for g, label in zip(drawn, labels(shown, drawn), strict=True)}
    if st.session_state.get("group_name") not in names:
        st.session_state["group_name"] = next(iter(names))
    chosen = st.selectbox(
        "Group",
        list(names),
        key="group_name",
        format_func=lambda name: f"{short(names.get(name, name), 100)}  ({short(name, 40)})",
        **choices.kept(shown.source),
    )
    position, firsts = groups.names.index(chosen), _firsts(groups)
    problem = shown.rollouts.take(firsts[[position]]).text("problem")[0]
    if problem and is_prose(asked := question(problem)):
        with st.container(height="content" if len(asked) <= MAX_PLAIN else 160, border=True):
            rich_text.show_rendered(asked)
    elif problem:
        st.markdown(literal(asked, 600))
    rows = np.flatnonzero(groups.group == position)
    rows = rows[np.argsort(-np.nan_to_num(groups.advantage[rows]), kind="stable")][:MAX_SOLUTIONS]
    _solutions(shown, rows)


def _solutions(shown: StepView, rows: np.ndarray) -> None:
    groups, taken = shown.groups, shown.rollouts.take(rows)
    scored = bool(np.isfinite(groups.score).any())
    verdicts = {1.0: "correct", 0.0: "incorrect"}
    table: dict[str, object] = {
        "verifier": [verdicts.get(value, "unknown") for value in groups.correct[rows]],
        "reward": groups.reward[rows],
        "advantage A": groups.advantage[rows],
    }
    if scored:
        table |= {
            "score": groups.score[rows],
            "from the reward": groups.reward_advantage[rows],
            "from the score": groups.score_advantage[rows],
            "class weight": groups.class_weight[rows],
        }
    if taken.has("signal.advantage"):
        table["the file's advantage"] = taken.column("signal.advantage")
    table |= {
        "answer": [None if text is None else short(text) for text in taken.text("answer")],
        "response": [short(text or "", 1000) for text in taken.text("response")],
    }
    numbers = {
        name: st.column_config.NumberColumn(format="%.3f") for name, v in table.items() if isinstance(v, np.ndarray)
    }
    picked = st.dataframe(
        table,
        key="group_solutions",
        on_select="rerun",
        selection_mode="single-row",
        hide_index=True,
        height="content" if len(rows) <= 10 else 380,
        column_config=numbers,
    ).selection.rows
    if not picked or picked[0] >= len(rows):
        st.caption("Select a row to read the solution.")
        return
    row = int(rows[picked[0]])
    with st.container(border=True):
        st.markdown(f"Reward **{number(groups.reward[row])}** · advantage **{score_text(groups.advantage[row])}**")
        rich_text.show_raw(taken.text("response")[picked[0]] or "")
        if shown.rows is not None:
            st.button(
                "Open in Traces",
                key="group_to_traces",
                icon=":material/timeline:",
                on_click=_to_traces,
                args=(shown, row),
            )


def _to_traces(shown: StepView, row: int) -> None:
    """A callback: open a solution on the Traces page."""
    if shown.rows is not None:
        at = int(shown.rows[row])
        st.session_state["problem"] = cache.group_names(shown.source)[at].as_py()
        st.session_state["correct" if shown.groups.correct[row] == 1 else "incorrect"] = at
        st.session_state["go_to"] = "app_pages/traces.py"
