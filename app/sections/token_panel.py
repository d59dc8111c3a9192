"""The Traces page's linked panel: heatmap, lines, texts and slider of one selected token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from app.data import findings, marks
from app.data.findings import SolutionOrder
from app.format import count, literal, score_text
from app.presentation import deck
from app.sections import traces
from app.sections.traces import ProblemView, Slot
from app.widgets import browser, choices, marking, parts
from laser_core import analysis
from laser_core.figures import QUANTITIES, Trace, linked_figure, token_label

ORDER_LABELS = {
    SolutionOrder.VERIFIER: "verifier, then score",
    SolutionOrder.SCORE: "score",
    SolutionOrder.LENGTH: "length",
    SolutionOrder.LOG_RATIO: "log-ratio to the reference",
    SolutionOrder.MIN_LOGPROB: "least likely token",
}
MAX_ROWS, ON_A_SLIDE = 16, 2  # rows of the heatmap, beside the two chosen ones on a slide
WINDOW = 400  # tokens that are shown one by one


@st.fragment
def panel(shown: ProblemView) -> None:
    """The solutions side by side, the heatmap and the lines, all of one selection."""
    if st.session_state.pop(marks.CHANGED, False):
        st.rerun()  # the sidebar counts the marked verdicts, and the page may show them corrected
    order, by = _ordered(shown)
    traces.whole_problem(shown)
    above = st.empty()  # how the texts are shown; it takes no room where there is nothing to choose
    columns = st.columns(2, gap="medium")
    chosen = {}
    for column, slot in zip(columns, Slot, strict=True):
        with column, st.container(border=True):
            row = traces.choose(shown, order, slot)
            if row is None:
                st.markdown("This problem has no second solution.")
                continue
            chosen[slot] = row
            traces.card(shown.signal, shown.rows[row])
            marking.controls(shown.source, shown.rows[row], key=f"mark-{slot}")
    with above.container():
        view = traces.choose_view(shown, chosen.values())
    if not shown.quantities:
        for column, (slot, row) in zip(columns, chosen.items(), strict=False):
            with column:
                everything = (1, len(shown.trace(row).tokens))
                traces.text(shown, row, "score", everything, view, key=f"strip_{slot}")
        st.info(
            "These rollouts hold no per-token values. `laser score MODEL FILE --traces --out scored.parquet` adds "
            "them, if you have the model that wrote them.",
            icon=":material/info:",
        )
        return
    most = ON_A_SLIDE if deck.on() else MAX_ROWS
    drawn = some_of_each(order, shown.rows, most) if by == SolutionOrder.VERIFIER else order[:most]
    drawn = drawn + [row for row in dict.fromkeys(chosen.values()) if row not in drawn]
    heatmap = {row: shown.trace(row) for row in drawn}
    longest = max(len(trace.tokens) for trace in heatmap.values())
    heat, line, window = _controls(shown, longest)
    for column, (slot, row) in zip(columns, chosen.items(), strict=False):
        with column:
            traces.text(shown, row, heat, window, view, key=f"strip_{slot}")
    pair = [heatmap[row] for row in chosen.values()]
    changes = [analysis.sharpest_change(trace.values.get(line, np.zeros(0))) for trace in pair]
    token = _token(longest, changes)
    _figure(shown, heatmap, chosen, heat, line, by, changes, token, window)
    _below(shown, longest, by, pair, changes, line, token)


def _ordered(shown: ProblemView) -> tuple[list[int], SolutionOrder]:
    """The problem's rows, and the order they are in: the choice of the chooser that :func:`_below` draws."""
    stored = st.session_state.get("sort")
    by = next((order for order in _orders(shown) if order == stored), SolutionOrder.VERIFIER)
    return [int(r) for r in findings.solution_order(shown.source, shown.signal, shown.position, by)], by


def _orders(shown: ProblemView) -> list[SolutionOrder]:
    known = findings.measures(shown.source)
    return [by for by in SolutionOrder if by in (SolutionOrder.VERIFIER, SolutionOrder.SCORE) or by.value in known]


def _controls(shown: ProblemView, longest: int) -> tuple[str, str, tuple[int, int]]:
    """The quantities of the heatmap and of the lines, and the first and last token to show."""
    kept = choices.kept(shown.source)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        heat = st.selectbox(
            "Colour tokens by", shown.quantities, key="quantity", format_func=quantity_name, width=210, **kept
        )
        line = st.selectbox("Line", shown.quantities, key="line", format_func=quantity_name, width=210, **kept)
        window = (1, longest)
        if longest > WINDOW:
            window = st.slider("Tokens shown", 1, longest, window, key=f"window-{longest}", width=320, **kept)
    return heat, line, window


def quantity_name(key: str) -> str:
    """The name of a per-token quantity."""
    return QUANTITIES[key].name


def _token(longest: int, changes: Sequence[analysis.Change]) -> int:
    """The token that all parts of the panel mark."""
    choices.drop_outside("token", 1, longest)
    if st.session_state.setdefault("token_range", longest) != longest:  # Streamlit resets a slider of another range
        st.session_state.pop("token", None)
    st.session_state["token_range"] = longest
    turn = next((change.token for change in changes if change.token), 1)
    if st.session_state.pop(traces.FOLLOW, False):
        st.session_state["token"] = turn
    return st.session_state.get("token", turn)


def _figure(
    shown: ProblemView,
    heatmap: Mapping[int, Trace],
    chosen: Mapping[Slot, int],
    heat: str,
    line: str,
    by: SolutionOrder,
    changes: Sequence[analysis.Change],
    token: int,
    window: tuple[int, int],
) -> None:
    drawn = list(heatmap)

    def picked(token: int, row: int | None) -> None:
        """Mark the token everywhere; a cell of the heatmap also opens its solution."""
        st.session_state["token"] = token
        if row is not None and 0 <= row < len(drawn):
            traces.open_row(drawn[row], shown.rows[drawn[row]].get("correct"))

    parts.figure(
        linked_figure(
            list(heatmap.values()),
            [drawn.index(row) for row in dict.fromkeys(chosen.values())],
            heat,
            line,
            beta_v=shown.beta_v,
            c_ref=shown.c_ref,
            changes=changes,
            marked=token,
            window=window,
            line_height=150 if deck.on() else 250,
        ),
        key="traces_linked",
        alt=f"Heatmap of {quantity_name(heat)} for {count(len(drawn), 'solution')} of the problem, token by token, "
        f"above the {quantity_name(line)} of the two chosen solutions; token {token} is marked",
        finding=_told([heatmap[row] for row in chosen.values()], line, changes),
        see=f"Above, one row per solution (✓ correct, ✗ incorrect; sorted by {ORDER_LABELS[by]}), "
        f"{len(drawn)} of {len(shown.rows)} drawn; ∎ ends a solution. Below, the two chosen ones; a star marks the "
        "sharpest change. Hover over a token to mark it everywhere, click to keep it.",
        settings=parts.made_with(
            shown.source,
            shown.signal,
            problem=shown.rows[drawn[0]]["problem_id"],
            heat=heat,
            line=line,
            order=by.value,
            token=token,
        ),
    )
    browser.link_tokens(
        "traces_linked",
        [f"strip_{slot}" for slot in chosen],
        first=window[0],
        key="traces_link",
        on_pick=picked,
    )


def _told(pair: Sequence[Trace], line: str, changes: Sequence[analysis.Change]) -> str:
    """The chosen solutions' lines in words, for those who cannot see them."""
    told = []
    for trace, change in zip(pair, changes, strict=True):
        values = trace.values.get(line, np.zeros(0))
        if len(values):
            verdict = "not verified" if trace.correct is None else "correct" if trace.correct else "incorrect"
            turn = f", its sharpest change is {change.size:+.2f} at token {change.token}" if change.token else ""
            told.append(f"{trace.label}, {verdict}: {quantity_name(line)} ends at {values[-1]:.2f}{turn}.")
    return " ".join(told)


def _below(
    shown: ProblemView,
    longest: int,
    by: SolutionOrder,
    pair: Sequence[Trace],
    changes: Sequence[analysis.Change],
    line: str,
    token: int,
) -> None:
    """The order, the slider, and the chosen token's values in words."""
    kept = choices.kept(shown.source)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        st.selectbox(
            "Sort solutions by", _orders(shown), key="sort", format_func=ORDER_LABELS.__getitem__, width=230, **kept
        )
        if longest > 1:
            start = None if "token" in st.session_state else token
            st.slider("Token", 1, longest, start, key="token", width=320, **kept)
        lines = [f"Token {token}, {quantity_name(line)}"]
        for trace, change in zip(pair, changes, strict=True):
            at = "ends before this token"
            if token <= len(trace.tokens):
                text = literal(token_label(trace.tokens[token - 1][:21]), 20)
                at = f"“{text}”: {score_text(value_at(trace, line, token))}"
            turn = f"; sharpest change {change.size:+.2f} at token {change.token}" if change.token else ""
            lines.append(f"{'✓' if trace.correct else '✗'} {at}{turn}")
        st.caption("  \n".join(lines), width="stretch")


def some_of_each(order: list[int], rows: Mapping[int, dict], most: int) -> list[int]:
    """At most ``most`` rows in their order, half of them correct where there are enough of both kinds.

    >>> some_of_each([5, 6, 7, 8], {5: {"correct": True}, 6: {"correct": True}, 7: {}, 8: {"correct": False}}, 2)
    [5, 7]
    """
    correct = [row for row in order if rows[row].get("correct")]
    others = [row for row in order if row not in correct]
    n_correct = min(len(correct), max(most // 2, most - len(others)))
    kept = {*correct[:n_correct], *others[: most - n_correct]}
    return [row for row in order if row in kept]


def value_at(trace: Trace, quantity: str, token: int) -> float:
    """The value at a token, counted from 1; NaN where there is none."""
    values = trace.values.get(quantity, np.zeros(0))
    return float(values[token - 1]) if 1 <= token <= len(values) else float("nan")
