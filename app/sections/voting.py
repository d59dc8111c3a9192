"""The sections of the voting page: one vote answer by answer, what flips, other settings, tokens spent."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import streamlit as st

from app.data import cache, findings
from app.widgets import choices, parts, problem_chooser
from app.widgets.format import count, interval, literal, number, percent, short
from laser_core import analysis
from laser_core.analysis import Vote
from laser_core.errors import InputError
from laser_core.figures import (
    accuracy_tokens_figure,
    sensitivity_figure,
    vote_figure,
)


def one(source: cache.Source, judge: str, usual: int) -> None:
    """One actual vote, drawn again on demand."""
    grid = cache.samples(source, judge)
    problem_id = problem_chooser.choose(source, judge)
    p = grid.problem_ids.index(problem_id)
    _one(source, judge, usual, p)


@st.fragment
def _one(source: cache.Source, judge: str, usual: int, p: int) -> None:
    grid, kept = cache.samples(source, judge), choices.kept(source)
    most = int(grid.counts[p])
    left, right = st.columns([2, 3], gap="medium")
    with left:
        voters = most
        if most > 1:
            choices.drop_outside("voters", 1, most)
            voters = st.slider("Voters, N", 1, most, min(usual, most), key="voters", **kept)
        if st.button("Draw other voters", key="draw", icon=":material/casino:", shortcut="D", disabled=voters == most):
            st.session_state["vote_seed"] = st.session_state.get("vote_seed", 0) + 1
        st.page_link("app_pages/traces.py", label="These solutions, token by token", icon=":material/timeline:")
    seed = st.session_state.get("vote_seed", 0)
    vote = cache.analyse(
        source, "draw_vote", signal=judge, problem=p, n=voters, seed=seed, weight=findings.weight(judge)
    )
    answers = vote_answers(source, vote)
    with left:
        drawn = source.with_signals.take(np.asarray(vote.rows))
        st.dataframe(
            {
                "voter": list(range(1, voters + 1)),
                "sample": drawn.column("sample"),
                "answer": [short(text) if text is not None else "none: no vote" for text in drawn.text("answer")],
                "score": drawn.column(judge),
                "verifier": [{1.0: "✓", 0.0: "✗"}.get(value, "?") for value in drawn.column("correct")],
            },
            hide_index=True,
            height=min(38 * (voters + 1), 320),
            column_config={"score": st.column_config.NumberColumn(format="%.3f")},
        )
    reference = source.rollouts.row(int(grid.row[p, 0])).get("reference_answer")
    with right:
        parts.figure(
            vote_figure(vote, answers),
            key="vote",
            alt="Votes per answer, counted and weighted by the score",
            see=f"{count(voters, 'voter')} drawn at random from {most} solutions, one draw, so no interval"
            + (f"; {vote.n_unanswered} of them without an answer" if vote.n_unanswered else "")
            + ". ✓ marks the correct answer"
            + (f", {literal(reference, 60)}" if reference is not None else "")
            + ". Grey counts heads, green adds up scores; the star marks the winner of each.",
            settings=parts.made_with(source, judge, problem=grid.problem_ids[p], voters=voters, draw=seed),
        )


def flipped(source: cache.Source, judge: str) -> None:
    """The problems that the weights decide otherwise than the majority."""
    lists = findings.problem_lists(source, judge)
    helped, hurt, broken = (lists[kind] for kind in (findings.HELPED, findings.HURT, findings.TIE_BROKEN))
    st.markdown(
        f"With all solutions voting, the weights put **{count(len(helped), 'problem')}** right that the majority gets "
        f"wrong and **{len(hurt):,}** wrong that it gets right, of {cache.samples(source, judge).n_problems:,}; they "
        f"break **{count(len(broken), 'tie')}** in favour of the correct answer."
    )
    kinds = {
        f"{kind} ({len(lists[kind])})": kind
        for kind in (findings.HELPED, findings.HURT, findings.TIE_BROKEN, findings.TIED)
        if lists[kind]
    }
    if not kinds:
        st.caption("The weights change no vote, and no vote ties.")
        return
    for tab, kind in zip(st.tabs(list(kinds)), kinds.values(), strict=True):
        with tab:
            rows = vote_table(source, judge, lists[kind][:200])

            def open_problem(kind: str = kind) -> None:
                chosen = st.session_state[f"flipped-{kind}"].selection.rows
                if chosen:
                    st.session_state["problem_kind"] = kind
                    st.session_state["problem"] = findings.problem_lists(source, judge)[kind][chosen[0]]
                    st.session_state["go_to"] = "app_pages/traces.py"

            st.dataframe(
                rows,
                key=f"flipped-{kind}",
                on_select=open_problem,
                selection_mode="single-row",
                hide_index=True,
                height="content" if len(rows["problem"]) <= 8 else 320,
            )
            st.caption("Pick a row to open the problem in Traces.")


@st.fragment
def what_if(source: cache.Source, n: int) -> None:
    """The weighted vote under another scale and constant."""
    meta, kept = source.rollouts.meta, choices.kept(source)
    left, right = st.columns([2, 3], gap="medium")
    with left:
        steps = [round(float(f), 2) for f in np.geomspace(0.25, 4, 17)]
        factor = st.select_slider("β_v, times the run's own", steps, 1.0, key="beta_factor", **kept)
        shift = st.slider("c_ref, nats above the run's own", -5.0, 5.0, 0.0, 0.25, key="c_ref_shift", **kept)
        found = cache.analyse(
            source,
            "sensitivity",
            beta_v=meta.beta_v,
            c_ref=meta.c_ref,
            beta_grid=(meta.beta_v * factor,),
            c_ref_grid=(meta.c_ref + shift,),
            n=n,
        )
        own = cache.analyse(source, "sensitivity", beta_v=meta.beta_v, c_ref=meta.c_ref, n=n)
        st.markdown(
            f"At β_v = {number(meta.beta_v * factor, 3)} and c_ref = {number(meta.c_ref + shift, 2)} nats a weighted "
            f"vote of {n} is correct on **{percent(found.weighted[0, 0], 1)}** of the problems "
            f"({percent(found.weighted_low[0, 0], 1)} to {percent(found.weighted_high[0, 0], 1)}, n = "
            f"{count(found.n_problems, 'problem')}), a majority vote on {percent(found.majority, 1)}. Balanced F1 at "
            f"0.5 is **{number(found.balanced_f1[0, 0])}** ({number(found.balanced_f1_low[0, 0])} to "
            f"{number(found.balanced_f1_high[0, 0])}); {percent(found.at_bound[0, 0])} of the scores are clipped."
        )
        st.caption(
            "The order of the scores does not change, so neither do AUROC, best-of-N and pass@N. Only what a threshold "
            "or the clipping to [0, 1] makes of them does."
        )
    with right:
        parts.figure(
            sensitivity_figure(own, metric="weighted", beta_v=meta.beta_v, c_ref=meta.c_ref),
            key="voting_settings",
            alt="Accuracy of the weighted vote over a grid of beta_v and c_ref",
            see=f"Accuracy of a weighted vote of {n}, n = {count(own.n_problems, 'problem')}; the run's own settings "
            "are marked. Where it hardly changes, the constant need not be exact.",
            settings=parts.made_with(source, "score", n=n),
        )


def tokens(source: cache.Source, judge: str) -> None:
    """Accuracy against tokens sampled, for votes that stop when they are decided."""
    try:
        worth = compute_worth(source, judge)
    except InputError as error:
        st.info(literal(error), icon=":material/info:")
        return
    vote = "weighted" if cache.signal_of(source) else "majority"
    sure = worth.policy(vote, "confident")
    last = len(sure.budget) - 1
    parts.figure(
        accuracy_tokens_figure(worth),
        key="voting_tokens",
        alt="Accuracy against tokens sampled per problem, for votes of a fixed size and votes that stop early",
        see=f"With up to {sure.budget[last]} solutions, stopping a {vote} vote once it is decided at "
        f"{percent(worth.confidence)} confidence saves {percent(sure.saved[last])} of the tokens (95% interval "
        f"{percent(sure.saved_low[last])} to {percent(sure.saved_high[last])}) and changes accuracy by "
        f"{100 * sure.change[last]:+.1f} points ({100 * sure.change_low[last]:+.1f} to "
        f"{100 * sure.change_high[last]:+.1f}), n = {count(worth.n_problems, 'problem')}, replayed in "
        f"{worth.n_orders} random orders. Up and to the left is better.",
        settings=parts.made_with(source, judge, confidence=worth.confidence),
    )
    if worth.drop is not None:
        right, wrong = worth.drop.dropped_correct, worth.drop.dropped_incorrect
        st.caption(
            f"Dropping solutions whose trace of z_c falls below what correct ones keep to gives up "
            f"{percent(right.value)} of the correct ({interval(right, scale=100, digits=0)}%) and "
            f"{percent(wrong.value)} of the incorrect ones ({interval(wrong, scale=100, digits=0)}%), judged on "
            "problems that did not teach the level."
        )


def vote_answers(source: cache.Source, vote: Vote) -> list[str]:
    """The text of each of a vote's answers, as one of the solutions that gave it wrote it."""
    rows = pa.array(np.asarray(vote.representative, dtype=np.int64))
    return source.rollouts.table["answer"].take(rows).to_pylist() if len(rows) else []


def compute_worth(source: cache.Source, signal: str) -> analysis.ComputeWorth:
    """Accuracy against tokens; with early drops where the rollouts hold a trace of z_c.

    Raises
    ------
    InputError
        Where answers or token counts are missing.
    """

    def make() -> analysis.ComputeWorth:
        grid, rollouts = cache.samples(source, signal), source.rollouts
        drop = analysis.early_drop(rollouts, grid) if rollouts.has("z_trace") else None
        return analysis.compute_worth(grid, drop=drop, weight=findings.weight(signal))

    return cache.remember(source, ("compute worth", signal), make)


def vote_table(source: cache.Source, signal: str, problem_ids: list[str]) -> dict[str, list]:
    """Who wins on each of these problems when all solutions vote: the answers as their solutions wrote them."""
    grid, labels = cache.samples(source, signal), findings.problem_labels(source, signal)
    position = {name: p for p, name in enumerate(grid.problem_ids)}
    table: dict[str, list] = {"problem": [], "reference": [], "majority says": [], "weighted vote says": []}
    for problem_id in problem_ids:
        p = position[problem_id]
        vote = cache.analyse(
            source, "draw_vote", signal=signal, problem=p, n=int(grid.counts[p]), seed=0, weight=findings.weight(signal)
        )
        answers = vote_answers(source, vote)
        table["problem"].append(labels[problem_id])
        table["reference"].append(
            short(source.rollouts.row(int(grid.row[p, 0])).get("reference_answer") or "unknown", 80)
        )
        for name, winners in (("majority", vote.majority_winners), ("weighted vote", vote.weighted_winners)):
            won = [f"{short(answers[i], 80)} ({vote.count[i]} votes)" for i in np.flatnonzero(winners)]
            table[f"{name} says"].append(" or ".join(won[:4]))
    return table
