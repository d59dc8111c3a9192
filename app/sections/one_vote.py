"""The Voting page's first section: one actual vote, answer by answer."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import streamlit as st

from app.data import cache, findings
from app.data.sources import Source
from app.format import count, literal, short
from app.widgets import choices, parts, problem_chooser
from laser_core import analysis
from laser_core.analysis import Vote
from laser_core.figures import vote_figure


def show(source: Source, signal: str, usual: int, *, weighted: bool) -> None:
    """One actual vote on a chosen problem; the voters can be drawn again. Without a score nothing is weighted."""
    problem_id = problem_chooser.choose(source, signal)
    _one_vote(source, signal, usual, weighted, cache.samples(source, signal).problem_ids.index(problem_id))


@st.fragment
def _one_vote(source: Source, signal: str, usual: int, weighted: bool, p: int) -> None:
    grid = cache.samples(source, signal)
    most = int(grid.counts[p])
    left, right = st.columns([2, 3], gap="medium")
    with left:
        voters = most
        if most > 1:
            choices.drop_outside("voters", 1, most)
            voters = st.slider("Voters, N", 1, most, min(usual, most), key="voters", **choices.kept(source))
        if st.button("Draw other voters", key="draw", icon=":material/casino:", shortcut="D", disabled=voters == most):
            st.session_state["vote_seed"] = st.session_state.get("vote_seed", 0) + 1
        st.page_link("app_pages/traces.py", label="These solutions, token by token", icon=":material/timeline:")
    seed = st.session_state.get("vote_seed", 0)
    vote = cache.analyse(
        source, analysis.draw_vote, signal=signal, problem=p, n=voters, seed=seed, weight=findings.weight(signal)
    )
    with left:
        _voters(source, signal if weighted else None, vote)
    reference = source.rollouts.row(int(grid.row[p, 0])).get("reference_answer")
    with right:
        parts.figure(
            vote_figure(vote, answers_of(source, vote), weighted=weighted),
            key="vote",
            alt="Votes per answer, counted"
            + (f" and weighted by the {parts.signal_label(signal)}" if weighted else ""),
            see=f"{count(voters, 'voter')} drawn at random from {most} solutions; a single draw has no interval"
            + (f"; {vote.n_unanswered} of them without an answer" if vote.n_unanswered else "")
            + ". ✓ marks the correct answer"
            + (f", {literal(reference, 60)}" if reference is not None else "")
            + (
                ". Grey counts the votes, green adds up their weights; the star marks the winner of each."
                if weighted
                else ". The star marks the winner; without a score there are no weights."
            ),
            settings=parts.made_with(source, signal, problem=grid.problem_ids[p], voters=voters, draw=seed),
        )


def _voters(source: Source, signal: str | None, vote: Vote) -> None:
    """The solutions that vote, as a table."""
    drawn = source.with_signals.take(np.asarray(vote.rows))
    st.dataframe(
        {
            "voter": list(range(1, len(drawn) + 1)),
            "sample": drawn.column("sample"),
            "answer": [short(text) if text is not None else "none: no vote" for text in drawn.text("answer")],
            **({} if signal is None else {"score": drawn.column(signal)}),
            "verifier": [{1.0: "✓", 0.0: "✗"}.get(value, "?") for value in drawn.column("correct")],
        },
        hide_index=True,
        height=min(38 * (len(drawn) + 1), 320),
        column_config={"score": st.column_config.NumberColumn(format="%.3f")},
    )


def answers_of(source: Source, vote: Vote) -> list[str]:
    """The text of each of a vote's answers, as one of the solutions that gave it wrote it."""
    rows = pa.array(np.asarray(vote.representative, dtype=np.int64))
    return source.rollouts.table["answer"].take(rows).to_pylist() if len(rows) else []
