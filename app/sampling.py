"""Solutions of one problem, drawn while they are sampled, and the vote they hold afterwards."""

from __future__ import annotations

import html
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from app import data, parts
from app.words import count, literal, percent, score_text
from laser_core import bundled, playground
from laser_core.figures import Trace, token_strip_html, trace_figure, vote_figure
from laser_core.playground import Request
from laser_core.rollouts import Rollouts

REDRAW_SECONDS = 0.12  # faster than that a browser only stutters
SLOW_SECONDS = 0.08  # between tokens, to be read
COUNT_SECONDS = 1.0  # between votes, to be understood
MARKS = {True: "✓ correct", False: "✗ incorrect", None: "not verified"}


@dataclass(frozen=True)
class Model:
    """A model that can be sampled: its name on the page, where it is, and how its score is read."""

    title: str
    path: str
    beta_v: float
    c_ref: float
    z_token: str
    task: str | None
    max_new_tokens: int


@dataclass(frozen=True)
class Draw:
    """One model's solutions of one problem."""

    model: Model
    request: Request
    rollouts: Rollouts


def models() -> dict[str, Model]:
    """The miniature models at hand: the bundled ones, then those trained here."""
    found = {}
    for key, source in (data.bundled_sources() | data.trained_sources()).items():
        if key.startswith("run-"):
            path = str(source.events.parent / "model") if source.events else ""
        else:
            path = f"{bundled.PREFIX}{key}"
        meta = source.rollouts.meta
        if path and meta.c_ref is not None and (Path(bundled.model_path(path)) / "config.json").is_file():
            token = meta.z_token if meta.z_token and ", " not in meta.z_token else ""
            found[key] = Model(source.title, path, meta.beta_v, meta.c_ref, token, meta.task, 40)
    return found


def stream(model: Model, request: Request, *, slow: bool) -> Draw:
    """Sample, and draw the tokens as they arrive, each on the colour of the score after it.

    Raises
    ------
    InputError
        If the model cannot be loaded or run.
    """
    place = st.empty()
    place.caption("Loading the model … the first time takes some seconds.")
    rows = [{"sample": i, "correct": None, "tokens": [], "z_trace": []} for i in range(request.samples)]
    token, drawn = model.z_token, 0.0
    for event in playground.sample(request):
        if event["event"] == "ready":
            token = event["z_token"]
        elif event["event"] == "tokens":
            for i, text, z in zip(event["rows"], event["tokens"], event["z"], strict=True):
                rows[i]["tokens"].append(text)
                rows[i]["z_trace"].append(z)
            if slow:
                time.sleep(SLOW_SECONDS)
            if time.monotonic() - drawn > REDRAW_SECONDS:
                place.html("".join(strip(row, request) for row in rows if row["tokens"]))
                drawn = time.monotonic()
        else:
            place.html("".join(strip(row, request) for row in event["rows"]))
            return Draw(model, request, playground.as_rollouts(event["rows"], request, token))
    raise AssertionError("the last event is done")


def strip(row: dict, request: Request) -> str:
    """One solution as escaped HTML: its verdict, answer and score once they are known, and its coloured tokens."""
    trace = Trace.from_row(row, beta_v=request.beta_v, c_ref=request.c_ref)
    head = f"{row['sample'] + 1}"
    if "score" in row:
        head += f" · {MARKS[row['correct']]}"
        head += f" · answer {row['answer'][:40]}" if row["answer"] else " · no answer"
        head += f" · score {score_text(row['score'])}" if row["score"] is not None else " · cut off, no score"
    head = f'<div style="font-size:0.85rem;opacity:0.85">{html.escape(head)}</div>'
    return head + token_strip_html(trace, "score", beta_v=request.beta_v, c_ref=request.c_ref)


def show(draw: Draw, counted: int, *, key: str) -> None:
    """A model's vote among its first solutions, with what it says in words, and the solutions themselves."""
    vote, answers = playground.vote(draw.rollouts, counted)
    rows = [draw.rollouts.row(i) for i in range(len(draw.rollouts))]
    st.markdown(_finding(rows[:counted], vote, answers))
    ballot = vote_figure(vote, answers)
    ballot.update_xaxes(title_text="votes")  # three beside each other are narrow; the sentence below says which
    parts.figure(
        ballot,
        key=f"playground_vote_{key}",
        alt=f"Votes for each answer among {counted} solutions of {draw.model.title}",
        see=f"The first {count(counted, 'solution')}, counted once each (hatched) and by their clipped scores (plain).",
    )
    st.html("".join(strip(row, draw.request) for row in rows))
    traces = [Trace.from_row(row, beta_v=draw.request.beta_v, c_ref=draw.request.c_ref) for row in rows]
    lines = trace_figure(traces, "score", beta_v=draw.request.beta_v, c_ref=draw.request.c_ref)
    lines.update_layout(showlegend=False)
    parts.figure(
        lines,
        key=f"playground_trace_{key}",
        alt=f"The score after each token, {len(rows)} solutions of {draw.model.title}",
        see="The score one would read after each token: solid blue, correct; dashed vermilion, incorrect. Only the "
        "last point, after the closing token, was trained.",
    )


def count_on(counted: int, most: int) -> None:
    """Count one more solution every second, once the page was told to; the slider shows how many."""
    if counted >= most or "playground_counting" not in st.session_state:
        st.session_state.pop("playground_counting", None)
        return
    st.session_state["playground_counting"] = time.monotonic()

    @st.fragment(run_every=COUNT_SECONDS)
    def tick() -> None:
        # Runs once with the page itself, when the vote on it has not been seen yet.
        if time.monotonic() - st.session_state.get("playground_counting", 0.0) > COUNT_SECONDS / 2:
            st.session_state["playground_next"] = counted + 1
            st.rerun()

    tick()


def _finding(rows: Sequence[dict], vote: object, answers: Sequence[str]) -> str:
    said = []
    if all(row["correct"] is not None for row in rows):
        hits = sum(row["correct"] for row in rows)
        low, high = playground.share_interval(hits, len(rows))
        said.append(
            f"**{hits} of {len(rows)} correct** (95% interval of its accuracy here {percent(low)} to {percent(high)})."
        )
    for name, winners in (("Majority", vote.majority_winners), ("Weighted", vote.weighted_winners)):
        won = [i for i in range(len(answers)) if winners[i]]
        named = [literal(answers[i], 30) + {1.0: " ✓", 0.0: " ✗"}.get(float(vote.correct[i]), "") for i in won]
        if not won:
            said.append(f"{name} vote: nobody answered.")
        elif name == "Weighted" and not any(vote.weight > 0):
            said.append("Weighted vote: undecided, every weight is 0.")
        elif len(won) > 1:
            said.append(f"{name} vote: a tie of {', '.join(named)}.")
        else:
            said.append(f"{name} vote: **{named[0]}**.")
    return " ".join(said)
