"""Sections of the Voting page: votes that weighting changes, other settings, tokens spent."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
import streamlit as st

from app.data import cache, findings, sources
from app.data.findings import KIND_LABELS, Kind
from app.data.sources import Source
from app.format import bounds, count, literal, number, percent, percent_interval, points, short
from app.sections import one_vote
from app.widgets import choices, parts
from laser_core import analysis
from laser_core.errors import InputError
from laser_core.figures import SettingsMetric, accuracy_tokens_figure, sensitivity_figure


class VotingSection(StrEnum):
    """The sections, by title."""

    ONE_VOTE = "One vote"
    CHANGED = "Changed votes"
    SETTINGS = "Other β_v and c_ref"
    TOKENS = "Tokens spent"


def offered(source: Source, signal: str | None) -> list[VotingSection]:
    """The sections that a run's rollouts allow."""
    meta = source.rollouts.meta
    sections = [VotingSection.ONE_VOTE]
    if signal is not None:
        sections.append(VotingSection.CHANGED)
    if signal == "score" and meta.beta_v and meta.c_ref is not None:
        sections.append(VotingSection.SETTINGS)
    return [*sections, VotingSection.TOKENS]


def show(section: VotingSection, source: Source, signal: str, n: int) -> None:
    """Draw one section; ``n`` is the number of solutions in a vote."""
    match section:
        case VotingSection.ONE_VOTE:
            one_vote.show(source, signal, n, weighted=sources.signal_of(source) is not None)
        case VotingSection.CHANGED:
            changed(source, signal)
        case VotingSection.SETTINGS:
            other_settings(source, n)
        case VotingSection.TOKENS:
            tokens(source, signal)


def changed(source: Source, signal: str) -> None:
    """The problems where weighting changes who wins."""
    lists = findings.problem_lists(source, signal)
    fixed, broken, tie_broken = (len(lists[kind]) for kind in (Kind.FIXED, Kind.BROKEN, Kind.TIE_BROKEN))
    if findings.derived(source, signal):
        st.caption(findings.derived(source, signal))
    st.markdown(
        f"With all solutions voting on {count(cache.samples(source, signal).n_problems, 'problem')}, weighting fixes "
        f"**{fixed:,}** that the majority gets wrong and breaks **{broken:,}** that it gets right. It decides "
        f"**{count(tie_broken, 'tie')}** for the correct answer."
    )
    kinds = [kind for kind in (Kind.FIXED, Kind.BROKEN, Kind.TIE_BROKEN, Kind.TIED) if lists[kind]]
    if not kinds:
        st.caption("Weighting changes no vote, and no vote is tied.")
        return
    tabs = st.tabs([f"{KIND_LABELS[kind]} ({len(lists[kind])})" for kind in kinds])
    for tab, kind in zip(tabs, kinds, strict=True):
        with tab:
            _votes_on(source, signal, kind, lists[kind][:200])


def _votes_on(source: Source, signal: str, kind: Kind, problem_ids: Sequence[str]) -> None:
    """The votes on these problems as a table; a row opens its problem."""
    key = f"changed-{kind.value}"

    def open_problem() -> None:
        selected = st.session_state[key].selection.rows
        if selected:
            st.session_state["problem_kind"] = kind
            st.session_state["problem"] = problem_ids[selected[0]]
            st.session_state["go_to"] = "app_pages/traces.py"

    st.dataframe(
        vote_table(source, signal, problem_ids),
        key=key,
        on_select=open_problem,
        selection_mode="single-row",
        hide_index=True,
        height="content" if len(problem_ids) <= 8 else 320,
    )
    st.caption("Select a row to open the problem in Traces.")


@st.fragment
def other_settings(source: Source, n: int) -> None:
    """The weighted vote under another beta_v and c_ref."""
    meta, kept = source.rollouts.meta, choices.kept(source)
    beta_v, c_ref = meta.beta_v, meta.c_ref
    if beta_v is None or c_ref is None:
        return
    left, right = st.columns([2, 3], gap="medium")
    with left:
        steps = [round(float(f), 2) for f in np.geomspace(0.25, 4, 17)]
        factor = st.select_slider("β_v, times the run's own", steps, 1.0, key="beta_factor", **kept)
        shift = st.slider("c_ref, nats above the run's own", -5.0, 5.0, 0.0, 0.25, key="c_ref_shift", **kept)
        beta_grid, c_ref_grid = (beta_v * factor,), (c_ref + shift,)
        found = cache.analyse(
            source, analysis.sensitivity, beta_v=beta_v, c_ref=c_ref, beta_grid=beta_grid, c_ref_grid=c_ref_grid, n=n
        )
        own = cache.analyse(source, analysis.sensitivity, beta_v=beta_v, c_ref=c_ref, n=n)
        weighted = bounds(found.weighted_low[0, 0], found.weighted_high[0, 0], lambda end: percent(end, 1))
        f1 = bounds(found.balanced_f1_low[0, 0], found.balanced_f1_high[0, 0])
        st.markdown(
            f"At β_v = {number(beta_grid[0], 3)} and c_ref = {number(c_ref_grid[0], 2)} nats a weighted vote of {n} is "
            f"correct on **{percent(found.weighted[0, 0], 1)}** of the problems (95% CI {weighted}, n = "
            f"{count(found.n_problems, 'problem')}), a majority vote on {percent(found.majority, 1)}. Balanced F1 at "
            f"0.5 is **{number(found.balanced_f1[0, 0])}** {f1}; {percent(found.at_bound[0, 0])} of the scores are "
            "clipped."
        )
        st.caption(
            "The order of the scores does not change, so AUROC, best-of-N and pass@N do not either. Only the threshold "
            "and the clipping to [0, 1] act differently."
        )
    with right:
        parts.figure(
            sensitivity_figure(own, SettingsMetric.WEIGHTED, beta_v=beta_v, c_ref=c_ref),
            key="voting_settings",
            alt="Accuracy of the weighted vote over a grid of β_v and c_ref",
            see=f"Accuracy of a weighted vote of {n}, n = {count(own.n_problems, 'problem')}; the run's own settings "
            "are framed. Where the accuracy hardly changes, the constant need not be exact.",
            settings=parts.made_with(source, "score", n=n),
        )


def tokens(source: Source, signal: str) -> None:
    """Accuracy against tokens sampled, for votes that stop once they are decided."""
    try:
        worth = compute_worth(source, signal)
    except InputError as error:
        st.info(literal(error), icon=":material/info:")
        return
    vote = "weighted" if sources.signal_of(source) else "majority"
    sure = worth.policy(vote, "confident")
    saved = f"{percent(sure.saved[-1])} (95% CI {bounds(sure.saved_low[-1], sure.saved_high[-1], percent)})"
    change, spread = points(sure.change[-1]), bounds(sure.change_low[-1], sure.change_high[-1], points)
    changes = f"changes accuracy by {change} points" if float(change) else "leaves accuracy unchanged"
    parts.figure(
        accuracy_tokens_figure(worth),
        key="voting_tokens",
        alt="Accuracy against tokens sampled per problem, for votes of a fixed size and votes that stop early",
        see=f"With up to {sure.budget[-1]} solutions, stopping a {vote} vote once it is {percent(worth.confidence)} "
        f"sure saves {saved} of the tokens and {changes} ({spread} points); n = "
        f"{count(worth.n_problems, 'problem')}, each in {worth.n_orders} random orders. Up and to the left is better.",
        settings=parts.made_with(source, signal, confidence=worth.confidence),
    )
    if worth.drop is not None:
        correct, incorrect = worth.drop.dropped_correct, worth.drop.dropped_incorrect
        st.caption(
            "Dropping a solution when its trace of z_c falls below a level that 95% of correct solutions stay above "
            f"loses {percent(correct.value)} {percent_interval(correct)} of the correct and "
            f"{percent(incorrect.value)} {percent_interval(incorrect)} of the incorrect solutions, on problems that "
            "were not used to set the level."
        )


def compute_worth(source: Source, signal: str) -> analysis.ComputeWorth:
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


def vote_table(source: Source, signal: str, problem_ids: Sequence[str]) -> dict[str, list[str]]:
    """The winners on each problem when all solutions vote: the answers as their solutions wrote them."""
    grid, labels = cache.samples(source, signal), findings.problem_labels(source, signal)
    position = {name: p for p, name in enumerate(grid.problem_ids)}
    table: dict[str, list[str]] = {"problem": [], "reference": [], "majority vote": [], "weighted vote": []}
    for problem_id in problem_ids:
        p = position[problem_id]
        n, weight = int(grid.counts[p]), findings.weight(signal)
        vote = cache.analyse(source, analysis.draw_vote, signal=signal, problem=p, n=n, seed=0, weight=weight)
        answers = one_vote.answers_of(source, vote)
        table["problem"].append(labels[problem_id])
        table["reference"].append(
            short(source.rollouts.row(int(grid.row[p, 0])).get("reference_answer") or "unknown", 80)
        )
        for name, winners in (("majority vote", vote.majority_winners), ("weighted vote", vote.weighted_winners)):
            won = [f"{short(answers[i], 80)} ({vote.count[i]} votes)" for i in np.flatnonzero(winners)]
            table[name].append(" or ".join(won[:4]))
    return table
