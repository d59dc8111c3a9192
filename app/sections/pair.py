"""Sections of the page Side by side: the choice of two solutions, their differences, and each beside the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import streamlit as st

from app.data import cache, sources
from app.data.sources import Source
from app.format import count, literal, number, short
from app.presentation import deck
from app.sections import traces
from app.sections.traces import ProblemView
from app.widgets import choices, marking, parts, rich_text
from laser_core import analysis
from laser_core.analysis import TextDifference
from laser_core.figures import Trace, reference_figure, text_diff_html, token_label, token_strip_html

SAME_RUN = "this run"
SURPRISES = 12  # tokens in the table of the largest differences
ON_A_SLIDE = 380  # height of a long text, in pixels


class PairView(StrEnum):
    """How the two solutions are shown; the values are the words on the page and in the address."""

    DIFFERENCES = "differences"
    REFERENCE = "beside the reference model"
    RENDERED = "rendered"
    RAW = "raw"


@dataclass(frozen=True)
class Side:
    """One of the two solutions: its problem as its run has it, and the row in that run's table."""

    shown: ProblemView
    row: int

    @property
    def values(self) -> dict:
        """The solution's row."""
        return self.shown.rows[self.row]

    @property
    def response(self) -> str:
        """Its text."""
        return self.values.get("response") or ""


def view_in(source: Source, problem: str) -> ProblemView | None:
    """A problem as a run has it; None where it lacks the problem. Steps of a run are told apart by their names."""
    signal = sources.signal_of(source) or "score"
    ids = cache.samples(source, signal).problem_ids
    bare = problem.rpartition(" (step ")[0] or problem
    near = (name for name in ids if name == bare or name.startswith(f"{bare} (step "))
    found = problem if problem in ids else next(near, None)
    return None if found is None else traces.view(source, signal, ids.index(found))


def other_run(source: Source, runs: Mapping[str, Source]) -> Source:
    """Draw the choice of the right solution's run; by default it is the left one's."""
    others = {SAME_RUN: source} | {key: run for key, run in runs.items() if key != source.key}
    if st.session_state.get("pair_run", SAME_RUN) not in others:
        st.session_state["pair_run"] = SAME_RUN
    key = st.selectbox(
        "Run of the right solution",
        list(others),
        key="pair_run",
        format_func=lambda key: SAME_RUN if key == SAME_RUN else others[key].title,
        persist_state="session",
        width=280,
    )
    return others[key]


def choose(shown: ProblemView, name: str, *, correct: bool, taken: int | None = None) -> Side | None:
    """Draw the chooser of one side's solution, and its verdict, answer and marks below.

    Parameters
    ----------
    shown : ProblemView
    name : str
        "left" or "right"; part of the widgets' keys.
    correct : bool
        Which kind is chosen at first.
    taken : int, optional
        The other side's row, which is not chosen at first.
    """
    rows = [row for row in shown.rows if row != taken] or list(shown.rows)
    if not rows:
        return None
    key, run = f"pair_{name}", (shown.source.content_id, shown.signal, shown.position)
    own = [row for row in rows if shown.rows[row].get("correct") is correct] or rows
    if st.session_state.get(f"{key}_of") != run or st.session_state.get(key) not in shown.rows:
        st.session_state[key] = own[len(own) // 2]  # typical by score, not picked to impress
    st.session_state[f"{key}_of"] = run
    signs = {True: "✓", False: "✗", None: "?"}
    titles = {
        row: f"{signs[shown.rows[row].get('correct')]} {title}"
        for row, title in traces.names(shown.signal, shown.rows).items()
    }
    row = st.selectbox(
        f"{name.capitalize()} solution",
        list(shown.rows),
        key=key,
        format_func=lambda row: titles.get(row, f"row {row}"),
        **choices.kept(shown.source),
    )
    traces.card(shown.signal, shown.rows[row])
    marking.controls(shown.source, shown.rows[row], key=f"mark-{name}")
    return Side(shown, row)


def finding(difference: TextDifference) -> str:
    """Where the two solutions part, in one sentence (markdown)."""
    if difference.n_same == difference.n_left == difference.n_right:
        return f"The two solutions are the same, word for word ({count(difference.n_left, 'word')})."
    first = next(part for part in difference.passages if not part.same)
    left, right = (f"“{literal(side.strip(), 60)}”" if side.strip() else "" for side in (first.left, first.right))
    if left and right:
        parted = f"{left} on the left, {right} on the right"
    else:
        parted = f"there the {'left' if left else 'right'} one has {left or right}, and the other goes on without it"
    share = difference.n_same / max(difference.n_left, difference.n_right, 1)
    where = f"after {count(difference.n_before, 'word')}" if difference.n_before else "at the first word"
    return f"The solutions share {100 * share:.0f}% of their words and part {where}: {parted}."


def show(left: Side, right: Side, difference: TextDifference) -> None:
    """Draw both solutions in the chosen view."""
    view = choices.one_of(
        "Show", choices.by_value(PairView), key="pair_view", source=left.shown.source, label_shown=False
    )
    sides = {"left": left, "right": right}
    if view == PairView.REFERENCE:
        for column, (name, side) in zip(st.columns(2, gap="medium"), sides.items(), strict=True):
            with column:
                _beside_reference(side, name)
        return
    with deck.slide("pair_texts", "Two solutions of one problem"):
        for column, (name, side) in zip(st.columns(2, gap="medium"), sides.items(), strict=True):
            with column:
                _text(side, name, view, difference)
        if view == PairView.DIFFERENCES:
            st.caption(
                "Dashed on the left: words that the right solution lacks. A solid line on the right: words that the "
                "left one lacks. ‸ marks where the other has something more."
                + (f" The last {difference.n_cut:,} characters were not compared." if difference.n_cut else "")
            )


def _text(side: Side, name: str, view: PairView, difference: TextDifference) -> None:
    """One solution's text; on a slide, which has no chooser above it, with its verdict and score."""
    if deck.on():
        st.markdown(traces.judged(side.shown.signal, side.values))
    height = ON_A_SLIDE if deck.on() else 520
    tall = len(side.response) > traces.MAX_PLAIN / (2 if deck.on() else 1)
    with st.container(height=height if tall else "content", border=True, key=f"pair_text_{name}"):
        if view == PairView.DIFFERENCES:
            st.html(text_diff_html(difference, "left" if name == "left" else "right"))
        elif view == PairView.RENDERED:
            rich_text.show_rendered(side.response)
        else:
            rich_text.show_raw(side.response)


def _beside_reference(side: Side, name: str) -> None:
    """One solution's tokens under the policy and the reference model: figure, coloured text, largest differences."""
    trace = side.shown.trace(side.row)
    if "log_ratio" not in trace.values:
        st.info(
            "This solution holds no log-probs of a reference model. "
            "`laser score MODEL FILE --reference BASE --traces --out scored.parquet` adds them.",
            icon=":material/info:",
        )
        return
    ratio = trace.values["log_ratio"]
    total = float(np.nansum(ratio))
    parts.figure(
        reference_figure(trace),
        key=f"pair_reference_{name}",
        alt=f"Log-probs of each token of the {name} solution under the policy and under the reference model",
        see=f"The policy finds this solution {'more' if total > 0 else 'less'} likely than the reference by "
        f"{number(abs(total), 1)} nats, over n = {count(len(ratio), 'token')}. Bars above 0: tokens that training made "
        "more likely.",
        settings=parts.made_with(side.shown.source, side.shown.signal),
    )
    with st.container(height="content" if len(trace.tokens) <= traces.MAX_PLAIN else 320, border=False):
        st.html(token_strip_html(trace, "log_ratio"))
    _surprises(trace, ratio)


def _surprises(trace: Trace, ratio: np.ndarray) -> None:
    """The tokens on which the two models differ most."""
    known = np.where(np.isfinite(ratio), np.abs(ratio), -1.0)
    largest = np.argsort(-known, kind="stable")[: min(SURPRISES, int((known >= 0).sum()))]
    policy = trace.values["logprob"]
    st.dataframe(
        {
            "token": [int(i) + 1 for i in largest],
            "text": [short(token_label(trace.tokens[i]), 40) for i in largest],
            "policy": np.exp(policy[largest]),
            "reference": np.exp((policy - ratio)[largest]),
            "difference, nats": ratio[largest],
        },
        hide_index=True,
        height="content",
        column_config={
            "policy": st.column_config.NumberColumn(format="%.4f"),
            "reference": st.column_config.NumberColumn(format="%.4f"),
            "difference, nats": st.column_config.NumberColumn(format="%+.2f"),
        },
    )
    st.caption("The tokens on which the two models differ most, with the probability that each gives them.")


def compared(sides: Sequence[Side]) -> TextDifference:
    """The two solutions' texts, aligned; kept for the last pair."""
    wanted = tuple((side.shown.source.content_id, side.row) for side in sides)
    last = st.session_state.get("pair_difference")
    if last is None or last[0] != wanted:
        last = wanted, analysis.text_difference(sides[0].response, sides[1].response)
        st.session_state["pair_difference"] = last
    return last[1]
