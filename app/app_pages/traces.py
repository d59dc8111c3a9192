"""Traces: correct and incorrect solutions of one problem, token by token, and the moment the model knows."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.data import cache, findings
from app.sections import traces
from app.tour import presets
from app.widgets import browser, choices, parts, problem_chooser
from app.widgets.format import count, literal, number, percent, score_text
from laser_core import analysis
from laser_core.analysis.tokens.traces import SOURCES
from laser_core.figures import QUANTITIES, Trace, linked_figure, mean_trace_figure

QUESTION = "When does the model know that it is wrong?"
MAX_ROWS = 16  # of the heatmap
WINDOW = 400  # tokens that are shown one by one
ORDERS = {
    "verdict": "verdict, then score",
    "score": "score",
    "length": "length",
    "log_ratio": "log-ratio to the reference",
    "min_logprob": "least likely token",
}

source = cache.current()
signal = cache.signal_of(source) or "score"
meta, rollouts = source.rollouts.meta, source.with_signals
grid = cache.samples(source, signal)
settings = {"beta_v": meta.beta_v, "c_ref": meta.c_ref}
kept = choices.kept(source)

top = st.container()  # the header needs the choice made below it
presets.buttons(source, signal)
problem_id = problem_chooser.choose(source, signal)
p = grid.problem_ids.index(problem_id)
rows = {int(r): rollouts.row(int(r)) for r in findings.solution_order(source, signal, p)}
verdicts = [row.get("correct") for row in rows.values()]
alone = findings.within_one_problem(source, signal, p)

with top:
    told = (
        f" On this problem a correct solution outscores an incorrect one {percent(alone)} of the time "
        f"({verdicts.count(True)} × {verdicts.count(False)} pairs; one problem has no interval)."
        if np.isfinite(alone)
        else ""
    )
    text = next(iter(rows.values())).get("problem") or problem_id
    parts.header(
        QUESTION,
        f"“{literal(text, 300)}”: {verdicts.count(True)} of {count(len(rows), 'solution')} correct.{told}",
    )

held = [
    key
    for key, quantity in QUANTITIES.items()
    if all(rollouts.has(name) for name in SOURCES[key]) and (key != "score" or None not in settings.values())
]


def picked(value: dict, order: list[int]) -> None:
    """A token, and perhaps a row of the heatmap, was clicked: every panel follows."""
    st.session_state["token"] = value["token"]
    row = value.get("row")
    if isinstance(row, int) and 0 <= row < len(order):
        traces.open_row(order[row], rows[order[row]].get("correct"))


def controls(longest: int) -> tuple[str, str, tuple[int, int]]:
    """What the heatmap and the lines show, and which tokens."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        name = {"format_func": lambda key: QUANTITIES[key].name, "width": 210}
        heat = st.selectbox("Colour tokens by", held, key="quantity", **name, **kept)
        line = st.selectbox("Line", held, key="line", **name, **kept)
        window = (1, longest)
        if longest > WINDOW:
            window = st.slider("Tokens shown", 1, longest, window, key=f"window-{longest}", width=320, **kept)
    return heat, line, window


@st.fragment
def panel() -> None:
    """The solutions side by side, the heatmap and the lines, all of one selection."""
    known = findings.measures(source)
    offered = [by for by in ORDERS if by in ("verdict", "score") or by in known]
    by = st.session_state.get("sort", "verdict")
    by = by if by in offered else "verdict"  # as the chooser below will have it
    order = [int(r) for r in findings.solution_order(source, signal, p, by)]
    chosen = {}
    columns = st.columns(2, gap="medium")
    for column, slot in zip(columns, traces.SLOTS, strict=True):
        with column, st.container(border=True):
            row = traces.choose(source, signal, order, rows, slot)
            if row is None:
                st.markdown("This problem has no second solution.")
                continue
            chosen[slot] = row
            traces.card(source, signal, rows[row])
    pair = {slot: Trace.from_row(rows[row], **settings) for slot, row in chosen.items()}
    if not held:
        for column, (slot, row) in zip(columns, chosen.items(), strict=False):
            with column:
                traces.text(pair[slot], rows[row]["response"], "score", key=f"strip_{slot}", **settings)
        st.info(
            "These rollouts hold no per-token values. `laser score MODEL FILE --traces --out scored.parquet` adds "
            "them, if you have the model that wrote them.",
            icon=":material/info:",
        )
        return
    drawn = traces.some_of_each(order, rows, MAX_ROWS) if by == "verdict" else order[:MAX_ROWS]
    drawn = drawn + [row for row in dict.fromkeys(chosen.values()) if row not in drawn]
    drawn_traces = [Trace.from_row(rows[row], **settings) for row in drawn]
    longest = traces.longest(drawn_traces)
    heat, line, window = controls(longest)
    for column, (slot, row) in zip(columns, chosen.items(), strict=False):
        with column:
            traces.text(pair[slot].part(*window), rows[row]["response"], heat, key=f"strip_{slot}", **settings)
    changes = [analysis.sharpest_change(trace.values.get(line, np.zeros(0))) for trace in pair.values()]
    choices.drop_outside("token", 1, longest)
    if st.session_state.setdefault("token_range", longest) != longest:  # the slider starts anew where its range differs
        st.session_state.pop("token", None)
    st.session_state["token_range"] = longest
    turn = next((change.token for change in changes if change.token), 1)
    if st.session_state.pop(presets.FOLLOW, False):
        st.session_state["token"] = turn
    token = st.session_state.get("token", turn)
    parts.figure(
        linked_figure(
            drawn_traces,
            [drawn.index(row) for row in dict.fromkeys(chosen.values())],
            heat,
            line,
            **settings,
            changes=changes,
            marked=token,
            window=window,
        ),
        key="traces_linked",
        alt=f"Heatmap of {QUANTITIES[heat].name} for {count(len(drawn), 'solution')} of the problem, token by token, "
        f"above the {QUANTITIES[line].name} of the two chosen solutions; token {token} is marked",
        see=f"Above, one row per solution (✓ correct, ✗ incorrect, sorted by {ORDERS[by]}), "
        f"{len(drawn)} of {len(rows)} drawn; ∎ closes a solution. Below, the two chosen ones; a star marks the "
        "sharpest change. Point at a token to see it everywhere, click to keep it.",
        settings=parts.made_with(source, signal, problem=problem_id, heat=heat, line=line, order=by, token=token),
    )
    browser.link(
        "traces_linked",
        [f"strip_{slot}" for slot in chosen],
        first=window[0],
        key="traces_link",
        on_pick=lambda value: picked(value, drawn),
    )
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        st.selectbox("Sort solutions by", offered, key="sort", format_func=ORDERS.__getitem__, width=230, **kept)
        if longest > 1:
            start = {} if "token" in st.session_state else {"value": turn}
            st.slider("Token", 1, longest, **start, key="token", width=320, **kept)
        told = []
        for trace, change in zip(pair.values(), changes, strict=True):
            mark = "✓" if trace.correct else "✗"
            at = "past its end"
            if token <= len(trace.tokens):
                value = score_text(traces.value_at(trace, line, token))
                at = f"“{literal(trace.tokens[token - 1], 20)}”: {value}"
            turned = f"; sharpest change {change.size:+.2f} at token {change.token}" if change.token else ""
            told.append(f"{mark} {at}{turned}")
        st.caption(f"Token {token}, {QUANTITIES[line].name}  \n" + "  \n".join(told), width="stretch")


panel()

if held:
    st.subheader("Correct and incorrect solutions on average", anchor=False)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        over = st.segmented_control(
            "Over", ["all problems", "this problem"], default="all problems", key="mean_over", required=True, **kept
        )
        by = st.segmented_control(
            "Aligned by", ["token", "fraction"], default="token", key="mean_by", required=True, **kept
        )
        of = st.selectbox("Of", held, key="mean_of", format_func=lambda key: QUANTITIES[key].name, width=210, **kept)
    alone = over == "this problem"
    means = cache.remember(
        source,
        ("mean traces", signal, of, by, p if alone else None),
        lambda: analysis.mean_traces(rollouts, grid, quantity=of, by=by, problem=p if alone else None),
    )
    unit = "solutions" if alone else "problems"
    drawable = np.isfinite([*means.correct[0], *means.incorrect[0]]).any()
    if not drawable:
        st.info(
            "Too few solutions with verdicts and per-token values for a mean. Choose this problem, or more problems.",
            icon=":material/info:",
        )
if held and drawable:
    parts.figure(
        mean_trace_figure(means, **settings, unit=unit),
        key="traces_mean",
        alt=f"Mean {QUANTITIES[of].name} along correct and along incorrect solutions, with 95% bands",
        see=f"Means with 95% intervals over {unit}, n = {count(int(means.n_correct[0]), 'correct solution')} and "
        f"{int(means.n_incorrect[0]):,} incorrect of {count(means.n_problems, 'problem')} at the start. Where the "
        "bands part, the model's own estimate begins to tell them apart."
        + (" By token, the longest solutions alone make the right end." if by == "token" else ""),
        settings=parts.made_with(source, signal, over=over, by=by, quantity=of),
    )
parts.equation(
    r"r_t = \beta_v \left(\log \pi_\theta(z_c \mid x, y_{\le t}) - c_{\mathrm{ref}}\right)",
    r"The score read after token $t$ rather than at the end; LaSeR trains the last of them alone. $\beta_v$ scales "
    r"nats to reward"
    + (f" ({number(meta.beta_v)} here)" if meta.beta_v else "")
    + r"; $c_{\mathrm{ref}}$ is the nearly constant log-probability the reference model gives $z_c$"
    + (f" ({number(meta.c_ref, 1)} nats here)." if meta.c_ref is not None else ".")
    + " Log-ratio: a token's log-probability less the reference model's. Entropy: of the distribution the token was "
    "drawn from.",
)
