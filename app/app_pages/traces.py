"""Traces: correct and incorrect solutions of one problem, token by token, and the moment the model knows."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import data, findings, parts, problems
from app.words import count, literal, number, percent, score_text
from laser_core.figures import QUANTITIES, Trace, token_heatmap, token_strip_html, trace_figure

QUESTION = "When does the model know that it is wrong?"
MAX_HEATMAP_ROWS, MAX_HEATMAP_TOKENS = 16, 120

source = data.current()
signal = data.signal_of(source) or "score"
meta, rollouts = source.rollouts.meta, source.rollouts
grid = data.samples(source, signal)
settings = {"beta_v": meta.beta_v, "c_ref": meta.c_ref}

top = st.container()  # the header needs the choice made below it
controls = st.container(horizontal=True, gap="small", vertical_alignment="bottom")
with controls:
    problem_id = problems.choose(source, signal)
p = grid.problem_ids.index(problem_id)
order = findings.solution_order(grid, p)
rows = {int(grid.row[p, i]): rollouts.row(int(grid.row[p, i])) for i in order}
right = [r for r, row in rows.items() if row.get("correct") is True]
wrong = [r for r, row in rows.items() if row.get("correct") is False]
first = next(iter(rows.values()))
shared_numbers = len({row["sample"] for row in rows.values()}) < len(rows)
alone = findings.within_one_problem(source, signal, p)

with top:
    told = (
        f" On this problem a correct solution outscores an incorrect one {percent(alone)} of the time "
        f"({len(right)} × {len(wrong)} pairs; one problem has no interval)."
        if np.isfinite(alone)
        else ""
    )
    parts.header(
        QUESTION,
        f"“{literal(first.get('problem') or problem_id, 300)}”: {len(right)} of {count(len(rows), 'solution')} "
        f"correct.{told}",
    )


def title(row: int) -> str:
    """A solution's name in the two choices."""
    value, name = rows[row].get(signal), f"sample {rows[row]['sample']}"
    if shared_numbers:
        name += f" (row {row + 1:,})"  # solutions from several training steps
    return f"{name}, score {score_text(value)}" if value is not None else name


def solution(row: int, quantity: str) -> None:
    """One solution: verdict beside score, answer beside reference, and its text on its colours."""
    values = rows[row]
    verdict = {True: ":material/check_circle: correct", False: ":material/cancel: incorrect"}.get(
        values.get("correct"), "not verified"
    )
    score = values.get(signal)
    judged = "" if score is None or signal != "score" else (", judged correct" if score > 0.5 else ", judged incorrect")
    answer = literal(values["answer"], 80) if values.get("answer") is not None else "none found"
    reference = literal(values["reference_answer"], 80) if values.get("reference_answer") is not None else "unknown"
    st.markdown(
        f"Verifier: **{verdict}** · {parts.signal_name(signal)} **{score_text(score)}**{judged}  \n"
        f"Answer **{answer}** · reference **{reference}**" + (" · cut off" if values.get("truncated") else "")
    )
    trace = Trace.from_row(values, **settings)
    if trace.tokens and trace.values:
        with st.container(height="content" if len(trace.tokens) <= 300 else 420, border=False):
            st.html(token_strip_html(trace, quantity, **settings))
    else:
        st.code(values["response"], language=None, wrap_lines=True)


held = [
    key
    for key, quantity in QUANTITIES.items()
    if rollouts.has(quantity.column) and (key != "score" or None not in settings.values())
]
quantity = "score"
if held:
    with controls:
        quantity = st.selectbox(
            "Colour tokens by",
            held,
            key="quantity",
            persist_state="session",
            width=200,
            format_func=lambda key: QUANTITIES[key].name,
        )
else:
    st.info(
        "These rollouts hold no per-token values. `laser score MODEL FILE --traces --out scored.parquet` adds them.",
        icon=":material/info:",
    )

pair = []
for column, title_text, options, key in zip(
    st.columns(2, gap="medium"),
    ("A correct solution", "An incorrect solution"),
    (right, wrong),
    ("right_row", "wrong_row"),
    strict=True,
):
    with column, st.container(border=True):
        if options:
            row = st.selectbox(
                title_text,
                options,
                index=len(options) // 2,  # the middle one by score: typical, not picked to impress
                key=f"{key}-{source.key}-{problem_id}",
                persist_state="session",
                format_func=title,
            )
            pair.append(row)
            solution(row, quantity)
        else:
            st.markdown(f"**{title_text}**: this problem has none.")

if held:
    compared = [Trace.from_row(rows[row], **settings) for row in pair]
    z, left_over = st.columns(2, gap="medium")
    with z:
        kind = "score" if "score" in held else "z_logprob"
        parts.figure(
            trace_figure(compared, kind, **settings),
            key="trace_z",
            alt="The score the model would give after each token, correct against incorrect solution",
            see="What the score would be if it were read here: z_c's log-prob after every token, in score units "
            f"(β_v = {number(meta.beta_v)}, c_ref = {number(meta.c_ref, 1)} nats). LaSeR trains the last of them "
            "alone.",
        )
    with left_over:
        parts.figure(
            trace_figure(compared, "logprob", **settings),
            key="trace_logprob",
            alt="Log-probability of each response token, correct against incorrect solution",
            see="How sure the model was of each token it wrote, in nats: 0 is certain, −0.7 a coin flip. A confident "
            "solution need not be a correct one.",
        )
    traces = [Trace.from_row(row, **settings) for row in list(rows.values())[:MAX_HEATMAP_ROWS]]
    longest = max(len(trace.tokens) for trace in traces)
    if longest <= MAX_HEATMAP_TOKENS:
        st.subheader("All solutions of this problem", anchor=False)
        more = len(rows) - len(traces)
        parts.figure(
            token_heatmap(traces, quantity, **settings),
            key="heatmap",
            alt=f"Solutions of the problem as rows of tokens coloured by {QUANTITIES[quantity].name}",
            see="One row per solution, correct ones (✓) above incorrect ones (✗), each from the highest to the lowest "
            "score"
            + (f"; {more} more are not drawn." if more else ".")
            + " ∎ closes a solution. LaSeR trains the score there alone: look whether earlier columns tell already.",
        )
parts.equation(
    r"r_t = \beta_v \left(\log \pi_\theta(z_c \mid x, y_{\le t}) - c_{\mathrm{ref}}\right)",
    r"The score read after token $t$ rather than at the end. $\beta_v$ scales nats to reward; $c_{\mathrm{ref}}$ is "
    "the nearly constant log-probability the reference model gives $z_c$.",
)
