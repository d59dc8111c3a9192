"""The Playground's solutions: shown token by token while they are sampled, then counted as votes."""

from __future__ import annotations

import html
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from app.data import sources
from app.format import bounds, count, literal, percent, score_text
from app.widgets import parts
from laser_core import bundled
from laser_core.analysis import Vote
from laser_core.figures import Drawn, Trace, token_strip_html, trace_figure, vote_figure
from laser_core.figures.voting import MAX_ANSWERS
from laser_core.playground import session
from laser_core.playground.outcome import accuracy_interval, as_rollouts, first_vote
from laser_core.playground.protocol import MODEL_FILES, Done, Ready, Request, Tokens
from laser_core.rollouts import Rollouts
from laser_core.tasks import FAMILIES

REDRAW_SECONDS = 0.12  # a browser stutters at a faster rate
SLOW_SECONDS = 0.08  # between tokens, so that they can be read
COUNT_SECONDS = 1.0  # between votes
MAX_NEW_TOKENS = max(family.max_new_tokens for family in FAMILIES)  # of a miniature model
MARKS = {True: "✓ correct", False: "✗ incorrect", None: "not verified"}


@dataclass(frozen=True)
class Model:
    """A model that can be sampled: its name on the page, its path, and the settings of its score."""

    title: str
    path: str
    beta_v: float
    c_ref: float
    z_token: str
    task: str | None
    max_new_tokens: int
    prompt: str = ""


@dataclass(frozen=True)
class Draw:
    """One model's solutions of one problem."""

    model: Model
    request: Request
    rollouts: Rollouts


def models() -> dict[str, Model]:
    """The available miniature models: the bundled ones, then those trained here."""
    paths = {key: (source, f"{bundled.PREFIX}{key}") for key, source in sources.bundled_sources().items()}
    for key, source in sources.trained_sources().items():
        if source.events:
            paths[key] = (source, str(source.events.parent / "model"))
    found = {}
    for key, (source, path) in paths.items():
        meta = source.rollouts.meta
        if meta.beta_v is None or meta.c_ref is None:
            continue
        if any((Path(bundled.model_path(path)) / name).is_file() for name in MODEL_FILES):
            token = meta.z_token if meta.z_token and ", " not in meta.z_token else ""
            found[key] = Model(source.title, path, meta.beta_v, meta.c_ref, token, meta.task, MAX_NEW_TOKENS)
    return found


def still_for(draws: dict[str, Draw], problem: str) -> dict[str, Draw]:
    """The draws of the problem that is on the page now; those of another one are not shown beside it."""
    return {key: draw for key, draw in draws.items() if draw.request.problem == problem}


def stream(model: Model, request: Request, *, slow: bool) -> Draw:
    """Sample, and show the tokens as they arrive, each on the colour of the score after it.

    Raises
    ------
    InputError
        If the model cannot be loaded or run.
    """
    place = st.empty()
    place.caption("Loading the model … this takes a few seconds the first time.")
    rows: list[dict] = [{"sample": i, "correct": None, "tokens": [], "z_trace": []} for i in range(request.samples)]
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
    """One solution as escaped HTML: verifier, answer and score once they are known, and its coloured tokens."""
    trace = Trace.from_row(row, beta_v=request.beta_v, c_ref=request.c_ref)
    head = f"{row['sample'] + 1}"
    if "score" in row:
        head += f" · {MARKS[row['correct']]}"
        head += f" · answer {row['answer'][:40]}" if row["answer"] else " · no answer"
        head += f" · score {score_text(row['score'])}" if row["score"] is not None else " · truncated, no score"
    head = f'<div style="font-size:0.85rem;opacity:0.85">{html.escape(head)}</div>'
    return head + token_strip_html(trace, "score", beta_v=request.beta_v, c_ref=request.c_ref)


def show(draws: dict[str, Draw], counted: int) -> None:
    """The models side by side: the vote among each one's first solutions, as a sentence and a figure, and the texts.

    The figures share their axes, so that they can be compared across the page.
    """
    votes = {key: first_vote(draw.rollouts, counted) for key, draw in draws.items()}
    bars = {key: vote_figure(*vote) for key, vote in votes.items()}
    most = max([1, *(len(answers) for _, answers in votes.values())])
    tallest = max(figure.layout.height for figure in bars.values())
    longest = max([1, *(int(vote.count.max(initial=0)) for vote, _ in votes.values())])
    for figure in bars.values():
        figure.update_layout(height=tallest)
        figure.update_xaxes(title_text="votes", range=[0, 1.5 * longest])  # the caption tells the two kinds apart
        figure.update_yaxes(autorange=False, range=[min(most, MAX_ANSWERS) - 0.5, -0.5])
    lines = {key: _lines(draw) for key, draw in draws.items()}
    values = np.concatenate([[0.0, 1.0], *(trace.y for figure in lines.values() for trace in figure.data)])
    low, high = np.nanmin(values), np.nanmax(values)
    for column, (key, draw) in zip(st.columns(len(draws), gap="medium"), draws.items(), strict=True):
        lines[key].update_yaxes(range=[low - 0.06 * (high - low), high + 0.06 * (high - low)])
        with column:
            st.subheader(literal(draw.model.title), anchor=False)
            _one(draw, counted, votes[key], bars[key], lines[key], key=key)


def _lines(draw: Draw) -> Drawn:
    beta_v, c_ref = draw.request.beta_v, draw.request.c_ref
    traces = [Trace.from_row(draw.rollouts.row(i), beta_v=beta_v, c_ref=c_ref) for i in range(len(draw.rollouts))]
    fig = trace_figure(traces, "score", beta_v=beta_v, c_ref=c_ref)
    fig.update_layout(showlegend=False)
    return fig


def _one(draw: Draw, counted: int, vote: tuple[Vote, list[str]], bars: Drawn, lines: Drawn, *, key: str) -> None:
    rows = [draw.rollouts.row(i) for i in range(len(draw.rollouts))]
    st.markdown(_finding(rows[:counted], *vote))
    parts.figure(
        bars,
        key=f"playground_vote_{key}",
        alt=f"Votes for each answer among {counted} solutions of {draw.model.title}",
        see=f"n = {count(counted, 'solution')}, counted once each (hatched) and by their clipped scores (plain). A "
        "single draw has no interval.",
    )
    st.html("".join(strip(row, draw.request) for row in rows))
    parts.figure(
        lines,
        key=f"playground_trace_{key}",
        alt=f"The score after each token, {len(rows)} solutions of {draw.model.title}",
        see=f"The score as it would be after each token, n = {count(len(rows), 'solution')}: solid blue, correct; "
        "dashed vermilion, incorrect. Only the last point, after the closing token, was trained. Single solutions "
        "have no interval.",
    )


def count_on(counted: int, most: int) -> None:
    """While the votes are counted one by one, count one more solution every second."""
    if counted >= most or "playground_counting" not in st.session_state:
        st.session_state.pop("playground_counting", None)
        return
    st.session_state["playground_counting"] = time.monotonic()

    @st.fragment(run_every=COUNT_SECONDS)
    def tick() -> None:
        # The fragment also runs together with the page, when the current vote has not been seen yet.
        if time.monotonic() - st.session_state.get("playground_counting", 0.0) > COUNT_SECONDS / 2:
            st.session_state["playground_next"] = counted + 1
            st.rerun()

    tick()


def _finding(rows: Sequence[dict], vote: Vote, answers: Sequence[str]) -> str:
    """How many solutions are correct, and who wins either vote."""
    sentences = []
    if all(row["correct"] is not None for row in rows):
        n_correct = sum(row["correct"] for row in rows)
        ends = accuracy_interval(n_correct, len(rows))
        sentences.append(
            f"**{n_correct} of {len(rows)} correct** (95% CI of its accuracy on this problem {bounds(*ends, percent)})."
        )
    for name, winners in (("Majority", vote.majority_winners), ("Weighted", vote.weighted_winners)):
        won = [i for i in range(len(answers)) if winners[i]]
        named = [literal(answers[i], 30) + {1.0: " ✓", 0.0: " ✗"}.get(float(vote.correct[i]), "") for i in won]
        if not won:
            sentences.append(f"{name} vote: no solution has an answer.")
        elif name == "Weighted" and not any(vote.weight > 0):
            sentences.append("Weighted vote: undecided, every weight is 0.")
        elif len(won) > 1:
            sentences.append(f"{name} vote: a tie of {', '.join(named)}.")
        else:
            sentences.append(f"{name} vote: **{named[0]}**.")
    return " ".join(sentences)
