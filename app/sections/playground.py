"""Solutions of one problem, drawn while they are sampled, and the vote they hold afterwards."""

from __future__ import annotations

import html
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from app.data import cache
from app.widgets import parts
from app.widgets.format import count, literal, percent, score_text
from laser_core import bundled
from laser_core.figures import Trace, token_strip_html, trace_figure, vote_figure
from laser_core.figures.voting import MAX_ANSWERS
from laser_core.playground import session
from laser_core.playground.outcome import accuracy_interval, as_rollouts, first_vote
from laser_core.playground.protocol import Done, Ready, Request, Tokens
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
    for key, source in (cache.bundled_sources() | cache.trained_sources()).items():
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
    for event in session.sample(request):
        if isinstance(event, Ready):
            token = event.z_token
        elif isinstance(event, Tokens):
            for i, text, z in zip(event.rows, event.tokens, event.z_logprob, strict=True):
                rows[i]["tokens"].append(text)
                rows[i]["z_trace"].append(z)
            if slow:
                time.sleep(SLOW_SECONDS)
            if time.monotonic() - drawn > REDRAW_SECONDS:
                place.html("".join(strip(row, request) for row in rows if row["tokens"]))
                drawn = time.monotonic()
        elif isinstance(event, Done):
            place.html("".join(strip(row, request) for row in event.rows))
            return Draw(model, request, as_rollouts(event.rows, request, token))
    raise AssertionError("the last event is Done")


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


def show(draws: dict[str, Draw], counted: int) -> None:
    """The models beside each other: each one's vote among its first solutions, in words too, and its solutions.

    Their figures share their axes, so that they can be compared across the page.
    """
    votes = {key: first_vote(draw.rollouts, counted) for key, draw in draws.items()}
    ballots = {key: vote_figure(*vote) for key, vote in votes.items()}
    most = max([1, *(len(answers) for _, answers in votes.values())])
    tallest = max(ballot.layout.height for ballot in ballots.values())
    longest = max([1, *(int(vote.count.max(initial=0)) for vote, _ in votes.values())])
    for ballot in ballots.values():
        ballot.update_layout(height=tallest)
        ballot.update_xaxes(title_text="votes", range=[0, 1.5 * longest])  # the sentence below says which
        ballot.update_yaxes(autorange=False, range=[min(most, MAX_ANSWERS) - 0.5, -0.5])
    lines = {key: _lines(draw) for key, draw in draws.items()}
    values = np.concatenate([[0.0, 1.0], *(trace.y for figure in lines.values() for trace in figure.data)])
    low, high = np.nanmin(values), np.nanmax(values)
    for column, (key, draw) in zip(st.columns(len(draws), gap="medium"), draws.items(), strict=True):
        lines[key].update_yaxes(range=[low - 0.06 * (high - low), high + 0.06 * (high - low)])
        with column:
            st.subheader(literal(draw.model.title), anchor=False)
            _one(draw, counted, votes[key], ballots[key], lines[key], key=key)


def _lines(draw: Draw) -> go.Figure:
    settings = {"beta_v": draw.request.beta_v, "c_ref": draw.request.c_ref}
    traces = [Trace.from_row(draw.rollouts.row(i), **settings) for i in range(len(draw.rollouts))]
    return trace_figure(traces, "score", **settings).update_layout(showlegend=False)


def _one(draw: Draw, counted: int, vote: tuple, ballot: go.Figure, lines: go.Figure, *, key: str) -> None:
    rows = [draw.rollouts.row(i) for i in range(len(draw.rollouts))]
    st.markdown(_finding(rows[:counted], *vote))
    parts.figure(
        ballot,
        key=f"playground_vote_{key}",
        alt=f"Votes for each answer among {counted} solutions of {draw.model.title}",
        see=f"The first n = {count(counted, 'solution')}, counted once each (hatched) and by their clipped scores "
        "(plain). One draw, so no interval.",
    )
    st.html("".join(strip(row, draw.request) for row in rows))
    parts.figure(
        lines,
        key=f"playground_trace_{key}",
        alt=f"The score after each token, {len(rows)} solutions of {draw.model.title}",
        see=f"The score one would read after each token of each of the n = {len(rows)}: solid blue, correct; dashed "
        "vermilion, incorrect. Only the last point, after the closing token, was trained. Single solutions, so no "
        "interval.",
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
        low, high = accuracy_interval(hits, len(rows))
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
