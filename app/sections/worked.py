"""The Start page's first section: what a solution, the verifier and the score are, on two real solutions."""

from __future__ import annotations

import html

import numpy as np
import streamlit as st

from app.data import cache
from app.data.sources import Source
from app.format import literal, score_text
from app.presentation import deck
from laser_core.figures import Trace, token_strip_html
from laser_core.figures.theme import visible
from laser_core.rollouts.prompts import question

LAST_TOKENS, LAST_CHARACTERS = 160, 400  # of a long solution: its end has the answer, and the score is read there
STORY = (
    "A language model solves each problem many times, and a **verifier** checks every answer: correct or incorrect. "
    "After the last token of a solution we read how likely the model finds one reserved token, which it never writes, "
    "and turn this into the **last-token score**. LaSeR trains the score to be near 1 for correct solutions and near 0 "
    "for incorrect ones, so that the model can say by itself which of its solutions to trust."
)
STORY_WITHOUT_SCORE = (
    "A language model solves each problem many times, and a **verifier** checks every answer: correct or incorrect. "
    "LaSeR adds a **last-token score**: after a solution's last token, how likely does the model find one reserved "
    "token that it never writes? This file holds the solutions without such a score."
)


def typical_pair(source: Source, signal: str) -> dict[bool, int]:
    """A correct and an incorrect solution of one problem: its middle ones by score.

    The problem is a typical one, too: of those that are about as evenly split as any, the middle one by the gap between
    its correct and its incorrect solutions.

    Returns
    -------
    dict of bool to int
        Row numbers by verdict; empty where no problem has both kinds.
    """

    def make() -> dict[bool, int]:
        grid = cache.samples(source, signal)
        n_correct, n_incorrect = ((grid.correct == verdict).sum(axis=1) for verdict in (1, 0))
        both = np.minimum(n_correct, n_incorrect)
        if not both.size or not both.max():
            return {}
        score = np.nan_to_num(grid.score)
        split = np.flatnonzero(2 * both >= both.max())
        gap = [score[p][grid.correct[p] == 1].mean() - score[p][grid.correct[p] == 0].mean() for p in split]
        p = int(split[np.argsort(gap, kind="stable")[len(gap) // 2]])
        pair = {}
        for verdict in (True, False):
            slots = np.flatnonzero(grid.correct[p] == verdict)
            by_score = slots[np.argsort(score[p, slots], kind="stable")]
            pair[verdict] = int(grid.row[p, by_score[len(by_score) // 2]])
        return pair

    return cache.remember(source, ("typical pair", signal), make)


def show(source: Source, signal: str | None) -> None:
    """Three sentences, and a typical correct and incorrect solution with what the verifier and the score say."""
    st.markdown(STORY if signal == "score" else STORY_WITHOUT_SCORE if signal is None else STORY.split(" After")[0])
    pair = typical_pair(source, signal or "score")
    if not pair:
        return
    rows = {verdict: source.with_signals.row(row) for verdict, row in pair.items()}
    problem = question(rows[True].get("problem") or rows[True]["problem_id"])
    with deck.slide("worked", "What is the last-token score?"):
        if deck.on():
            st.markdown(STORY)
        st.markdown(f"One problem, **{literal(problem, 240)}**, and two of its solutions:")
        for verdict, column in zip(rows, st.columns(2, gap="medium"), strict=True):
            with column, st.container(border=True):
                _solution(source, rows[verdict], signal, verdict)
        if _trace(source, rows[True]) is not None and signal == "score":
            st.caption(
                "Each token stands on the colour of the score that would be read after it: vermilion near 0, blue near "
                "1. Only the one after the last token is trained and used. The problem is typical, and so "
                f"are both: the middle ones by score. {_which_is_higher(rows)}"
            )


def _which_is_higher(rows: dict[bool, dict]) -> str:
    """What the scores of the two solutions say, for those who see a score for the first time."""
    right, wrong = (rows[verdict].get("score") for verdict in (True, False))
    if right is None or wrong is None or score_text(right) == score_text(wrong):
        return ""
    one = "correct" if right > wrong else "incorrect"
    told = f"Here the {one} solution has the higher score, {score_text(max(right, wrong))} against "
    return f"{told}{score_text(min(right, wrong))}; which one is higher is what counts when solutions compete."


def _solution(source: Source, row: dict, signal: str | None, verdict: bool) -> None:
    icon, word = (":material/check_circle:", "correct") if verdict else (":material/cancel:", "incorrect")
    score = row.get(signal) if signal == "score" else None
    told = f" · score **{score_text(score)}**" if score is not None else ""
    st.markdown(f"{icon} **{word}**: answer {literal(row.get('answer') or 'none', 40)}{told}")
    trace = _trace(source, row)
    if trace is None or signal != "score":
        st.html(f'<div style="overflow-wrap:anywhere;white-space:pre-wrap">{html.escape(_end_of(row))}</div>')
        return
    n = len(trace.tokens)
    meta = source.rollouts.meta
    part = trace.part(max(1, n - LAST_TOKENS + 1), n)
    st.html(("…" if n > LAST_TOKENS else "") + token_strip_html(part, "score", beta_v=meta.beta_v, c_ref=meta.c_ref))


def _end_of(row: dict) -> str:
    """The last characters of a solution, where its answer is, line by line."""
    response = row.get("response") or ""
    end = "\n".join(visible(line) for line in response[-LAST_CHARACTERS:].strip().split("\n"))
    return f"…{end}" if len(response) > LAST_CHARACTERS else end


def _trace(source: Source, row: dict) -> Trace | None:
    """A solution's scores token by token, where the run holds them."""
    meta = source.rollouts.meta
    trace = Trace.from_row(row, beta_v=meta.beta_v, c_ref=meta.c_ref)
    return trace if "score" in trace.values else None
